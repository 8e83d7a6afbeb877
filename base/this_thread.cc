#include "base/this_thread.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"

namespace tocsin {
namespace {

constexpr int kNiceness = -10;

}  // namespace

void NameThisThread(const char* name) {
  TOCSIN_CHECK(pthread_setname_np(pthread_self(), name) == 0);
}

void FavorThisThread() {
  // On Linux a thread's niceness is its own. Refused is as good as it gets.
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness));
}

}  // namespace tocsin
