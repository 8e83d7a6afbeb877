// Errors as the rules speak of them <-> errors as gRPC carries them. A payload
// of an absl::Status ("type.googleapis.com/google.rpc.BadRequest") is a detail
// of the rich error, so that only this file knows how one is made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/campaign.h"
#include "grpcpp/support/status.h"

namespace tocsin {

// The codes are the same numbers; payloads become details of google.rpc.Status.
grpc::Status ToGrpcStatus(const absl::Status& status);

// kInvalidArgument with all violations as google.rpc.BadRequest and the first
// few in its message. REQUIRES: there is one.
absl::Status InvalidFields(const std::vector<FieldViolation>& violations);

// OK if there are none, else InvalidFields().
absl::Status CheckFields(const std::vector<FieldViolation>& violations);

// `status` with google.rpc.ErrorInfo IMPORT_INTERRUPTED: how many rows of how
// many batches are stored, and what to repeat.
absl::Status ImportInterrupted(const absl::Status& status, std::int64_t batches_stored,
                               std::int64_t rows_stored, const std::string& request_id);

}  // namespace tocsin
