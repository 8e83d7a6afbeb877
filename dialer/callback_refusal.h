#pragma once
#include <cstddef>
#include <string_view>

namespace tocsin::dialer {

// Why a callback was not taken.
enum class CallbackRefusal {
  kNotOurs,         // 404: no such path.
  kMethod,          // 405.
  kMalformedUrl,    // 400.
  kForged,          // 401: the signature is wrong or its key unknown.
  kTooLong,         // 413.
  kMalformedBody,   // 400.
  kUnknownAttempt,  // 404: signed by us, and no such attempt.
  kUnfit,           // 500: the store will not take it.
  kOverloaded,      // 503: too much is waiting.
  kUnavailable,     // 503: the store is away.
  // Of the token that callbacks of a GA trunk carry besides.
  kTokenMissing,        // 401.
  kTokenMalformed,      // 401: no token of RS256.
  kTokenUnknownKey,     // 401: signed with a key that the issuer does not have.
  kTokenForged,         // 401: not signed with the key that it names.
  kTokenOtherIssuer,    // 401.
  kTokenOtherAudience,  // 401: for another resource.
  kTokenExpired,        // 401.
  kTokenNotYetValid,    // 401.
  kTokenOtherTrunk,     // 401: the trunk is none of GA any more.
  kTokenUndecided,      // 503: the key is not known, and cannot be asked for now.
};
inline constexpr std::size_t kCallbackRefusals = 20;
std::string_view Name(CallbackRefusal refusal);

}  // namespace tocsin::dialer
