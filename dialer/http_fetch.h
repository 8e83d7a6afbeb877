#pragma once
#include <string>

#include "absl/status/statusor.h"
#include "dialer/connection_pool.h"

namespace tocsin::dialer {

// The answer to a request to an http or https URL, whatever its status. Errors
// as below.
absl::StatusOr<HttpAnswer> SendText(ConnectionPool& pool, std::string method,
                                    const std::string& url, std::string body);

// What stands at an http or https URL. kUnavailable says what came instead of a
// 200; kInvalidArgument: it is no such URL. Within the pool's timeouts; follows
// no redirects.
absl::StatusOr<std::string> FetchText(ConnectionPool& pool, const std::string& url);

}  // namespace tocsin::dialer
