#pragma once
#include <map>
#include <set>
#include <vector>

#include "core/facts.h"
#include "core/ids.h"
#include "db/transaction.h"

namespace tocsin::db {

// A fact where it stands: with its raw text it is worth not being copied.
struct AttemptFact {
  AttemptKey attempt;
  const Fact* fact;
};

// Appends facts to the log; those that are there already change nothing.
// Returns how many were new, by attempt.
std::map<AttemptKey, int> InsertFacts(Session& session, const std::vector<AttemptFact>& facts);

// All facts of the attempts, without their raw text. Times are as stored.
std::map<AttemptKey, std::vector<Fact>> ReadFacts(Session& session,
                                                  const std::set<AttemptKey>& keys);

}  // namespace tocsin::db
