#include "dialer/provider_request.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "base/status_macros.h"
#include "wire/request_signing.h"

namespace tocsin::dialer {

namespace {

// The same with another api-version, where there is one.
std::string WithApiVersion(const std::string& path_and_query, const std::string& version) {
  constexpr std::string_view kParameter = "api-version=";
  const std::size_t at = path_and_query.find(kParameter);
  if (version.empty() || at == std::string::npos) return path_and_query;
  const std::size_t value = at + kParameter.size();
  const std::size_t end = std::min(path_and_query.find('&', value), path_and_query.size());
  return path_and_query.substr(0, value) + version + path_and_query.substr(end);
}

}  // namespace

absl::StatusOr<HttpOrder> SignedOrder(const TrunkAddress& trunk, ProviderRequest request,
                                      Credentials& credentials, absl::Time now) {
  HttpOrder order;
  order.method = std::move(request.method);
  order.path_and_query = WithApiVersion(request.path_and_query, trunk.api_version);
  order.body = std::move(request.body);
  order.headers = std::move(request.headers);
  TOCSIN_ASSIGN_OR_RETURN(const Authority authority,
                          credentials.Get(trunk.credential, trunk.endpoint));
  TOCSIN_ASSIGN_OR_RETURN(const Endpoint endpoint, ParseEndpoint(trunk.endpoint));
  if (!authority.bearer_token.empty()) {
    if (!endpoint.tls && !IsLoopbackEndpoint(trunk.endpoint)) {
      return FailedPrecondition("a bearer token is not sent over plain http");
    }
    order.headers.emplace_back("Authorization", "Bearer " + authority.bearer_token.Reveal());
  } else if (!authority.access_key.empty()) {
    auto signature = wire::RequestSigner(authority.access_key)
                         .Sign({.method = order.method,
                                .path_and_query = order.path_and_query,
                                .host = endpoint.host_header,
                                .body = order.body},
                               now);
    order.headers.insert(order.headers.end(), signature.begin(), signature.end());
  }
  return order;
}

absl::Duration RetryAfter(const HttpAnswer& answer, absl::Time now) {
  absl::Duration wait;
  double number = 0;
  if (answer.retry_after_ms && absl::SimpleAtod(*answer.retry_after_ms, &number)) {
    wait = absl::Milliseconds(number);
  } else if (answer.retry_after && absl::SimpleAtod(*answer.retry_after, &number)) {
    wait = absl::Seconds(number);
  } else if (answer.retry_after) {
    const auto date = wire::ParseRfc1123(*answer.retry_after);
    if (date.ok()) wait = *date - now;
  }
  return std::clamp(wait, absl::ZeroDuration(), absl::Hours(1));
}

bool IsThrottled(const HttpAnswer& answer) {
  return answer.status == 429 ||
         (answer.status == 503 && (answer.retry_after || answer.retry_after_ms));
}

}  // namespace tocsin::dialer
