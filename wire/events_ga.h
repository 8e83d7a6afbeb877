#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "wire/calls_ga.h"
#include "wire/identifier.h"

// The callback events of GA. They are read and written together with those of
// 2021 (events.h).
namespace tocsin::wire::ga {

// Every type that the provider documents, and that the real client's parser
// knows. What each carries beside the members that all have is its Detail.
enum class EventType {
  kCallConnected,
  kCallDisconnected,  // The last of a call.
  kCreateCallFailed,
  kParticipantsUpdated,  // Roster
  kPlayStarted,
  kPlayCompleted,
  kPlayFailed,  // FailedSource
  kPlayCanceled,
  kRecognizeCompleted,  // Recognized
  kRecognizeFailed,     // FailedSource
  kRecognizeCanceled,
  kContinuousToneReceived,  // ToneReceived
  kContinuousToneFailed,
  kContinuousStopped,
  kSendDtmfTonesCompleted,
  kSendDtmfTonesFailed,
  kAddParticipantSucceeded,  // Party; likewise the next three
  kAddParticipantFailed,
  kRemoveParticipantSucceeded,
  kRemoveParticipantFailed,
  kCancelAddParticipantSucceeded,  // Invitation
  kCancelAddParticipantFailed,     // Invitation
  kCallTransferAccepted,           // Transfer
  kCallTransferFailed,
  kMoveParticipantSucceeded,  // Party
  kMoveParticipantFailed,     // Party
  kAnswerFailed,
  kConnectFailed,
  kHoldFailed,
  kRecordingStateChanged,
  kStartRecordingFailed,
  kTranscriptionStarted,
  kTranscriptionStopped,
  kTranscriptionUpdated,
  kTranscriptionFailed,
  kMediaStreamingStarted,
  kMediaStreamingStopped,
  kMediaStreamingFailed,
};

// A SIP or Q.850 cause.
struct Cause {
  std::int32_t code = 0;
  std::string message;

  friend bool operator==(const Cause&, const Cause&) = default;
};

// Why something ended as it did. result_codes.h says what it means.
struct ResultInformation {
  std::int32_t code = 0;     // Like an HTTP or SIP status.
  std::int32_t subcode = 0;  // 560nnn: SIP status nnn of the far end.
  std::string message;
  std::optional<Cause> sip;
  std::optional<Cause> q850;

  friend bool operator==(const ResultInformation&, const ResultInformation&) = default;
};

// The full roster, not a difference.
struct Roster {
  std::int64_t sequence_number = 0;  // The higher one is the later one.
  std::vector<CallParticipant> participants;

  friend bool operator==(const Roster&, const Roster&) = default;
};

struct ToneReceived {
  std::int64_t sequence_id = 0;  // Counts the tones of a call: their true order.
  char tone = '0';               // One of "0123456789*#abcd".

  friend bool operator==(const ToneReceived&, const ToneReceived&) = default;
};

struct Recognized {
  std::string type;   // "dtmf", "speech", "choices"
  std::string tones;  // Of dtmf.
  std::string label;  // Of choices.
  std::string words;  // What was said, of choices and speech.

  friend bool operator==(const Recognized&, const Recognized&) = default;
};

struct Party {
  Identifier participant;

  friend bool operator==(const Party&, const Party&) = default;
};

struct Invitation {
  std::string invitation_id;

  friend bool operator==(const Invitation&, const Invitation&) = default;
};

struct Transfer {
  std::optional<Identifier> target;
  std::optional<Identifier> transferee;

  friend bool operator==(const Transfer&, const Transfer&) = default;
};

struct FailedSource {
  std::optional<int> index;  // Among the sources of the request.

  friend bool operator==(const FailedSource&, const FailedSource&) = default;
};

using Detail = std::variant<std::monostate, Roster, ToneReceived, Recognized, Party, Invitation,
                            Transfer, FailedSource>;

struct CallEvent {
  EventType type = EventType::kCallConnected;
  std::string call_connection_id;
  std::string server_call_id;
  std::string correlation_id;
  // As given in the request that this is the result of; of the call's own
  // events as given in createCall.
  std::string operation_context;
  std::optional<ResultInformation> result;
  Detail detail;  // Of the kind that the type has.

  friend bool operator==(const CallEvent&, const CallEvent&) = default;
};

// "CallConnected", "SendDtmfTonesCompleted", ...: without the prefix.
std::string_view Name(EventType type);

// An empty detail of the kind that the type has.
Detail EmptyDetail(EventType type);

}  // namespace tocsin::wire::ga
