#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "wire/identifier.h"

// Requests and responses of the GA dialect, both directions: Encode for the
// sender, Decode for the receiver.
//
// A Decode is total: whatever the bytes, it returns a value or kInvalidArgument
// with a message that names the member and says what would be right, fit to be
// sent back. It quotes no values, which may be telephone numbers. Unknown
// members are ignored, as are case differences in member names. A string that
// may be missing is empty then; so is one that is null.
namespace tocsin::wire::ga {

struct CreateCallRequest {
  std::vector<Identifier> targets;  // At least one; a dialer sends exactly one.
  std::string callback_uri;         // Absolute http or https URL.
  std::string caller_number;        // sourceCallerIdNumber
  std::string source_display_name;
  std::string source;  // Id of a communication user.
  std::string operation_context;
  std::string cognitive_services_endpoint;  // Without it nothing can be spoken.

  friend bool operator==(const CreateCallRequest&, const CreateCallRequest&) = default;
};

enum class CallState {
  kUnknown,
  kConnecting,
  kConnected,
  kTransferring,
  kTransferAccepted,
  kDisconnecting,
  kDisconnected,
};

// The answer to createCall and getCall.
struct CallConnectionProperties {
  std::string call_connection_id;  // Never empty.
  std::string server_call_id;
  std::string correlation_id;
  CallState state = CallState::kUnknown;
  std::vector<Identifier> targets;
  std::string callback_uri;
  std::string caller_number;
  std::string source_display_name;
  std::optional<Identifier> source;
  std::string answered_by;   // Id of a communication user.
  std::string answered_for;  // Telephone number.

  friend bool operator==(const CallConnectionProperties&,
                         const CallConnectionProperties&) = default;
};

// Something to be heard: a hosted WAV (mono, 16 bit, 16 kHz), or a text that
// the provider speaks.
struct PlaySource {
  enum class Kind { kFile, kText, kSsml };
  Kind kind = Kind::kFile;
  std::string content;        // The file's URL, the text (4,000 characters) or the SSML.
  std::string cache_id;       // Under which the provider may keep it.
  std::string source_locale;  // kText: "en-US"
  std::string voice_kind;     // kText: "male" or "female"
  std::string voice_name;     // kText: "en-US-NancyNeural"
  std::string custom_voice_endpoint_id;

  friend bool operator==(const PlaySource&, const PlaySource&) = default;
};

inline constexpr std::size_t kTextMaxCharacters = 4'000;

// Where the result of one operation goes instead of to the call's callback URL,
// and what comes back in it.
struct OperationEcho {
  std::string context;
  std::string callback_uri;  // Empty: the call's.

  friend bool operator==(const OperationEcho&, const OperationEcho&) = default;
};

struct PlayRequest {
  std::vector<PlaySource> sources;  // At least one; played one after another.
  std::vector<Identifier> play_to;  // Empty: to everybody.
  bool loop = false;
  bool interrupts = false;  // Whatever is being played or recognized.
  OperationEcho echo;

  friend bool operator==(const PlayRequest&, const PlayRequest&) = default;
};

enum class RecognizeInput { kDtmf, kSpeech, kSpeechOrDtmf, kChoices };

struct RecognizeRequest {
  RecognizeInput input = RecognizeInput::kDtmf;
  Identifier target;
  std::vector<PlaySource> prompts;
  bool interrupts = false;        // Whatever is being played or recognized.
  bool interrupt_prompt = false;  // By a key.
  int initial_silence_s = 5;      // 0 to 300.
  int inter_tone_s = 2;           // 1 to 60.
  int tones_max = 0;              // 0: no limit.
  std::string stop_tones;
  OperationEcho echo;

  friend bool operator==(const RecognizeRequest&, const RecognizeRequest&) = default;
};

// The body of startContinuousDtmfRecognition and of stop.
struct ContinuousDtmfRequest {
  Identifier target;
  OperationEcho echo;

  friend bool operator==(const ContinuousDtmfRequest&, const ContinuousDtmfRequest&) = default;
};

inline constexpr std::size_t kTonesMax = 18;

struct SendDtmfTonesRequest {
  std::string tones;  // 1 to kTonesMax.
  Identifier target;
  OperationEcho echo;

  friend bool operator==(const SendDtmfTonesRequest&, const SendDtmfTonesRequest&) = default;
};

using Headers = std::map<std::string, std::string>;

struct AddParticipantRequest {
  Identifier participant;
  std::string caller_number;
  std::string source_display_name;
  std::optional<int> invitation_timeout_s;  // 0 to 180.
  Headers sip_headers;
  Headers voip_headers;
  OperationEcho echo;

  friend bool operator==(const AddParticipantRequest&, const AddParticipantRequest&) = default;
};

struct CallParticipant {
  Identifier identifier;
  bool is_muted = false;
  bool is_on_hold = false;

  friend bool operator==(const CallParticipant&, const CallParticipant&) = default;
};

struct AddParticipantResponse {
  CallParticipant participant;
  std::string invitation_id;
  std::string operation_context;

  friend bool operator==(const AddParticipantResponse&, const AddParticipantResponse&) = default;
};

struct RemoveParticipantRequest {
  Identifier participant;
  OperationEcho echo;

  friend bool operator==(const RemoveParticipantRequest&,
                         const RemoveParticipantRequest&) = default;
};

struct CancelAddParticipantRequest {
  std::string invitation_id;
  OperationEcho echo;

  friend bool operator==(const CancelAddParticipantRequest&,
                         const CancelAddParticipantRequest&) = default;
};

struct CancelAddParticipantResponse {
  std::string invitation_id;
  std::string operation_context;

  friend bool operator==(const CancelAddParticipantResponse&,
                         const CancelAddParticipantResponse&) = default;
};

struct TransferRequest {
  Identifier target;
  std::optional<Identifier> transferee;  // Needed if there is more than one to choose from.
  std::string caller_number;
  Headers sip_headers;
  Headers voip_headers;
  OperationEcho echo;

  friend bool operator==(const TransferRequest&, const TransferRequest&) = default;
};

struct MuteRequest {
  std::vector<Identifier> targets;  // Exactly one, says the provider.
  std::string operation_context;

  friend bool operator==(const MuteRequest&, const MuteRequest&) = default;
};

// The answer to sendDtmfTones, remove, transfer and mute.
struct OperationResponse {
  std::string operation_context;

  friend bool operator==(const OperationResponse&, const OperationResponse&) = default;
};

struct ParticipantList {
  std::vector<CallParticipant> participants;
  std::string next_link;  // Empty: this was the last page.

  friend bool operator==(const ParticipantList&, const ParticipantList&) = default;
};

// Any answer that is no success. `code` may be a subcode as text ("8522").
struct Error {
  std::string code;
  std::string message;
  std::string target;
  std::vector<Error> details;
  std::vector<Error> inner;  // At most one.

  friend bool operator==(const Error&, const Error&) = default;
};

std::string Encode(const CreateCallRequest& request);
std::string Encode(const CallConnectionProperties& properties);
std::string Encode(const PlayRequest& request);
std::string Encode(const RecognizeRequest& request);
std::string Encode(const ContinuousDtmfRequest& request);
std::string Encode(const SendDtmfTonesRequest& request);
std::string Encode(const AddParticipantRequest& request);
std::string Encode(const AddParticipantResponse& response);
std::string Encode(const RemoveParticipantRequest& request);
std::string Encode(const CancelAddParticipantRequest& request);
std::string Encode(const CancelAddParticipantResponse& response);
std::string Encode(const TransferRequest& request);
std::string Encode(const MuteRequest& request);
std::string Encode(const OperationResponse& response);
std::string Encode(const CallParticipant& participant);
std::string Encode(const ParticipantList& list);
std::string Encode(const Error& error);

absl::StatusOr<CreateCallRequest> DecodeCreateCallRequest(std::string_view body);
absl::StatusOr<CallConnectionProperties> DecodeCallConnectionProperties(std::string_view body);
absl::StatusOr<PlayRequest> DecodePlayRequest(std::string_view body);
absl::StatusOr<RecognizeRequest> DecodeRecognizeRequest(std::string_view body);
absl::StatusOr<ContinuousDtmfRequest> DecodeContinuousDtmfRequest(std::string_view body);
absl::StatusOr<SendDtmfTonesRequest> DecodeSendDtmfTonesRequest(std::string_view body);
absl::StatusOr<AddParticipantRequest> DecodeAddParticipantRequest(std::string_view body);
absl::StatusOr<AddParticipantResponse> DecodeAddParticipantResponse(std::string_view body);
absl::StatusOr<RemoveParticipantRequest> DecodeRemoveParticipantRequest(std::string_view body);
absl::StatusOr<CancelAddParticipantRequest> DecodeCancelAddParticipantRequest(
    std::string_view body);
absl::StatusOr<CancelAddParticipantResponse> DecodeCancelAddParticipantResponse(
    std::string_view body);
absl::StatusOr<TransferRequest> DecodeTransferRequest(std::string_view body);
absl::StatusOr<MuteRequest> DecodeMuteRequest(std::string_view body);
absl::StatusOr<OperationResponse> DecodeOperationResponse(std::string_view body);
absl::StatusOr<CallParticipant> DecodeCallParticipant(std::string_view body);
absl::StatusOr<ParticipantList> DecodeParticipantList(std::string_view body);

// Reads the form wrapped in "error" and the flat one. Never fails: what is no
// such body is an error without code and message.
Error DecodeError(std::string_view body);

// "connecting", "connected", ...
std::string_view Name(CallState state);

}  // namespace tocsin::wire::ga
