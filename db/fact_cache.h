#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "core/facts.h"
#include "core/ids.h"

namespace tocsin::db {

// Whole logs of attempts as of the last commit, so that a batch of facts need
// not read back what the same process has just written.
//
// A log is known here only as long as nobody else adds to it, which the
// attempt's row says: log_keeper holds the keeper() of the store that has the
// whole log. Whoever is another and appends takes that away in the same
// transaction, under the row's lock. The row is asked first, at every batch.
//
// Holds so many facts, the least lately used go first, and of attempts that have
// ended only the last ones: little more is told of them, and memory that nobody
// has looked at for long is slow when it is used again. A log that is not known is
// read. Thread-safe.
class FactCache {
 public:
  // Attempts. What is still told of most of them is the answer to a hang-up.
  static constexpr std::size_t kEndedMax = 1000;

  explicit FactCache(std::size_t facts_max);

  // Names this life of this store in log_keeper. Random; never 0.
  std::int64_t keeper() const { return keeper_; }

  // How many logs were known when they were asked for, and how many were not.
  struct Counters {
    std::uint64_t known = 0;
    std::uint64_t read = 0;
  };
  Counters counters() const;

 private:
  friend class FactLoan;
  // A log is known, or lent to transactions under way; to more than one if the
  // later ones found it gone.
  struct Entry {
    std::vector<Fact> facts;
    int loans = 0;
    bool contested = false;
    bool ended = false;
    std::list<AttemptKey>::iterator place;  // In the order of use, while not lent.
  };

  bool Borrow(const AttemptKey& attempt, std::vector<Fact>& facts);
  void Return(const AttemptKey& attempt, std::vector<Fact> facts, bool ended);
  void Forget(const AttemptKey& attempt);
  std::list<AttemptKey>& OrderOf(const Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return entry.ended ? ended_ : live_;
  }
  void DropFirst(std::list<AttemptKey>& order) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::size_t facts_max_;
  const std::int64_t keeper_;
  mutable std::mutex mutex_;
  std::unordered_map<AttemptKey, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  // What is known, least lately used first.
  std::list<AttemptKey> live_ ABSL_GUARDED_BY(mutex_);
  std::list<AttemptKey> ended_ ABSL_GUARDED_BY(mutex_);
  std::size_t facts_ ABSL_GUARDED_BY(mutex_) = 0;
  Counters counters_ ABSL_GUARDED_BY(mutex_);
};

// The logs that one transaction works on. One thread.
//
// What was borrowed and is not returned by Commit() is forgotten: after a
// rollback, or a commit of unknown fate, the database has to say what the log is.
class FactLoan {
 public:
  explicit FactLoan(FactCache& cache) : cache_(cache) {}
  ~FactLoan();
  FactLoan(const FactLoan&) = delete;
  FactLoan& operator=(const FactLoan&) = delete;

  // The logs of those of `attempts` that are known; each attempt once a loan.
  std::map<AttemptKey, std::vector<Fact>> Borrow(const std::set<AttemptKey>& attempts);

  // What the log of a borrowed attempt is once the transaction is committed, and
  // whether the attempt has ended by then.
  void Keep(const AttemptKey& attempt, std::vector<Fact> facts, bool ended);

  // After the commit.
  void Commit();

 private:
  FactCache& cache_;
  std::set<AttemptKey> borrowed_;
  struct Kept {
    std::vector<Fact> facts;
    bool ended = false;
  };
  std::map<AttemptKey, Kept> kept_;
};

}  // namespace tocsin::db
