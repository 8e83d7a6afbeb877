#pragma once
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "dialer/connection_pool.h"
#include "dialer/provider_request.h"

namespace tocsin::dialer {

// The numbers (E.164) that a trunk's resource lists as its own; those that reach
// it by direct routing are not among them. kUnavailable says why it cannot be
// told, which is no fault: an endpoint need not have such a list.
absl::StatusOr<std::set<std::string>> FetchOwnedNumbers(const TrunkAddress& trunk,
                                                        ConnectionPool& pool,
                                                        Credentials& credentials,
                                                        const Clock& clock);

}  // namespace tocsin::dialer
