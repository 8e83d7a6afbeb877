#pragma once
#include <memory>

#include "absl/functional/any_invocable.h"

namespace tocsin {

// Threads for what may block: one piece of work each at a time, the rest waits in
// the order in which it came. Thread-safe.
class WorkerPool {
 public:
  // `name`: of its threads; at most 15 characters, static.
  WorkerPool(const char* name, int threads);
  ~WorkerPool();  // As Stop().
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // An exception that escapes is logged.
  void Run(absl::AnyInvocable<void()> work);

  // Returns when all that was asked for is done. Nothing may be asked for after.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
