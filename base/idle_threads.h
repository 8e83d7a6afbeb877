#pragma once
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/semaphore.h"

namespace tocsin {

// Threads that wait for work which a mutex of their owner's guards. Whoever became
// idle last is the first to work again: a condition variable would give each piece
// to the thread that slept longest, whose stack and connection nothing remembers.
//
// All is called with that mutex held.
class IdleThreads {
 public:
  // Wakes its thread when it goes, for which the mutex should be free: declare it
  // before the lock.
  class Woken {
   public:
    Woken() = default;
    explicit Woken(std::shared_ptr<Semaphore> thread) : thread_(std::move(thread)) {}
    ~Woken() {
      if (thread_ != nullptr) thread_->Post();
    }
    Woken(Woken&& other) noexcept = default;
    Woken& operator=(Woken&& other) noexcept {
      std::swap(thread_, other.thread_);
      return *this;
    }

   private:
    std::shared_ptr<Semaphore> thread_;
  };

  // Returns once `ready()`, which is asked with the mutex held. `lock` holds it.
  template <class Ready>
  void Wait(std::unique_lock<std::mutex>& lock, const Ready& ready) {
    if (ready()) return;
    const auto thread = std::make_shared<Semaphore>();
    do {
      idle_.push_back(thread);
      lock.unlock();
      thread->Wait();
      lock.lock();
    } while (!ready());
  }

  // Takes the next one out of its sleep, for one piece of work. None if all work:
  // these look for more before they rest.
  [[nodiscard]] Woken Next() {
    if (idle_.empty()) return Woken();
    Woken woken(std::move(idle_.back()));
    idle_.pop_back();
    return woken;
  }

  [[nodiscard]] std::vector<Woken> All() {
    std::vector<Woken> woken;
    for (; !idle_.empty(); idle_.pop_back()) woken.emplace_back(std::move(idle_.back()));
    return woken;
  }

 private:
  std::vector<std::shared_ptr<Semaphore>> idle_;
};

}  // namespace tocsin
