#include "dialer/event_facts.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <variant>

#include "dialer/provider_text.h"

namespace tocsin::dialer {
namespace {

constexpr std::size_t kCallIdBytesMax = 256;
constexpr int kPlayed = 200;
constexpr int kPlayFailed = 500;

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

// Fills in what each kind of event says.
struct Describe {
  Fact& fact;

  void operator()(const wire::UnknownEvent&) const {}
  void operator()(const wire::InviteParticipantResult&) const {}
  void operator()(const wire::ParticipantsUpdated&) const {}
  void operator()(const wire::ga::CallEvent&) const {}

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

  void operator()(const wire::PlayAudioResult& event) const {
    const wire::PlayOutcome outcome = OutcomeOf(event);
    const int ordinal = OrdinalOf(event.operation_context);
    // Not an end, or not the end of anything that we asked for.
    if (outcome == wire::PlayOutcome::kRunning || ordinal == 0) return;
    fact.kind = FactKind::kPlayEnded;
    fact.number = ordinal;
    fact.text.clear();
    if (event.result_info) {
      fact.code = event.result_info->code;
      fact.subcode = event.result_info->subcode;
      fact.text = Scrubbed(event.result_info->message);
    }
    // Status and code may contradict each other, and the log keeps the code only.
    if (outcome == wire::PlayOutcome::kCompleted && fact.code == 0) fact.code = kPlayed;
    if (outcome == wire::PlayOutcome::kFailed && fact.code < 300) fact.code = kPlayFailed;
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
