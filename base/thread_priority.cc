#include "base/thread_priority.h"

#include <sys/resource.h>
#include <unistd.h>

namespace tocsin {
namespace {

constexpr int kNiceness = -10;

}  // namespace

void FavorThisThread() {
  // On Linux a thread's niceness is its own. Refused is as good as it gets.
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness));
}

}  // namespace tocsin
