#pragma once
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace grpc {
class ServerContext;
}

namespace tocsin {

// The streams that are open: each holds a thread for as long as it lasts, so
// their number is bounded below that of the threads, and a client that has
// fallen silent in the middle of sending is cut off. Thread-safe.
class OpenStreams {
 public:
  // `clock` must outlive it.
  OpenStreams(int streams_max, absl::Duration silence_max, const Clock& clock);
  ~OpenStreams();
  OpenStreams(const OpenStreams&) = delete;
  OpenStreams& operator=(const OpenStreams&) = delete;

  // One open stream; must not outlive the OpenStreams.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept : streams_(std::exchange(other.streams_, nullptr)) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (streams_ != nullptr) streams_->Leave();
    }

   private:
    friend class OpenStreams;
    explicit Ticket(OpenStreams* streams) : streams_(streams) {}
    OpenStreams* streams_;
  };
  // kResourceExhausted if there are too many, kUnavailable after Stop().
  absl::StatusOr<Ticket> Enter();

  // Around each wait for a client's message: if none comes within `silence_max`,
  // the call is canceled.
  void Expect(grpc::ServerContext* context);
  void Heard(grpc::ServerContext* context);

  // No stream is let in any more, and those that watch end.
  void Stop();
  std::stop_token stopping() const { return stop_.get_token(); }

 private:
  void Leave();
  void CutOffSilent();
  void RunWatch(const std::stop_token& stop);

  const int streams_max_;
  const absl::Duration silence_max_;
  const Clock& clock_;
  std::stop_source stop_;

  std::mutex mutex_;  // Guards the next two.
  int open_ = 0;
  std::map<grpc::ServerContext*, SteadyTime> expected_by_;

  std::jthread watch_;
};

}  // namespace tocsin
