// One step of an attempt: what follows from its facts at a moment. The one
// place that decides what to play, when to hang up, and when to call an attempt
// lost. Pure; every store runs it inside the transaction that logged the facts.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "core/campaign.h"
#include "core/facts.h"
#include "core/fold.h"

namespace tocsin {

// kTransfer: an operator is rung and given the person, by handing the call over or
// by letting the operator into it, whichever the dialect has. kLeave: we go, and
// who is in the call talks on.
enum class ActionKind { kPlay, kCancelMedia, kTransfer, kLeave, kHangUp };
std::string_view Name(ActionKind kind);
template <>
std::optional<ActionKind> FromName(std::string_view name);

// Unique by (attempt, ordinal): whoever inserted it sends it after the commit;
// a sweeper sends it again after a crash: at least once. Not so a transfer, which
// rings somebody: it is sent at most once, and after a crash never.
struct Action {
  int ordinal = 0;
  ActionKind kind = ActionKind::kPlay;

  friend bool operator==(const Action&, const Action&) = default;
};

struct AttemptStep {
  CallView view;                   // Of the facts and the verdicts together.
  std::vector<Fact> verdicts;      // Own facts to log now (kLost).
  std::vector<Action> actions;     // All that are wanted by now; most exist already.
  std::optional<absl::Time> wake;  // When to step again if nothing happens; unset once ended.
};

// `intended_at` is when the intent was committed: the latest moment from which
// lost_after can be counted if no send time was logged.
AttemptStep StepAttempt(const Campaign& campaign, absl::Time intended_at,
                        std::span<const Fact> facts, absl::Time now);

}  // namespace tocsin
