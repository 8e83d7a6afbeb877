#include "core/attempt_step.h"

#include <algorithm>

#include "core/named_enum.h"

namespace tocsin {

TOCSIN_DEFINE_ENUM_NAMES(ActionKind, "PLAY", "CANCEL_MEDIA", "HANG_UP")

namespace {

// After the provider took a hang-up, or said that there is no such call, its
// last events may still be on their way.
constexpr absl::Duration kLastEvents = absl::Seconds(30);
constexpr absl::Duration kLastEventsReal = absl::Seconds(1);
// Between hang-ups of a call whose end is overdue.
constexpr absl::Duration kHangUpAgain = absl::Seconds(60);
// No more hang-ups than this: the provider does not know the call or is away,
// and the verdict waits for either.
constexpr int kHangUpsMax = 20;

// Collects what is wanted by `now`, and otherwise when to look again.
class Plan {
 public:
  Plan(absl::Time now, AttemptStep& step) : now_(now), step_(step) {}

  // True if `due` has come; else makes sure that somebody looks then.
  bool Due(absl::Time due) {
    if (now_ >= due) return true;
    if (!step_.wake || due < *step_.wake) step_.wake = due;
    return false;
  }

  void Want(int ordinal, ActionKind kind) { step_.actions.push_back({ordinal, kind}); }

 private:
  const absl::Time now_;
  AttemptStep& step_;
};

// The moment at which the message has been played as often as it will be; the
// copies that are wanted before that are asked for on the way.
std::optional<absl::Time> PlanCopies(const CallFlow& flow, const CallView& view, Plan& plan) {
  const int replays = std::min(static_cast<int>(view.repeats.size()), flow.replays_max);
  const int copies = flow.plays + replays;
  plan.Want(kFirstPlayOrdinal, ActionKind::kPlay);
  for (int copy = 1; copy <= copies; ++copy) {
    const int ordinal = kFirstPlayOrdinal + copy - 1;
    const auto play = std::find_if(view.plays.begin(), view.plays.end(),
                                   [&](const PlayView& p) { return p.ordinal == ordinal; });
    if (play == view.plays.end()) return std::nullopt;  // Asked for, not yet answered.
    if (play->failed) return play->ended_at.value_or(*view.answered_at);
    if (!play->ended_at) return std::nullopt;  // It is playing.
    if (copy == copies) return *play->ended_at + flow.wait_for_key;
    // Whoever asked to hear it again does not want to wait.
    const bool asked = std::any_of(
        view.repeats.begin(), view.repeats.end(),
        [&](const KeyPress& press) { return play->accepted_at && press.at >= *play->accepted_at; });
    if (!plan.Due(*play->ended_at + (asked ? absl::ZeroDuration() : flow.pause))) {
      return std::nullopt;
    }
    plan.Want(ordinal + 1, ActionKind::kPlay);
  }
  return std::nullopt;
}

// A request to hear it again cuts the copy short that is playing.
void PlanCancels(const CallFlow& flow, const CallView& view, Plan& plan) {
  const std::size_t counted =
      std::min(view.repeats.size(), static_cast<std::size_t>(flow.replays_max));
  for (std::size_t i = 0; i < counted; ++i) {
    const absl::Time at = view.repeats[i].at;
    for (const PlayView& play : view.plays) {
      const bool playing =
          play.accepted_at && *play.accepted_at <= at && (!play.ended_at || at < *play.ended_at);
      if (playing) plan.Want(kFirstCancelOrdinal + static_cast<int>(i), ActionKind::kCancelMedia);
    }
  }
}

// Whether the call should be over by now, for one reason or another.
bool PlanConversation(const CallFlow& flow, const CallView& view, Plan& plan) {
  if (view.hang_up_ordered || view.acknowledged || view.refused || view.opted_out) return true;
  if (!view.answered_at) {
    const std::optional<absl::Time> rings_since = view.sent_at ? view.sent_at : view.ringing_at;
    return rings_since && plan.Due(*rings_since + flow.ring_limit);
  }
  const bool too_long = plan.Due(*view.answered_at + flow.call_limit);
  if (view.call.empty()) return too_long;
  const std::optional<absl::Time> said = PlanCopies(flow, view, plan);
  PlanCancels(flow, view, plan);
  return too_long || (said && plan.Due(*said));
}

// A hang-up, and another each time that one has been answered and the call's
// end is still overdue.
void PlanHangUps(const Campaign& campaign, const CallView& view, absl::Time overdue, Plan& plan) {
  plan.Want(kFirstHangUpOrdinal, ActionKind::kHangUp);
  const absl::Duration apart = kHangUpAgain / campaign.time_scale + kLastEventsReal;
  for (int again = 1; again <= std::min(view.hang_ups_answered, kHangUpsMax); ++again) {
    if (!plan.Due(overdue + apart * again)) return;
    plan.Want(kFirstHangUpOrdinal + again, ActionKind::kHangUp);
  }
}

Fact Verdict(FactKind kind, const char* why, absl::Time now) {
  Fact fact;
  fact.kind = kind;
  fact.at = now;
  fact.received_at = now;
  fact.key = OwnFactKey(kind, 0);
  fact.text = why;
  return fact;
}

// Frees a person whose call nobody speaks of any more.
std::optional<Fact> PlanVerdict(const Campaign& campaign, const CallView& view, absl::Time overdue,
                                absl::Time now, Plan& plan) {
  if (!view.seen_alive) {
    if (!plan.Due(overdue)) return std::nullopt;
    return Verdict(FactKind::kLost, "no answer and no event", now);
  }
  const absl::Duration last_events = kLastEvents / campaign.time_scale + kLastEventsReal;
  if (view.gone_at && plan.Due(*view.gone_at + last_events)) {
    return Verdict(FactKind::kGone, "the provider knows no such call", now);
  }
  if (view.hang_up_accepted_at && plan.Due(*view.hang_up_accepted_at + last_events)) {
    return Verdict(FactKind::kGone, "hung up, and no event told the end", now);
  }
  return std::nullopt;
}

}  // namespace

AttemptStep StepAttempt(const Campaign& campaign, absl::Time intended_at,
                        std::span<const Fact> facts, absl::Time now) {
  const CallFlow flow = ScaledFlow(campaign);
  AttemptStep step;
  step.view = Fold(flow, facts);
  if (step.view.state == AttemptState::kEnded || step.view.state == AttemptState::kPlanned) {
    return step;
  }
  Plan plan(now, step);
  const absl::Time overdue = step.view.sent_at.value_or(intended_at) + LostAfter(campaign);
  if (const auto verdict = PlanVerdict(campaign, step.view, overdue, now, plan)) {
    std::vector<Fact> all(facts.begin(), facts.end());
    all.push_back(*verdict);
    AttemptStep ended;
    ended.view = Fold(flow, all);
    ended.verdicts.push_back(*verdict);
    return ended;
  }
  if (!step.view.seen_alive) return step;
  const bool over = PlanConversation(flow, step.view, plan);
  if (plan.Due(overdue) || over) {
    // Without the provider's id there is nothing to hang up; events carry it.
    if (!step.view.call.empty()) PlanHangUps(campaign, step.view, overdue, plan);
  }
  return step;
}

}  // namespace tocsin
