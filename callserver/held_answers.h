#pragma once
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/http_server.h"
#include "callserver/wake_loop.h"

namespace tocsin::callserver {

// Answers that a fault has come later than they were made: after some time, or
// once a callback of their call was taken, whichever is first.
//
// Thread-safe.
class HeldAnswers {
 public:
  explicit HeldAnswers(const Clock& clock);

  // Holds an answer until then. `call_id` may be empty: no callback frees it.
  void Hold(HttpReply reply, HttpResponse response, SteadyTime until, const std::string& call_id);

  // The answer that tells of this call is going to be held. To be called before any
  // callback of it is on its way.
  void Expect(const std::string& call_id);

  // A callback of this call was taken.
  void NoteTaken(const std::string& call_id);

  // Gives all answers away, and holds none from then on.
  void Stop();

 private:
  struct Held {
    HttpReply reply;
    HttpResponse response;
    std::string call_id;
  };
  using ByTime = std::multimap<SteadyTime, Held>;

  SteadyTime GiveDue();
  static void Give(std::vector<Held> due);

  const Clock& clock_;
  std::mutex mutex_;                          // Guards what follows, down to stopped_.
  std::unordered_set<std::string> expected_;  // Calls of which no callback was taken.
  ByTime held_;
  std::unordered_map<std::string, ByTime::iterator> by_call_;
  bool stopped_ = false;
  WakeLoop wakes_;  // The last member: it runs on the above.
};

}  // namespace tocsin::callserver
