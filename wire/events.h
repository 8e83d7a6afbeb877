#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "wire/calls_2021.h"
#include "wire/events_ga.h"

// The provider's callbacks, of all dialects: what it posts to our callback URL
// while a call lives. They come in any order, twice, late, or before the answer to
// create-call; nothing here assumes otherwise.
namespace tocsin::wire {

enum class CallState {
  kUnknown,  // Also any state that we do not know.
  kIdle,
  kIncoming,
  kEstablishing,  // Ringing, as far as this dialect tells.
  kEstablished,   // Somebody or something answered.
  kHold,
  kUnhold,
  kTransferring,
  kRedirecting,
  kTerminating,
  kTerminated,  // Carries no reason: busy and no answer look the same.
};

struct CallStateChanged {
  std::string call_leg_id;
  std::string conversation_id;  // Empty until Established.
  CallState state = CallState::kUnknown;

  friend bool operator==(const CallStateChanged&, const CallStateChanged&) = default;
};

struct DtmfReceived {
  std::string call_leg_id;
  std::int64_t sequence_id = 0;  // Counts the tones of a call from 1: their true order.
  char tone = '0';               // One of "0123456789*#abcd".

  friend bool operator==(const DtmfReceived&, const DtmfReceived&) = default;
};

struct PlayAudioResult {
  std::string call_leg_id;
  std::string operation_context;  // As given in the play request.
  OperationStatus status = OperationStatus::kUnknown;
  std::optional<ResultInfo> result_info;

  friend bool operator==(const PlayAudioResult&, const PlayAudioResult&) = default;
};

// What a PlayAudioResult means, decided on its codes.
enum class PlayOutcome { kRunning, kCompleted, kCancelled, kFailed };
PlayOutcome OutcomeOf(const PlayAudioResult& result);

struct InviteParticipantResult {
  std::string call_leg_id;
  std::string operation_context;
  OperationStatus status = OperationStatus::kUnknown;
  std::optional<ResultInfo> result_info;  // Unset on success.
  std::vector<Identifier> participants;

  friend bool operator==(const InviteParticipantResult&, const InviteParticipantResult&) = default;
};

struct Participant {
  Identifier identifier;
  std::string participant_id;
  bool is_muted = false;

  friend bool operator==(const Participant&, const Participant&) = default;
};

// The full roster, not a difference.
struct ParticipantsUpdated {
  std::string call_leg_id;
  std::vector<Participant> participants;

  friend bool operator==(const ParticipantsUpdated&, const ParticipantsUpdated&) = default;
};

// A type, or a tone, that we do not know: to be stored, counted and otherwise
// ignored. Its type stands in the envelope.
struct UnknownEvent {
  std::string call_leg_id;  // Empty if it names none.

  friend bool operator==(const UnknownEvent&, const UnknownEvent&) = default;
};

using EventBody = std::variant<UnknownEvent, CallStateChanged, DtmfReceived, PlayAudioResult,
                               InviteParticipantResult, ParticipantsUpdated, ga::CallEvent>;

struct Event {
  std::string id;    // The provider's; empty if it gave none, as 2021 does.
  std::string type;  // As sent: "Microsoft.Communication.CallLegStateChanged".
  // By the provider's clock. Unset if it was missing or unreadable: a final
  // event is worth more than its time. Use the arrival instead.
  std::optional<absl::Time> occurred_at;
  // The event as JSON with members sorted and no white space: valid UTF-8, no
  // NUL. Two deliveries of one event have the same, whatever array or spacing
  // they came in. May hold telephone numbers.
  std::string canonical;
  EventBody body;
};

// The call that the event is about, by the provider's id: its call leg or its
// call connection. Empty if it names none.
const std::string& CallLegId(const Event& event);

struct EventLimits {
  std::size_t body_max_bytes = 1 << 20;
  std::size_t events_max = 1000;  // In one body.
  int depth_max = 32;             // Of nested arrays and objects.
};

// Reads a callback body: one event or an array of them, Event-Grid-like or
// CloudEvents envelope, members in any case.
//
// Total: returns kInvalidArgument with a message that names the place
// ("events[2].data.CallLegId must be ...") for whatever is no such body. One bad event
// refuses the whole body, so that none of it is acknowledged. An unknown type
// is not an error.
absl::StatusOr<std::vector<Event>> DecodeEvents(std::string_view body,
                                                const EventLimits& limits = {});

// The body of one callback, for the call server: an object as 2021-05 sends it,
// or an array of one CloudEvent as GA does, whose ids are never empty. `type`
// and `canonical` are not read: they follow from the body. An UnknownEvent
// cannot be encoded (a check).
std::string EncodeEvent(const Event& event);

// "Microsoft.Communication.CallLegStateChanged" and so on, by the body's kind.
std::string EventType(const EventBody& body);

// What makes an event itself within its attempt: "id:<the provider's>", else
// "sha256:<hash of the canonical event>". At most 128 characters. A redelivery has the same key,
// another event another.
std::string EventKey(const Event& event);

}  // namespace tocsin::wire
