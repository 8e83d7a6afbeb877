#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/campaign.h"
#include "core/disposition.h"
#include "core/ids.h"
#include "core/recipient.h"
#include "db/counters.h"
#include "db/transaction.h"

namespace tocsin::db {

using PersonKey = std::pair<CampaignId, RecipientId>;

// A person's row, under its lock.
struct Person {
  RecipientHistory history;
  std::vector<std::string> numbers;
  int priority = 0;
  std::int64_t text = 0;  // TextId; 0: none.
  std::optional<Outcome> outcome;
  std::string outcome_reason;
  AttemptId served_by;
  std::optional<absl::Time> first_attempt_at;
  std::optional<std::string> last_caller;
  std::optional<absl::Time> concluded_at;
  int revision = 0;
};

// What becomes of the people of one transaction: locked in key order, decided
// one by one, written back in a handful of statements. Not thread-safe; lives
// as long as the transaction's body.
class People {
 public:
  // Locks and reads those who are not here yet. Call once for all of a
  // transaction where possible: locks are taken in key order within a call.
  void Lock(Session& session, const std::set<PersonKey>& keys);

  // REQUIRES: Lock() was called for `key`; null if there is no such person.
  Person* Find(const PersonKey& key);

  // Applies a verdict: an outcome (whose counter follows), or a place in the
  // queue. Whoever has an outcome keeps one and is never queued again.
  void Settle(const Campaign& campaign, const PersonKey& key, const RecipientVerdict& verdict,
              absl::Time now, Counters& counters);

  // The person's row is to be written even without a verdict.
  void Touch(const PersonKey& key) { touched_.insert(key); }

  // In the queue from before, perhaps: out, unless Settle() queued them again.
  void Dequeue(const PersonKey& key) { dequeued_.insert(key); }

  void Write(Session& session) const;

  // People queued by Settle() since the start of the transaction.
  bool queued() const { return !queued_.empty(); }

 private:
  void WriteRows(Session& session) const;
  void WriteQueue(Session& session) const;

  struct Place {
    absl::Time due_at;
    int number_index = 0;
  };

  std::map<PersonKey, Person> people_;
  std::set<PersonKey> touched_;
  std::set<PersonKey> dequeued_;
  std::map<PersonKey, Place> queued_;
};

// The attempt that an outcome rests on: the one with the key, else the first
// that played the message, else the last. Unset if there was none.
AttemptId DecisiveAttempt(const RecipientHistory& history, Outcome outcome);

// Two parallel arrays of keys, as most statements take them.
struct KeyArrays {
  explicit KeyArrays(const std::set<PersonKey>& keys);
  explicit KeyArrays(const std::set<AttemptKey>& keys);
  std::string campaigns;
  std::string ids;
};

}  // namespace tocsin::db
