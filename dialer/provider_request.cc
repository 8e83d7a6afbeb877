#include "dialer/provider_request.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "base/status_macros.h"
#include "wire/digest.h"
#include "wire/request_signing.h"

namespace tocsin::dialer {

absl::StatusOr<HttpOrder> SignedOrder(const TrunkAddress& trunk, ProviderRequest request,
                                      absl::Time now) {
  HttpOrder order;
  order.method = std::move(request.method);
  order.path_and_query = std::move(request.path_and_query);
  order.body = std::move(request.body);
  order.headers = std::move(request.headers);
  if (trunk.access_key.empty()) return order;
  TOCSIN_ASSIGN_OR_RETURN(const Endpoint endpoint, ParseEndpoint(trunk.endpoint));
  TOCSIN_ASSIGN_OR_RETURN(std::string key, wire::DecodeBase64(trunk.access_key.Reveal()));
  const wire::RequestSigner signer{Secret(std::move(key))};
  auto signature = signer.Sign({.method = order.method,
                                .path_and_query = order.path_and_query,
                                .host = endpoint.host_header,
                                .body = order.body},
                               now);
  order.headers.insert(order.headers.end(), signature.begin(), signature.end());
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
