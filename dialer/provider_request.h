#pragma once
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "core/trunk.h"
#include "dialer/http_connection.h"
#include "dialer/protocol.h"

namespace tocsin::dialer {

// Where and how a trunk is spoken to: what of it a request needs.
struct TrunkAddress {
  std::string endpoint;
  Dialect dialect = Dialect::kPreview202105;
  Secret access_key;

  static TrunkAddress Of(const Trunk& trunk) {
    return {trunk.endpoint, trunk.dialect, trunk.access_key};
  }
};

// The request as it goes on the wire, signed if the trunk has a key.
// kInvalidArgument if endpoint or key are malformed.
absl::StatusOr<HttpOrder> SignedOrder(const TrunkAddress& trunk, ProviderRequest request,
                                      absl::Time now);

// What an answer asks to wait, by any of the three headers that are used;
// within [0, 1 h], zero if it does not say.
absl::Duration RetryAfter(const HttpAnswer& answer, absl::Time now);

// Whether the answer says that nothing was done because of the load: 429, and
// 503 if it says when to come back.
bool IsThrottled(const HttpAnswer& answer);

}  // namespace tocsin::dialer
