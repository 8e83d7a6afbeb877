#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "scheduler/scheduler.h"

namespace tocsin::scheduler {

// The thread around a Scheduler: steps it when it asked to be, or sooner when
// something came in.
class Runner {
 public:
  // `scheduler` and `clock` must outlive the runner.
  Runner(Scheduler& scheduler, const Clock& clock);
  // Stops if Stop() was not called.
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Drains: nothing new is intended, what is on its way is waited for (at most
  // `patience`), and the lease is given back.
  void Stop(absl::Duration patience = absl::Seconds(30));

 private:
  void Run(std::stop_token stop);
  void Wake();

  Scheduler& scheduler_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool wake_ = false;
  bool stopped_ = false;
  std::jthread thread_;
};

}  // namespace tocsin::scheduler
