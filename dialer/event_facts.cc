#include "dialer/event_facts.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <variant>

#include "dialer/provider_text.h"
#include "wire/result_codes.h"

namespace tocsin::dialer {
namespace {

constexpr std::size_t kCallIdBytesMax = 256;
// Codes of a play's end, for one that comes without or with a contradicting one.
constexpr int kPlayedCode = 200;
constexpr int kCutCode = 400;
constexpr int kFailedCode = 500;
constexpr int kFirstFaultCode = 300;

// The database and the rules have their own ideas of the year 200,000.
bool IsCredible(absl::Time time, absl::Time received_at) {
  return time > received_at - absl::Hours(24 * 365) && time < received_at + absl::Hours(24);
}

int ToInt(std::int64_t value) {
  return static_cast<int>(std::clamp<std::int64_t>(value, std::numeric_limits<int>::min(),
                                                   std::numeric_limits<int>::max()));
}

// Our ordinal in an operation context; 0 if it is none of ours.
int OrdinalOf(const std::string& context) {
  int ordinal = 0;
  const char* end = context.data() + context.size();
  const auto [stop, error] = std::from_chars(context.data(), end, ordinal);
  return error == std::errc() && stop == end && ordinal > 0 ? ordinal : 0;
}

FactKind KindOf(wire::CallState state) {
  switch (state) {
    case wire::CallState::kEstablishing: return FactKind::kRinging;
    case wire::CallState::kEstablished: return FactKind::kAnswered;
    case wire::CallState::kTerminating: return FactKind::kEnding;
    case wire::CallState::kTerminated: return FactKind::kEnded;
    case wire::CallState::kUnknown:
    case wire::CallState::kIdle:
    case wire::CallState::kIncoming:
    case wire::CallState::kHold:
    case wire::CallState::kUnhold:
    case wire::CallState::kTransferring:
    case wire::CallState::kRedirecting: return FactKind::kOtherEvent;
  }
  return FactKind::kOtherEvent;
}

FactKind KindOf(wire::ga::EventType type) {
  using enum wire::ga::EventType;
  switch (type) {
    case kCallConnected: return FactKind::kAnswered;
    // A call that did not come about may be told by either, or by both.
    case kCreateCallFailed:
    case kCallDisconnected: return FactKind::kEnded;
    case kPlayStarted: return FactKind::kPlayStarted;
    case kPlayCompleted:
    case kPlayFailed:
    case kPlayCanceled: return FactKind::kPlayEnded;
    case kContinuousToneReceived: return FactKind::kTone;
    case kAddParticipantSucceeded: return FactKind::kJoined;
    case kCallTransferAccepted: return FactKind::kTransferred;
    case kAddParticipantFailed:
    case kCallTransferFailed: return FactKind::kTransferFailed;
    case kParticipantsUpdated:
    case kRecognizeCompleted:
    case kRecognizeFailed:
    case kRecognizeCanceled:
    case kContinuousToneFailed:
    case kContinuousStopped:
    case kSendDtmfTonesCompleted:
    case kSendDtmfTonesFailed:
    case kRemoveParticipantSucceeded:
    case kRemoveParticipantFailed:
    case kCancelAddParticipantSucceeded:
    case kCancelAddParticipantFailed:
    case kMoveParticipantSucceeded:
    case kMoveParticipantFailed:
    case kAnswerFailed:
    case kConnectFailed:
    case kHoldFailed:
    case kRecordingStateChanged:
    case kStartRecordingFailed:
    case kTranscriptionStarted:
    case kTranscriptionStopped:
    case kTranscriptionUpdated:
    case kTranscriptionFailed:
    case kMediaStreamingStarted:
    case kMediaStreamingStopped:
    case kMediaStreamingFailed: return FactKind::kOtherEvent;
  }
  return FactKind::kOtherEvent;
}

// Whether it tells of something that we asked for under an ordinal.
bool IsOfAction(FactKind kind) {
  return kind == FactKind::kPlayStarted || kind == FactKind::kPlayEnded ||
         kind == FactKind::kJoined || kind == FactKind::kTransferred ||
         kind == FactKind::kTransferFailed;
}

// The code of a play's end agrees with the event's name, whatever it carries.
void SetPlayCode(wire::ga::EventType type, Fact& fact) {
  using enum wire::ga::EventType;
  const bool failure = fact.code >= kFirstFaultCode;
  if (type == kPlayCompleted && fact.code == 0) fact.code = kPlayedCode;
  if (type == kPlayFailed && !failure) fact.code = kFailedCode;
  if (type == kPlayCanceled) {
    if (!failure) fact.code = kCutCode;
    fact.subcode = wire::kSubcodeCancelled;
  }
}

// Fills in what each kind of event says.
struct Describe {
  Fact& fact;

  void operator()(const wire::UnknownEvent&) const {}
  void operator()(const wire::ParticipantsUpdated&) const {}

  void operator()(const wire::ga::CallEvent& event) const {
    const FactKind kind = KindOf(event.type);
    if (kind == FactKind::kOtherEvent) return;
    const bool of_action = IsOfAction(kind);
    const int ordinal = of_action ? OrdinalOf(event.operation_context) : 0;
    if (of_action && ordinal == 0) return;  // Of none that we asked for.
    fact.kind = kind;
    fact.number = ordinal;
    fact.text.clear();
    if (event.result) TakeResult(*event.result);
    if (kind == FactKind::kPlayEnded) SetPlayCode(event.type, fact);
    if (kind == FactKind::kEnded && event.result) fact.cause = wire::ga::CauseOf(*event.result);
    if (const auto* tone = std::get_if<wire::ga::ToneReceived>(&event.detail)) {
      fact.number = ToInt(tone->sequence_id);
      fact.tone = tone->tone;
    }
  }

  void TakeResult(const wire::ga::ResultInformation& result) const {
    fact.code = result.code;
    fact.subcode = result.subcode;
    fact.text = Scrubbed(result.message);
    if (result.sip) fact.sip = result.sip->code;
    if (result.q850) fact.q850 = result.q850->code;
  }

  // What came of the action of that ordinal, in 2021.
  void TakeResult(int ordinal, const std::optional<wire::ResultInfo>& result) const {
    fact.number = ordinal;
    fact.text.clear();
    if (!result) return;
    fact.code = result->code;
    fact.subcode = result->subcode;
    fact.text = Scrubbed(result->message);
  }

  void operator()(const wire::CallStateChanged& event) const {
    fact.kind = KindOf(event.state);
    if (fact.kind != FactKind::kOtherEvent) fact.text.clear();
  }

  void operator()(const wire::DtmfReceived& event) const {
    fact.kind = FactKind::kTone;
    fact.number = ToInt(event.sequence_id);
    fact.tone = event.tone;
    fact.text.clear();
  }

  void operator()(const wire::InviteParticipantResult& event) const {
    const int ordinal = OrdinalOf(event.operation_context);
    const bool under_way = event.status == wire::OperationStatus::kNotStarted ||
                           event.status == wire::OperationStatus::kRunning;
    if (under_way || ordinal == 0) return;
    TakeResult(ordinal, event.result_info);
    // As with plays: the code says more than the status.
    const bool failed =
        fact.code >= kFirstFaultCode || event.status == wire::OperationStatus::kFailed;
    fact.kind = failed ? FactKind::kTransferFailed : FactKind::kJoined;
  }

  void operator()(const wire::PlayAudioResult& event) const {
    const wire::PlayOutcome outcome = OutcomeOf(event);
    const int ordinal = OrdinalOf(event.operation_context);
    // Not an end, or not the end of anything that we asked for.
    if (outcome == wire::PlayOutcome::kRunning || ordinal == 0) return;
    fact.kind = FactKind::kPlayEnded;
    TakeResult(ordinal, event.result_info);
    // Status and code may contradict each other, and the log keeps the code only.
    if (outcome == wire::PlayOutcome::kCompleted && fact.code == 0) fact.code = kPlayedCode;
    if (outcome == wire::PlayOutcome::kFailed && fact.code < kFirstFaultCode)
      fact.code = kFailedCode;
  }
};

}  // namespace

Fact FactOf(const wire::Event& event, absl::Time received_at) {
  Fact fact;
  fact.kind = FactKind::kOtherEvent;
  fact.text = Scrubbed(event.type);
  std::visit(Describe{fact}, event.body);
  const bool credible = event.occurred_at && IsCredible(*event.occurred_at, received_at);
  fact.at = credible ? *event.occurred_at : received_at;
  fact.received_at = received_at;
  fact.key = wire::EventKey(event);
  const std::string& call = wire::CallLegId(event);
  if (call.size() <= kCallIdBytesMax) fact.call = call;
  fact.raw = event.canonical;
  return fact;
}

}  // namespace tocsin::dialer
