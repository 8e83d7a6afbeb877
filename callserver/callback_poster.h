#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async_http_client.h"
#include "base/clock.h"
#include "callserver/call_simulation.h"
#include "callserver/wake_loop.h"

namespace tocsin::callserver {

// A callback on its way, with what a fault has made of it.
struct Posting {
  Callback callback;
  std::string queue;     // Those of one queue go one after another: usually the call's id.
  absl::Duration delay;  // Real; if there is one, the queue must be its own.
  std::string fault;     // Its name; usually empty.
  std::optional<std::string> body;  // Instead of the event.
  int tries_max = 0;                // 0: as the poster's options say.
};

// Brings callbacks to the application. Those of one queue go one after another,
// each when the one before it was answered or given up; those of different
// queues go side by side. An answer other than 2xx, or none, is tried again.
//
// At least once: an answer that got lost is a callback that comes again.
class CallbackPoster {
 public:
  struct Options {
    int threads = 2;
    int connections_max = 32;  // To one receiver: callbacks under way at once.
    int tries_max = 5;
    absl::Duration first_pause = absl::Seconds(2);  // Doubles with each try.
    absl::Duration timeout = absl::Seconds(10);     // Of each step of a request.
    std::size_t waiting_max = 1'000'000;            // Beyond it, new callbacks are dropped.
    // The Authorization header of a callback, made anew for every try; empty:
    // none. Called on the poster's threads.
    std::function<std::string(const Callback&)> authorize;
    std::string ca_file;  // As of TrustingContext().
  };

  // What became of a callback. Called on a poster's thread.
  struct Outcome {
    int status = 0;  // Of the last answer; 0: none came.
    int tries = 0;
    bool dropped = false;
  };
  using Report = std::function<void(const Posting&, const Outcome&)>;

  struct Stats {
    std::int64_t answered = 0;  // With 2xx.
    std::int64_t retried = 0;
    std::int64_t dropped = 0;
    std::int64_t waiting = 0;  // Now, those under way included.
  };

  CallbackPoster(const Options& options, const Clock& clock, Report report);
  ~CallbackPoster();  // As Stop().
  CallbackPoster(const CallbackPoster&) = delete;
  CallbackPoster& operator=(const CallbackPoster&) = delete;

  // Takes them over and returns at once. Thread-safe; the order within one queue
  // is that of the Post() calls.
  void Post(std::vector<Posting> postings);

  Stats stats() const;

  // Waits for the requests under way and forgets the rest.
  void Stop();

 private:
  // Exists while there is anything in it, and stays where it is. Whoever is to send
  // its first posting reads that unlocked: nobody else removes it, and a deque does
  // not move it.
  struct Queue {
    std::deque<Posting> postings;
    int tries = 0;  // Of the first.
  };

  struct Pause {
    SteadyTime until;
    Queue* queue;
    friend bool operator<(const Pause& left, const Pause& right) {
      return left.until > right.until;
    }
  };

  Queue* Enqueue(Posting posting);
  void SendFirst(Queue& queue);
  absl::StatusOr<AsyncHttpClient::Request> RequestFor(const Posting& posting,
                                                      std::string target) const;
  void Finish(Queue& queue, const absl::StatusOr<int>& status);
  Queue* RemoveFirst(Queue& queue);
  SteadyTime ResumePaused();

  const Options options_;
  const Clock& clock_;
  const Report report_;

  mutable std::mutex mutex_;  // Guards everything down to stats_; never held across I/O.
  std::unordered_map<std::string, Queue> queues_;  // By name.
  std::priority_queue<Pause> paused_;
  Stats stats_;

  AsyncHttpClient client_;
  WakeLoop pauses_;
};

}  // namespace tocsin::callserver
