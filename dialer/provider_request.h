#pragma once
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/trunk.h"
#include "dialer/credentials.h"
#include "dialer/http_connection.h"
#include "dialer/protocol.h"

namespace tocsin::dialer {

// Where and how a trunk is spoken to: what of it a request needs.
struct TrunkAddress {
  TrunkId id;
  std::string endpoint;
  Dialect dialect = Dialect::kPreview202105;
  std::string api_version;  // Empty: the dialect's default.
  Spelling spelling = Spelling::kOverview;
  Credential credential;
  std::string source_user;
  std::string cognitive_services_endpoint;  // Empty: the provider does not speak.

  static TrunkAddress Of(const Trunk& trunk) {
    return {trunk.id,       trunk.endpoint,   trunk.dialect,     trunk.api_version,
            trunk.spelling, trunk.credential, trunk.source_user, trunk.cognitive_services_endpoint};
  }
};

// The request as it goes on the wire: of the trunk's api-version, and signed or
// with a token as the trunk wants it. kInvalidArgument if the endpoint is
// malformed; kFailedPrecondition if the secret cannot be had or must not be
// shown there: a token does not go over plain http to another machine.
absl::StatusOr<HttpOrder> SignedOrder(const TrunkAddress& trunk, ProviderRequest request,
                                      Credentials& credentials, absl::Time now);

// What an answer asks to wait, by any of the three headers that are used;
// within [0, 1 h], zero if it does not say.
absl::Duration RetryAfter(const HttpAnswer& answer, absl::Time now);

// Whether the answer says that nothing was done because of the load: 429, and
// 503 if it says when to come back.
bool IsThrottled(const HttpAnswer& answer);

}  // namespace tocsin::dialer
