#pragma once
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/secret.h"
#include "db/connection.h"

namespace tocsin::db {

// A bounded set of sessions of one kind, opened as they are needed. A broken one
// is dropped and never repaired; after a failed attempt to open one, nobody
// tries again for a moment that grows from 50 ms to 2 s, so that a server that
// is away costs its callers nothing but the answer.
//
// Thread-safe. Outlives its loans.
class Pool {
 public:
  struct Options {
    Secret url;
    SessionKind kind = SessionKind::kHot;
    int size = 8;
    absl::Duration wait_max = absl::Seconds(10);  // For a session to come free.
  };

  // A session lent to one thread; returned to the pool at the end of its life.
  class Loan {
   public:
    Loan(Pool& pool, std::unique_ptr<Connection> connection, bool fresh)
        : pool_(&pool), connection_(std::move(connection)), fresh_(fresh) {}
    Loan(Loan&& other) noexcept = default;
    Loan& operator=(Loan&&) = delete;
    ~Loan();

    Connection& operator*() { return *connection_; }
    // Opened for this loan: if it fails, so will the next.
    bool fresh() const { return fresh_; }
    // It is broken: drop it, and those that were opened before it failed.
    void Discard();

   private:
    Pool* pool_;
    std::unique_ptr<Connection> connection_;
    bool fresh_;
  };

  Pool(Options options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // kUnavailable if no session can be had: the server is away, or all are lent
  // for longer than wait_max.
  absl::StatusOr<Loan> Borrow();

  // `kind` labels what it counts.
  void WriteMetrics(MetricsPage& page, const std::string& kind) const;

 private:
  friend class Loan;
  void Return(std::unique_ptr<Connection> connection);
  void Forget();
  absl::StatusOr<std::unique_ptr<Connection>> OpenOne();

  const Options options_;
  const Clock& clock_;
  DurationHistogram waits_;
  mutable std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Connection>> idle_ ABSL_GUARDED_BY(mutex_);
  int out_ ABSL_GUARDED_BY(mutex_) = 0;  // Lent, or being opened.
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
  SteadyTime no_try_before_ ABSL_GUARDED_BY(mutex_){};
  absl::Status last_failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tocsin::db
