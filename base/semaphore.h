#pragma once
#include <semaphore.h>

#include <cerrno>

#include "base/check.h"

namespace tocsin {

// The system's semaphore: one that nobody waits for costs no system call, and the
// standard library's spins before it sleeps, hundreds of waiters at once.
//
// Thread-safe.
class Semaphore {
 public:
  Semaphore() { TOCSIN_CHECK(sem_init(&count_, 0, 0) == 0); }
  ~Semaphore() { sem_destroy(&count_); }
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  void Post() { sem_post(&count_); }

  void Wait() {
    while (sem_wait(&count_) != 0) {
      TOCSIN_CHECK(errno == EINTR);
    }
  }

 private:
  sem_t count_;
};

}  // namespace tocsin
