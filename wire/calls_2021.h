#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "wire/dialect.h"
#include "wire/identifier.h"

// Requests and responses of the 2021 dialects, both directions: Encode for the
// sender, Decode for the receiver.
//
// A Decode is total: whatever the bytes, it returns a value or kInvalidArgument
// with a message that names the member and says what would be right, fit to be
// sent back. It quotes no values, which may be telephone numbers. Unknown
// members are ignored, as are case differences in member names.
//
// Strings are as on the wire: valid UTF-8, not otherwise checked.
namespace tocsin::wire {

struct CreateCallRequest {
  std::optional<Identifier> source;  // 2021-04 has none.
  std::vector<Identifier> targets;   // At least one; a dialer sends exactly one.
  std::string caller_number;  // alternateCallerId, sourceAlternateIdentity; empty: not given.
  std::string subject;
  std::string callback_uri;  // Absolute http or https URL.
  // Which events are wanted besides those that are always sent.
  bool wants_participants_updated = false;
  bool wants_dtmf = true;

  friend bool operator==(const CreateCallRequest&, const CreateCallRequest&) = default;
};

struct CreateCallResponse {
  std::string call_leg_id;

  friend bool operator==(const CreateCallResponse&, const CreateCallResponse&) = default;
};

// The file must be WAV: mono, 16 bit, 16 kHz.
struct PlayAudioRequest {
  std::string audio_file_uri;  // Absolute http or https URL.
  bool loop = false;           // Until cancelled.
  std::string operation_context;
  std::string resource_id;   // Key under which the provider may cache the file.
  std::string callback_uri;  // For the result; empty: the call's.

  friend bool operator==(const PlayAudioRequest&, const PlayAudioRequest&) = default;
};

struct CancelMediaRequest {
  std::string operation_context;

  friend bool operator==(const CancelMediaRequest&, const CancelMediaRequest&) = default;
};

// Asks to ring further parties into a call.
struct InviteParticipantsRequest {
  std::string caller_number;  // alternateCallerId; needed for telephone numbers.
  std::vector<Identifier> participants;
  std::string operation_context;
  std::string callback_uri;  // For the result; empty: the call's.

  friend bool operator==(const InviteParticipantsRequest&,
                         const InviteParticipantsRequest&) = default;
};

// Asks to become part of a conversation that is there already: a call to
// nobody.
struct JoinRequest {
  std::optional<Identifier> source;
  std::string subject;
  std::string callback_uri;  // Absolute http or https URL.
  bool wants_participants_updated = false;
  bool wants_dtmf = true;

  friend bool operator==(const JoinRequest&, const JoinRequest&) = default;
};

enum class OperationStatus { kUnknown, kNotStarted, kRunning, kCompleted, kFailed };

// How an operation went. Decide on the codes, never on the status alone: a
// cancelled play says "completed".
struct ResultInfo {
  std::int32_t code = 0;     // Like an HTTP status.
  std::int32_t subcode = 0;  // 8508: cancelled. 8535: bad format. 8536: download failed.
  std::string message;

  friend bool operator==(const ResultInfo&, const ResultInfo&) = default;
};

inline constexpr std::int32_t kSubcodeCancelled = 8508;
inline constexpr std::int32_t kSubcodeBadFormat = 8535;
inline constexpr std::int32_t kSubcodeDownloadFailed = 8536;

// The answer to play and cancel.
struct OperationResult {
  std::string id;
  OperationStatus status = OperationStatus::kUnknown;
  std::string operation_context;
  std::optional<ResultInfo> result_info;

  friend bool operator==(const OperationResult&, const OperationResult&) = default;
};

struct ErrorBody {
  std::string code;
  std::string message;

  friend bool operator==(const ErrorBody&, const ErrorBody&) = default;
};

std::string Encode(const CreateCallRequest& request, Edition edition = Edition::kOverview);
std::string Encode(const CreateCallResponse& response);
std::string Encode(const PlayAudioRequest& request, Edition edition = Edition::kOverview);
std::string Encode(const CancelMediaRequest& request);
std::string Encode(const InviteParticipantsRequest& request);
std::string Encode(const JoinRequest& request);
std::string Encode(const OperationResult& result);
std::string Encode(const ErrorBody& error);

absl::StatusOr<CreateCallRequest> DecodeCreateCallRequest(std::string_view body);
absl::StatusOr<CreateCallResponse> DecodeCreateCallResponse(std::string_view body);
absl::StatusOr<PlayAudioRequest> DecodePlayAudioRequest(std::string_view body);
// An empty body is a request without a context: one published edition has none.
absl::StatusOr<CancelMediaRequest> DecodeCancelMediaRequest(std::string_view body);
absl::StatusOr<InviteParticipantsRequest> DecodeInviteParticipantsRequest(std::string_view body);
absl::StatusOr<JoinRequest> DecodeJoinRequest(std::string_view body);
absl::StatusOr<OperationResult> DecodeOperationResult(std::string_view body);

// Reads the flat form and the one wrapped in "error". Never fails: what is no
// such body gives an empty code and message.
ErrorBody DecodeErrorBody(std::string_view body);

}  // namespace tocsin::wire
