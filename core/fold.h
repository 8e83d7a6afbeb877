// What the facts of one attempt say, as a pure function of their set.
//
//   planned --intent--> dialing --------------------------------> ended
//      ^                  |  \                                      ^
//      |  given back      |   +--> unresolved (nobody can tell) ----+
//      +------------------+
//
// Ringing and answered are derived here and never stored. Facts may come in any
// order, twice and late: Fold() sorts them itself, so that the same set always
// gives the same view.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "core/campaign.h"
#include "core/disposition.h"
#include "core/end_cause.h"
#include "core/facts.h"

namespace tocsin {

enum class AttemptState { kPlanned, kDialing, kUnresolved, kEnded };
std::string_view Name(AttemptState state);
template <>
std::optional<AttemptState> FromName(std::string_view name);

// A key that counted: pressed after the message had said who calls.
struct KeyPress {
  char tone = 0;
  absl::Time at;          // The provider's time.
  absl::Duration offset;  // Since the first copy began.

  friend bool operator==(const KeyPress&, const KeyPress&) = default;
};

// One copy of the message. `ordinal` is that of its action.
struct PlayView {
  int ordinal = 0;
  std::optional<absl::Time> accepted_at;  // When the request that was taken was sent.
  std::optional<absl::Time> begun_by;     // When it was answered: it plays by then.
  std::optional<absl::Time> started_at;   // By the provider's clock, where it tells.
  std::optional<absl::Time> ended_at;
  bool completed = false;  // Ended with 200/0: one uninterrupted copy.
  bool failed = false;     // Refused, or ended other than by 200/0 or a cancel.

  friend bool operator==(const PlayView&, const PlayView&) = default;
};

struct CallView {
  AttemptState state = AttemptState::kDialing;
  int sends = 0;            // Create-call requests whose result is logged.
  int sends_tried = 0;      // Of them passed the gate.
  bool given_back = false;  // The last send reached nobody; it may be sent again.
  bool seen_alive = false;  // Accepted by the provider, or any event of it.
  bool seizure = false;     // Accepted, or proven by an event.
  int asked_again = 0;      // Times a send of unknown fate was repeated under its id.
  std::string call;         // The provider's id; empty if unknown.
  std::optional<absl::Time> sent_at;
  std::optional<absl::Time> ringing_at;
  std::optional<absl::Time> answered_at;
  std::optional<absl::Time> ended_at;  // Set if and only if state is kEnded.

  std::optional<Disposition> disposition;  // Set if and only if state is kEnded.
  DispositionSource source = DispositionSource::kObserved;
  int code = 0;
  int subcode = 0;
  int sip = 0;
  int q850 = 0;
  std::optional<EndCause> cause;  // Where the provider tells.
  Remedy remedy = Remedy::kNone;  // Likewise.
  bool ambiguous = false;         // The disposition may be another.
  std::string reason;             // The provider's words about the end.

  Delivery delivery = Delivery::kNone;
  absl::Duration heard;  // Of the longest copy.
  AnsweredBy answered_by = AnsweredBy::kNobody;
  std::optional<KeyPress> acknowledged;
  std::optional<KeyPress> refused;
  std::optional<KeyPress> opted_out;  // The second press.
  std::optional<KeyPress> asked_operator;
  // What came of putting the person through; of the first two the earlier one
  // says when somebody was there.
  std::optional<absl::Time> joined_at;           // An operator is in the call.
  std::optional<absl::Time> handed_over_at;      // The call is the operator's, and ours no more.
  std::optional<absl::Time> transfer_failed_at;  // Neither, and neither will be.

  // What the call flow goes on from.
  std::vector<PlayView> plays;    // By ordinal.
  std::vector<KeyPress> repeats;  // Counted requests to hear it again.
  bool hang_up_ordered = false;
  std::optional<absl::Time> hang_up_accepted_at;
  std::optional<absl::Time> gone_at;  // The provider answered 404 to an action.
  int hang_ups_answered = 0;          // Hang-up actions whose result is logged.

  // When an operator took over, in either way.
  std::optional<absl::Time> put_through_at() const {
    return joined_at && (!handed_over_at || *joined_at < *handed_over_at) ? joined_at
                                                                          : handed_over_at;
  }

  friend bool operator==(const CallView&, const CallView&) = default;
};

// After this many tried sends that reached nobody the attempt ends.
inline constexpr int kSendsMax = 5;

// Ordinals of actions: plays 1.., cancels of media 51.., that for an operator 60,
// the transfer 71, hang-ups and leaving 101..
inline constexpr int kFirstPlayOrdinal = 1;
inline constexpr int kFirstCancelOrdinal = 51;
inline constexpr int kOperatorCancelOrdinal = 60;
inline constexpr int kTransferOrdinal = 71;
inline constexpr int kFirstHangUpOrdinal = 101;

// `flow` with the campaign's scaled durations.
CallView Fold(const CallFlow& flow, std::span<const Fact> facts);

}  // namespace tocsin
