#pragma once
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"

namespace tocsin {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <class T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// Calls a method of a store that is safe to repeat (it is given an operation
// or request id, or changes nothing twice) until its fate is known: a commit of
// unknown fate and a lost race are repeated at once, a few times. What is
// unknown even then comes back as kUnavailable: the caller may repeat it later.
template <class Call>
auto Settle(Call&& call) -> decltype(call()) {
  constexpr int kTries = 3;
  for (int tries = 1;; ++tries) {
    auto result = call();
    const absl::StatusCode code = StatusOf(result).code();
    if (code != absl::StatusCode::kUnknown && code != absl::StatusCode::kAborted) return result;
    if (tries == kTries) {
      return Unavailable("{}; it may or may not have happened", Message(StatusOf(result)));
    }
  }
}

}  // namespace tocsin
