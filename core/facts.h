#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "core/end_cause.h"
#include "core/ids.h"

namespace tocsin {

// What can be known about an attempt. The provider's events and our own results
// stand in one append-only log; everything said about an attempt is a function
// of the set of its facts (fold.h).
enum class FactKind {
  // What came of a create-call request. `at` is its send time, `number` counts
  // the sends of the attempt from 1; `subcode` is 1 if our calls on its caller
  // number were at their limit when it left.
  kCreateAccepted,   // `call` is the provider's id.
  kCreateRefused,    // Nobody rang: `code` and `text` are the provider's reason.
  kCreateThrottled,  // 429: nobody rang, the send is given back.
  kCreateNotSent,    // It never left this machine: given back.
  kCreateUnknown,    // Sent and unanswered, or a crash in between: somebody may be ringing.
  // A create-call of unknown fate was sent again under its id, `number` times by
  // now; `at` is when. `call` if it was accepted; `code` if it was refused for
  // good; neither: as unknown as before.
  kCreateRepeated,
  // The provider's events. `at` is the provider's time.
  kRinging,
  kAnswered,
  kEnding,
  kEnded,           // `cause` and the codes where the dialect has them.
  kTone,            // `tone`; `number` is the provider's sequence id.
  kPlayStarted,     // `number` is our ordinal of the play.
  kPlayEnded,       // `number` likewise; `code`, `subcode`.
  kJoined,          // An operator is in the call with the person; `number` is our transfer's.
  kTransferred,     // The call has been handed over to an operator and is ours no more; likewise.
  kTransferFailed,  // Nobody could be put through to; `code`, `subcode`; likewise.
  kOtherEvent,      // Stored and without consequence; `text` is its type.
  // What we did and decided. `at` is our own time; of an action it is when the
  // request was sent, `received_at` when it was answered.
  kActionAccepted,  // An action was sent and taken; `number` is its ordinal.
  kActionRefused,   // `number` likewise; `code` is the HTTP status; 404: no such call.
  kHangUpOrdered,   // An operator canceled and chose to hang up.
  kGone,            // Verdict: the call is over, though its end was never told.
  kLost,            // Verdict: lost_after went by without any sign of life.
};

std::string_view Name(FactKind kind);
template <>
std::optional<FactKind> FromName(std::string_view name);

struct Fact {
  FactKind kind = FactKind::kOtherEvent;
  absl::Time at;           // When it happened.
  absl::Time received_at;  // When we learned or decided it.
  // Unique within the attempt: the provider's event id, a hash of the canonical
  // event, or for our own facts the kind and its number. The same fact told
  // twice has the same key and is one fact.
  std::string key;
  int number = 0;
  int code = 0;
  int subcode = 0;
  int sip = 0;  // SIP status and Q.850 cause of a call's end; 0 if not told.
  int q850 = 0;
  std::optional<EndCause> cause;  // What they amount to.
  char tone = 0;                  // '0'-'9', '*', '#', 'a'-'d'; 0 if none.
  std::string call;               // The provider's id of the call, where known.
  std::string text;               // The provider's words. Never a number, never message text.
  std::string raw;                // The event as received; empty for our own facts.

  friend bool operator==(const Fact&, const Fact&) = default;
};

// The `text` of a kCreateNotSent that was held back at the gate: it was never
// tried, and does not count among an attempt's sends.
inline constexpr char kNoPermit[] = "no permit to send any more";

// The key of a fact of our own making.
std::string OwnFactKey(FactKind kind, int number);

// The fact as a log in memory keeps it. Clearing `raw` would keep its memory.
Fact WithoutRaw(const Fact& fact);

}  // namespace tocsin
