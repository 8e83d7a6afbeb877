#include "dialer/http_fetch.h"

#include <utility>
#include <variant>

#include "base/status_macros.h"

namespace tocsin::dialer {

absl::StatusOr<HttpAnswer> SendText(ConnectionPool& pool, std::string method,
                                    const std::string& url, std::string body) {
  const std::size_t scheme = url.find("://");
  const std::size_t path = scheme == std::string::npos ? scheme : url.find('/', scheme + 3);
  if (path == std::string::npos) return InvalidArgument("{} must be https://host/path", url);
  auto loan = pool.Borrow(url.substr(0, path));
  TOCSIN_RETURN_IF_ERROR(loan.status());
  HttpResult result = loan->Send({.method = std::move(method),
                                  .path_and_query = url.substr(path, url.find('#') - path),
                                  .body = std::move(body)});
  if (auto* answer = std::get_if<HttpAnswer>(&result)) return std::move(*answer);
  const auto* unanswered = std::get_if<HttpUnanswered>(&result);
  return Unavailable(
      "{}: {}", url.substr(0, path),
      unanswered != nullptr ? unanswered->reason : std::get<HttpNotSent>(result).reason);
}

absl::StatusOr<std::string> FetchText(ConnectionPool& pool, const std::string& url) {
  TOCSIN_ASSIGN_OR_RETURN(HttpAnswer answer, SendText(pool, "GET", url, ""));
  if (answer.status != 200) return Unavailable("{} answered {}", url, answer.status);
  return std::move(answer.body);
}

}  // namespace tocsin::dialer
