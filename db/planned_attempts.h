#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/ids.h"
#include "db/people.h"
#include "db/transaction.h"

namespace tocsin::db {

// Somebody whom an attempt serves, and which of their numbers it rings.
struct Served {
  RecipientId recipient;
  int number_index = 0;
};

// A planned attempt under its lock, with everybody whom it serves; the person
// rung comes first.
struct PlannedRow {
  AttemptKey key;
  std::string number;
  int sends = 0;
  std::vector<Served> served;
};

// Locks those of `keys` that are still planned, in key order.
std::vector<PlannedRow> LockPlanned(Session& session, const std::set<AttemptKey>& keys);

// Takes attempts out of the way: never sent, they leave no trace; else they end
// as canceled, with `why`. Their people are free for People::Settle().
void Withdraw(Session& session, const std::vector<PlannedRow>& attempts, const std::string& why,
              absl::Time now, Counters& counters);

}  // namespace tocsin::db
