#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/attempt_step.h"
#include "core/campaign.h"
#include "core/fold.h"
#include "core/ids.h"
#include "db/counters.h"
#include "db/transaction.h"

namespace tocsin::db {

// What an attempt's row says beyond its plan and intent: a copy of what its
// facts said when it was last written.
struct AttemptResult {
  AttemptState state = AttemptState::kPlanned;
  int not_sent = 0;
  std::optional<absl::Time> retry_send_at;
  std::string call;
  bool seizure = false;
  std::optional<absl::Time> sent_at;
  std::optional<absl::Time> ringing_at;
  std::optional<absl::Time> answered_at;
  std::optional<absl::Time> ended_at;
  std::optional<Disposition> disposition;
  std::optional<DispositionSource> source;
  int code = 0;
  int subcode = 0;
  int sip = 0;
  int q850 = 0;
  std::optional<EndCause> cause;
  std::string reason;
  Delivery delivery = Delivery::kNone;
  std::int64_t heard_ms = 0;
  AnsweredBy answered_by = AnsweredBy::kNobody;
  std::optional<absl::Time> acknowledged_at;
  std::optional<absl::Time> refused_at;
  std::optional<absl::Time> opted_out_at;
  std::optional<absl::Time> asked_operator_at;
  std::optional<absl::Time> put_through_at;

  friend bool operator==(const AttemptResult&, const AttemptResult&) = default;
};

// An attempt's row, under its lock.
struct AttemptRow {
  AttemptKey key;
  RecipientId recipient;
  int people = 1;
  TrunkId trunk;
  std::string number;
  int number_index = 0;
  std::optional<std::string> caller;
  absl::Time planned_at;
  std::optional<absl::Time> intended_at;
  int sends = 0;  // Intents committed.
  // The FactCache that has the whole log; 0: none has; unset: the log is empty.
  std::optional<std::int64_t> log_keeper;
  AttemptResult result;
  int revision = 0;
  TextId text;  // What is said; unset: the campaign's recording.
};

// Locks and reads those that exist, in key order.
std::map<AttemptKey, AttemptRow> LockAttempts(Session& session, const std::set<AttemptKey>& keys);

// What `view` is in a row. `not_sent` counts the sends that never left.
AttemptResult ResultOf(const CallView& view, int not_sent);

// Whether `after` belongs into the row at once: the rest waits for the end.
bool MustBeWritten(const AttemptResult& before, const AttemptResult& after);

// Adds what an attempt contributes to its campaign's counters, `sign` times.
void Count(const Campaign& campaign, const AttemptResult& result, int sign, Counters& counters);

// Writes the results of rows that were locked here.
void WriteAttempts(Session& session, const std::vector<const AttemptRow*>& rows);

}  // namespace tocsin::db
