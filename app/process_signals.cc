#include "app/process_signals.h"

#include <signal.h>

#include "base/check.h"

namespace tocsin {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void BlockSignals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t set = StopSignals();
  sigaddset(&set, SIGCHLD);
  TOCSIN_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
}

ProcessSignal WaitForSignal() {
  sigset_t set = StopSignals();
  sigaddset(&set, SIGCHLD);
  int signal_number = 0;
  while (sigwait(&set, &signal_number) != 0) {
  }
  return signal_number == SIGCHLD ? ProcessSignal::kChildEnded : ProcessSignal::kStop;
}

void UnblockStopSignals() {
  const sigset_t set = StopSignals();
  TOCSIN_CHECK(pthread_sigmask(SIG_UNBLOCK, &set, nullptr) == 0);
}

}  // namespace tocsin
