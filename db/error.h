#pragma once
#include <string_view>

#include "absl/status/status.h"

namespace tocsin::db {

// Translates the exception in flight. The message names `where` (a statement)
// and what the server said, but never its DETAIL, a parameter or a value of a
// row: those may be a person's number.
//
//   kAborted             lost a race (serialization, deadlock): repeat
//   kUnavailable         the server is away or going away: later
//   kUnknown             a commit whose fate nobody knows: reconcile
//   kAlreadyExists       a unique constraint
//   kFailedPrecondition  any other constraint
//   kDeadlineExceeded    a timeout of ours
//   kInvalidArgument     a value that the column's type cannot hold
//   kInternal            everything else
absl::Status CurrentExceptionToStatus(std::string_view where);

}  // namespace tocsin::db
