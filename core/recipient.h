// What becomes of a person after each call: done with an outcome, or rung again
// at a time. Pure, and a function of the whole history, so that a late fact can
// revise it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/campaign.h"
#include "core/disposition.h"
#include "core/fold.h"
#include "core/ids.h"

namespace tocsin {

// One ended attempt as the person's history keeps it.
struct TriedCall {
  AttemptId attempt;
  int number_index = 0;  // Into the person's numbers.
  Disposition disposition = Disposition::kNoAnswer;
  Delivery delivery = Delivery::kNone;
  bool acknowledged = false;
  bool refused = false;
  bool opted_out = false;
  bool given_back = false;   // Our own limit was why nobody rang: no attempt of theirs.
  bool ambiguous = false;    // The disposition may be another.
  bool put_through = false;  // To an operator.
  absl::Time ended_at;

  friend bool operator==(const TriedCall&, const TriedCall&) = default;
};

// The entry of an ended attempt. REQUIRES: view.state == kEnded.
TriedCall TriedCallOf(AttemptId attempt, int number_index, const CallView& view);

// One entry as one word, for the database ("12/0/BUSY/NONE/-/1790000000000000").
std::string EncodeTriedCall(const TriedCall& call);
absl::StatusOr<TriedCall> DecodeTriedCall(std::string_view text);

// Why a number is not rung (again). One letter a number in the database.
enum class NumberMark { kUsable, kInvalid, kSuppressed, kRefusedByGuard };
char Letter(NumberMark mark);  // '.', 'I', 'S', 'G'
std::optional<NumberMark> MarkOfLetter(char letter);

struct RecipientHistory {
  RecipientId recipient;
  std::string time_zone;          // IANA; empty: the campaign's.
  std::vector<NumberMark> marks;  // One for each number, in the person's order.
  std::vector<TriedCall> tried;   // In the order of their ends.
  // The guard's or suppression's words for the last number that was marked.
  std::string mark_reason;
};

struct RecipientVerdict {
  // Either an outcome with its reason ...
  std::optional<Outcome> outcome;
  std::string reason;  // For NOT_REACHED and friends: "busy", "no_answer", ...
  // ... or a next try.
  std::optional<absl::Time> next_at;
  int number_index = 0;

  friend bool operator==(const RecipientVerdict&, const RecipientVerdict&) = default;
};

// The first try of somebody who was never rung: `earliest`, moved into the
// calling window.
RecipientVerdict FirstTry(const Campaign& campaign, const RecipientHistory& history,
                          absl::Time earliest);

// After an attempt ended or a number was marked. `now` is the end, not the
// moment of asking, so that folding again gives the same answer.
RecipientVerdict DecideRecipient(const Campaign& campaign, const RecipientHistory& history,
                                 absl::Time now);

// The outcome of somebody who will not be rung any more because the campaign
// expired or was canceled: what was reached so far, else `otherwise`.
RecipientVerdict ConcludeRecipient(const Campaign& campaign, const RecipientHistory& history,
                                   Outcome otherwise);

}  // namespace tocsin
