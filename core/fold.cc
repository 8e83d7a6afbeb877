#include "core/fold.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "absl/strings/match.h"
#include "base/check.h"
#include "core/named_enum.h"

namespace tocsin {

TOCSIN_DEFINE_ENUM_NAMES(AttemptState, "PLANNED", "DIALING", "UNRESOLVED", "ENDED")

namespace {

constexpr int kCanceledSubcode = 8508;  // A play that "completed" with it was cut short.
// Refusals of a play while another one is on: most likely the same, asked for again
// after its answer was lost.
constexpr int kMediaActive = 8500;
constexpr int kMediaIncompatible = 8583;

void Earliest(std::optional<absl::Time>& slot, absl::Time at) {
  if (!slot || at < *slot) slot = at;
}

bool IsProviderEvent(FactKind kind) {
  switch (kind) {
    case FactKind::kRinging:
    case FactKind::kAnswered:
    case FactKind::kEnding:
    case FactKind::kEnded:
    case FactKind::kTone:
    case FactKind::kPlayStarted:
    case FactKind::kPlayEnded:
    case FactKind::kJoined:
    case FactKind::kTransferred:
    case FactKind::kTransferFailed:
    case FactKind::kOtherEvent: return true;
    case FactKind::kCreateAccepted:
    case FactKind::kCreateRefused:
    case FactKind::kCreateThrottled:
    case FactKind::kCreateNotSent:
    case FactKind::kCreateUnknown:
    case FactKind::kCreateRepeated:
    case FactKind::kActionAccepted:
    case FactKind::kActionRefused:
    case FactKind::kHangUpOrdered:
    case FactKind::kGone:
    case FactKind::kLost: return false;
  }
  return false;
}

bool IsHangUp(int ordinal) {
  return ordinal >= kFirstHangUpOrdinal;
}
bool IsPlay(int ordinal) {
  return ordinal >= kFirstPlayOrdinal && ordinal < kFirstCancelOrdinal;
}

// The facts of one attempt, sorted into what each rule below asks for.
struct Sorted {
  // The most definite result of each send, by send number.
  std::map<int, const Fact*> creates;
  std::map<int, PlayView> plays;
  std::vector<const Fact*> tones;  // In the order they were pressed, each once.
  std::vector<const Fact*> ends;
  const Fact* refused_again = nullptr;    // The answer to a repetition of the last send.
  std::optional<absl::Time> repeated_at;  // The last of them.
  const Fact* verdict = nullptr;          // kGone or kLost, whichever came first.
  bool provider_event = false;
};

// How much a create result knows. A crash leaves "unknown" behind; the answer
// that still came in says more.
int Definiteness(FactKind kind) {
  if (kind == FactKind::kCreateAccepted) return 3;
  if (kind == FactKind::kCreateRefused) return 2;
  return kind == FactKind::kCreateUnknown ? 0 : 1;
}

void SortPlay(const Fact& fact, Sorted& sorted) {
  if (!IsPlay(fact.number)) return;
  PlayView& play = sorted.plays[fact.number];
  play.ordinal = fact.number;
  if (fact.kind == FactKind::kActionAccepted) {
    Earliest(play.accepted_at, fact.at);
    Earliest(play.begun_by, fact.received_at);
  } else if (fact.kind == FactKind::kActionRefused) {
    const bool plays = fact.subcode == kMediaActive || fact.subcode == kMediaIncompatible;
    // A refusal beside an acceptance is the answer to a repeat.
    if (!play.accepted_at && !play.started_at && !play.ended_at && !plays) play.failed = true;
  } else if (fact.kind == FactKind::kPlayStarted) {
    Earliest(play.started_at, fact.at);
    if (!play.ended_at) play.failed = false;
  } else {
    Earliest(play.ended_at, fact.at);
    const bool success = (fact.code == 200 || fact.code == 0) && fact.subcode == 0;
    play.completed |= success;
    play.failed = !success && fact.subcode != kCanceledSubcode;
  }
}

void SortCreate(const Fact& fact, Sorted& sorted, CallView& view) {
  const Fact*& known = sorted.creates[fact.number];
  if (known == nullptr || Definiteness(fact.kind) > Definiteness(known->kind)) known = &fact;
  if (fact.kind == FactKind::kCreateAccepted) view.seen_alive = true;
}

void SortRepetition(const Fact& fact, Sorted& sorted, CallView& view) {
  ++view.asked_again;
  if (!sorted.repeated_at || fact.at > *sorted.repeated_at) sorted.repeated_at = fact.at;
  if (!fact.call.empty()) {
    view.seen_alive = true;
  } else if (fact.code != 0) {
    sorted.refused_again = &fact;
  }
}

void SortOne(const Fact& fact, Sorted& sorted, CallView& view) {
  if (view.call.empty() && !fact.call.empty()) view.call = fact.call;
  if (IsProviderEvent(fact.kind)) sorted.provider_event = true;
  switch (fact.kind) {
    case FactKind::kCreateAccepted:
    case FactKind::kCreateRefused:
    case FactKind::kCreateThrottled:
    case FactKind::kCreateNotSent:
    case FactKind::kCreateUnknown: SortCreate(fact, sorted, view); break;
    case FactKind::kCreateRepeated: SortRepetition(fact, sorted, view); break;
    case FactKind::kRinging: Earliest(view.ringing_at, fact.at); break;
    case FactKind::kAnswered: Earliest(view.answered_at, fact.at); break;
    case FactKind::kTone:
      // A key or a whole copy proves the answer, even if its event was lost.
      Earliest(view.answered_at, fact.at);
      sorted.tones.push_back(&fact);
      break;
    case FactKind::kPlayEnded:
      SortPlay(fact, sorted);
      if (fact.code == 200 && fact.subcode == 0) Earliest(view.answered_at, fact.at);
      break;
    case FactKind::kPlayStarted: SortPlay(fact, sorted); break;
    // Whoever is put through has answered.
    case FactKind::kJoined:
      Earliest(view.answered_at, fact.at);
      Earliest(view.joined_at, fact.at);
      break;
    case FactKind::kTransferred:
      Earliest(view.answered_at, fact.at);
      Earliest(view.handed_over_at, fact.at);
      break;
    case FactKind::kTransferFailed: Earliest(view.transfer_failed_at, fact.at); break;
    case FactKind::kEnded: sorted.ends.push_back(&fact); break;
    case FactKind::kActionAccepted:
      SortPlay(fact, sorted);
      if (IsHangUp(fact.number)) {
        Earliest(view.hang_up_accepted_at, fact.at);
        ++view.hang_ups_answered;
      }
      break;
    case FactKind::kActionRefused:
      SortPlay(fact, sorted);
      if (fact.number == kTransferOrdinal) Earliest(view.transfer_failed_at, fact.received_at);
      if (fact.code == 404) Earliest(view.gone_at, fact.at);
      if (IsHangUp(fact.number)) ++view.hang_ups_answered;
      break;
    case FactKind::kHangUpOrdered: view.hang_up_ordered = true; break;
    case FactKind::kGone:
    case FactKind::kLost:
      if (sorted.verdict == nullptr) sorted.verdict = &fact;
      break;
    case FactKind::kEnding:
    case FactKind::kOtherEvent: break;
  }
}

// Presses in the order of their sequence ids; the same id told twice is one press.
void OrderTones(std::vector<const Fact*>& tones) {
  std::stable_sort(tones.begin(), tones.end(), [](const Fact* a, const Fact* b) {
    return std::tie(a->number, a->at, a->key) < std::tie(b->number, b->at, b->key);
  });
  tones.erase(std::unique(tones.begin(), tones.end(),
                          [](const Fact* a, const Fact* b) {
                            return a->number > 0 && a->number == b->number;
                          }),
              tones.end());
}

// The provider's id of the call that was placed, as its answer gave it; empty if
// no answer came.
std::string_view PlacedCall(const std::vector<const Fact*>& facts) {
  for (const Fact* fact : facts) {
    if (fact->kind == FactKind::kCreateAccepted && !fact->call.empty()) return fact->call;
  }
  return {};
}

// Somebody's mistake: it says nothing about this attempt, whoever signed it.
bool IsOfAnotherCall(const Fact& fact, std::string_view placed) {
  return IsProviderEvent(fact.kind) && !placed.empty() && !fact.call.empty() &&
         !absl::EqualsIgnoreCase(fact.call, {placed.data(), placed.size()});
}

Sorted SortFacts(std::span<const Fact> facts, CallView& view) {
  std::vector<const Fact*> order;
  order.reserve(facts.size());
  for (const Fact& fact : facts) order.push_back(&fact);
  std::sort(order.begin(), order.end(), [](const Fact* a, const Fact* b) {
    return std::tie(a->at, a->kind, a->number, a->key) <
           std::tie(b->at, b->kind, b->number, b->key);
  });
  Sorted sorted;
  const std::string_view placed = PlacedCall(order);
  for (const Fact* fact : order) {
    if (!IsOfAnotherCall(*fact, placed)) SortOne(*fact, sorted, view);
  }
  OrderTones(sorted.tones);
  // A failure beside a success is that of a request made twice.
  if (view.put_through_at()) view.transfer_failed_at.reset();
  for (auto& [ordinal, play] : sorted.plays) view.plays.push_back(play);
  return sorted;
}

void ReadSends(const Sorted& sorted, CallView& view) {
  view.sends = static_cast<int>(sorted.creates.size());
  for (const auto& [number, create] : sorted.creates) {
    const bool held_back = create->kind == FactKind::kCreateNotSent && create->text == kNoPermit;
    if (!held_back) ++view.sends_tried;
  }
  view.seen_alive |= sorted.provider_event;
  view.seizure = view.seen_alive;
  if (sorted.creates.empty()) return;
  const Fact& last = *sorted.creates.rbegin()->second;
  view.sent_at = last.at;
  // The repetition may have been the one that placed the call.
  if (sorted.repeated_at && *sorted.repeated_at > last.at) view.sent_at = sorted.repeated_at;
  view.given_back = !view.seen_alive && (last.kind == FactKind::kCreateThrottled ||
                                         last.kind == FactKind::kCreateNotSent);
}

// From when a key can count: the first copy began, and by then has said who
// calls. A busy provider may begin some time after it was asked, so it is when it
// answered. Unset while nothing proves that it began.
std::optional<absl::Time> FirstCopyBegan(const CallView& view) {
  if (view.plays.empty() || view.plays.front().ordinal != kFirstPlayOrdinal) return std::nullopt;
  const PlayView& first = view.plays.front();
  if (first.started_at) return first.started_at;
  if (first.begun_by) return first.begun_by;
  // It ended, so it had begun; when exactly was lost with the answer.
  return first.ended_at ? view.answered_at : std::nullopt;
}

void ReadKeys(const CallFlow& flow, const Sorted& sorted, CallView& view) {
  const std::optional<absl::Time> began = FirstCopyBegan(view);
  bool opt_out_asked = false;
  for (const Fact* tone : sorted.tones) {
    if (!began || tone->at < *began + flow.identity_ends) continue;
    const auto meaning = flow.keys.find(tone->tone);
    if (meaning == flow.keys.end()) continue;
    const KeyPress press{tone->tone, tone->at, tone->at - *began};
    switch (meaning->second) {
      case KeyMeaning::kAcknowledge:
        if (!view.acknowledged) view.acknowledged = press;
        break;
      case KeyMeaning::kRefuse:
        if (!view.refused) view.refused = press;
        break;
      case KeyMeaning::kOptOut:
        if (opt_out_asked && !view.opted_out) view.opted_out = press;
        opt_out_asked = true;
        break;
      case KeyMeaning::kOperator:
        if (!view.asked_operator) view.asked_operator = press;
        break;
      case KeyMeaning::kRepeat: view.repeats.push_back(press); break;
    }
  }
}

Disposition DispositionOfRefusal(int status) {
  // The key, the address or the permission is wrong, and would be for everybody.
  if (status == 401 || status == 403 || status == 404 || status == 405) {
    return Disposition::kConfigError;
  }
  return Disposition::kProviderError;
}

void EndWith(CallView& view, Disposition disposition, DispositionSource source, absl::Time at) {
  view.state = AttemptState::kEnded;
  view.disposition = disposition;
  view.source = source;
  view.ended_at = at;
}

// How much an end says about its reason.
int Telling(const Fact& ended) {
  if (!ended.cause) return 0;
  return *ended.cause == EndCause::kNormal || *ended.cause == EndCause::kEndedByApplication ? 1 : 2;
}

// Whether our calls on the caller number were at their limit when this one left.
bool CallerWasAtLimit(const Sorted& sorted) {
  return !sorted.creates.empty() && sorted.creates.rbegin()->second->subcode == 1;
}

// The provider told the end of a call it had taken, perhaps in more than one
// event: it ended with the first, for the reason of the one that gives most.
void EndByEvent(const Sorted& sorted, CallView& view) {
  const Fact& told =
      **std::max_element(sorted.ends.begin(), sorted.ends.end(),
                         [](const Fact* a, const Fact* b) { return Telling(*a) < Telling(*b); });
  view.code = told.code;
  view.subcode = told.subcode;
  view.sip = told.sip;
  view.q850 = told.q850;
  view.cause = told.cause;
  view.reason = told.text;
  const absl::Time at = sorted.ends.front()->at;
  if (view.answered_at) {
    EndWith(view, Disposition::kAnswered, DispositionSource::kObserved, at);
  } else if (Telling(told) == 2) {
    const OurSide ours{.ended_by_us = view.hang_up_ordered,
                       .caller_at_limit = CallerWasAtLimit(sorted)};
    const Meaning meaning = MeaningOf(*told.cause, ours);
    view.remedy = meaning.remedy;
    view.ambiguous = meaning.ambiguous;
    EndWith(view, meaning.disposition, DispositionSource::kObserved, at);
  } else if (view.hang_up_ordered) {
    EndWith(view, Disposition::kCanceled, DispositionSource::kObserved, at);
  } else {
    // No reason, or one that answered calls have: without a trace of an answer that
    // is taken for none.
    EndWith(view, Disposition::kNoAnswer, DispositionSource::kInferred, at);
  }
}

// A send, or a repetition of the last one, was refused and nobody rang.
void EndByRefusal(const Fact& refused, CallView& view) {
  view.code = refused.code;
  view.reason = refused.text;
  EndWith(view, DispositionOfRefusal(refused.code), DispositionSource::kObserved,
          refused.received_at);
}

void ReadEnd(const Sorted& sorted, CallView& view) {
  const Fact* last = sorted.creates.empty() ? nullptr : sorted.creates.rbegin()->second;
  if (!sorted.ends.empty()) {
    EndByEvent(sorted, view);
  } else if (sorted.verdict != nullptr) {
    view.reason = sorted.verdict->text;
    EndWith(view, view.answered_at ? Disposition::kAnswered : Disposition::kLost,
            DispositionSource::kInferred, sorted.verdict->at);
  } else if (view.seen_alive || last == nullptr) {
    view.state = AttemptState::kDialing;
  } else if (last->kind == FactKind::kCreateRefused) {
    EndByRefusal(*last, view);
  } else if (last->kind == FactKind::kCreateUnknown && sorted.refused_again != nullptr) {
    EndByRefusal(*sorted.refused_again, view);
  } else if (view.given_back && view.sends_tried >= kSendsMax) {
    view.code = last->code;
    view.reason = last->text;
    EndWith(view,
            last->kind == FactKind::kCreateThrottled ? Disposition::kCongestion
                                                     : Disposition::kProviderError,
            DispositionSource::kObserved, last->received_at);
  } else if (view.given_back) {
    view.state = AttemptState::kPlanned;
  } else {
    view.state = AttemptState::kUnresolved;
  }
}

void ReadDelivery(CallView& view) {
  if (view.disposition == Disposition::kLost) {
    view.delivery = Delivery::kUnknown;
    return;
  }
  if (!view.answered_at) return;
  for (const PlayView& play : view.plays) {
    if (play.failed && !play.accepted_at && !play.started_at) continue;
    const std::optional<absl::Time> began = play.started_at ? play.started_at : play.accepted_at;
    if (began && play.ended_at) view.heard = std::max(view.heard, *play.ended_at - *began);
    if (play.completed) {
      view.delivery = Delivery::kFull;
    } else if (!play.failed && view.delivery == Delivery::kNone) {
      view.delivery = Delivery::kPartial;
    }
  }
}

}  // namespace

CallView Fold(const CallFlow& flow, std::span<const Fact> facts) {
  CallView view;
  const Sorted sorted = SortFacts(facts, view);
  ReadSends(sorted, view);
  ReadKeys(flow, sorted, view);
  ReadEnd(sorted, view);
  ReadDelivery(view);
  if (!sorted.tones.empty()) {
    view.answered_by = AnsweredBy::kHuman;
  } else if (view.answered_at) {
    view.answered_by = AnsweredBy::kUnknown;
  }
  TOCSIN_CHECK((view.state == AttemptState::kEnded) == view.disposition.has_value());
  return view;
}

}  // namespace tocsin
