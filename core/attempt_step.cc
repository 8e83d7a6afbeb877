#include "core/attempt_step.h"

#include <algorithm>

#include "core/named_enum.h"

namespace tocsin {

TOCSIN_DEFINE_ENUM_NAMES(ActionKind, "PLAY", "CANCEL_MEDIA", "TRANSFER", "LEAVE", "HANG_UP")

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
// Providers ring the other end of a transfer for a minute or so and then say what
// came of it. Whoever is not told by now is not going to be.
constexpr absl::Duration kTransferMax = absl::Seconds(90);

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
  // Who could not be put through hears it once more, and may choose again.
  const int copies = flow.plays + replays + (view.transfer_failed_at ? 1 : 0);
  const auto since = [&view](absl::Time ended) {
    return std::max(ended, view.transfer_failed_at.value_or(absl::InfinitePast()));
  };
  plan.Want(kFirstPlayOrdinal, ActionKind::kPlay);
  for (int copy = 1; copy <= copies; ++copy) {
    const int ordinal = kFirstPlayOrdinal + copy - 1;
    const auto play = std::find_if(view.plays.begin(), view.plays.end(),
                                   [&](const PlayView& p) { return p.ordinal == ordinal; });
    if (play == view.plays.end()) return std::nullopt;  // Asked for, not yet answered.
    if (play->failed) return since(play->ended_at.value_or(*view.answered_at));
    if (!play->ended_at) return std::nullopt;  // It is playing.
    if (copy == copies) return since(*play->ended_at) + flow.wait_for_key;
    // Whoever asked to hear it again does not want to wait, and who asked for an
    // operator in vain has waited.
    const bool asked =
        view.transfer_failed_at ||
        std::any_of(view.repeats.begin(), view.repeats.end(), [&](const KeyPress& press) {
          return play->accepted_at && press.at >= *play->accepted_at;
        });
    if (!plan.Due(since(*play->ended_at) + (asked ? absl::ZeroDuration() : flow.pause))) {
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

// Whether the person is to be put through to an operator, and nothing came of it yet.
// Who has answered the message before, or is being hung up, is not.
bool IsForOperator(const CallFlow& flow, const CallView& view) {
  if (!flow.operator_line || !view.asked_operator || view.transfer_failed_at) return false;
  const auto before = [&view](const std::optional<KeyPress>& press) {
    return press && press->at < view.asked_operator->at;
  };
  return !view.hang_up_ordered && !before(view.acknowledged) && !before(view.refused) &&
         !before(view.opted_out);
}

// Stops what is playing and has the operator rung.
void PlanTransfer(const CallView& view, Plan& plan) {
  const bool plays = std::any_of(view.plays.begin(), view.plays.end(), [](const PlayView& play) {
    return play.accepted_at && !play.ended_at;
  });
  if (plays) plan.Want(kOperatorCancelOrdinal, ActionKind::kCancelMedia);
  plan.Want(kTransferOrdinal, ActionKind::kTransfer);
}

// How the call should be ended by now, for one reason or another; nullopt: it goes on.
std::optional<ActionKind> PlanConversation(const Campaign& campaign, const CallFlow& flow,
                                           const CallView& view, Plan& plan) {
  if (view.joined_at) return ActionKind::kLeave;
  const auto at = [](bool due, ActionKind kind) {
    return due ? std::optional(kind) : std::nullopt;
  };
  // Its end will be told. If not: leaving harms nobody who is no longer there.
  if (view.handed_over_at) {
    return at(plan.Due(*view.answered_at + flow.call_limit), ActionKind::kLeave);
  }
  if (view.hang_up_ordered) return ActionKind::kHangUp;
  const bool for_operator = IsForOperator(flow, view);
  const bool decided = view.acknowledged || view.refused || view.opted_out;
  if (decided && !for_operator) return ActionKind::kHangUp;
  if (!view.answered_at) {
    const std::optional<absl::Time> rings_since = view.sent_at ? view.sent_at : view.ringing_at;
    return at(rings_since && plan.Due(*rings_since + flow.ring_limit), ActionKind::kHangUp);
  }
  const bool too_long = plan.Due(*view.answered_at + flow.call_limit);
  if (view.call.empty()) return at(too_long, ActionKind::kHangUp);
  if (for_operator) {
    PlanTransfer(view, plan);
    const absl::Time told_by =
        view.asked_operator->at + kTransferMax / campaign.time_scale + kLastEventsReal;
    // Perhaps somebody was put through and nobody told us.
    return at(plan.Due(told_by) || too_long, ActionKind::kLeave);
  }
  const std::optional<absl::Time> said = PlanCopies(flow, view, plan);
  PlanCancels(flow, view, plan);
  return at(too_long || (said && plan.Due(*said)), ActionKind::kHangUp);
}

// A hang-up, or leaving, and another each time that one has been answered and the
// call's end is still overdue.
void PlanHangUps(const Campaign& campaign, const CallView& view, ActionKind kind,
                 absl::Time overdue, Plan& plan) {
  plan.Want(kFirstHangUpOrdinal, kind);
  const absl::Duration apart = kHangUpAgain / campaign.time_scale + kLastEventsReal;
  for (int again = 1; again <= std::min(view.hang_ups_answered, kHangUpsMax); ++again) {
    if (!plan.Due(overdue + apart * again)) return;
    plan.Want(kFirstHangUpOrdinal + again, kind);
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
  std::optional<ActionKind> over = PlanConversation(campaign, flow, step.view, plan);
  if (plan.Due(overdue) && !over) over = ActionKind::kHangUp;
  // Without the provider's id there is nothing to hang up; events carry it.
  if (over && !step.view.call.empty()) PlanHangUps(campaign, step.view, *over, overdue, plan);
  return step;
}

}  // namespace tocsin
