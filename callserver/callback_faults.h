#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "callserver/callback_poster.h"
#include "callserver/faults.h"

namespace tocsin::callserver {

// What goes wrong with callbacks on their way from the simulation to the
// poster. Not thread-safe: they are to be handed over in the order in which
// they happened.
class CallbackFaults {
 public:
  // `faults` must outlive it.
  CallbackFaults(Faults& faults, double time_scale) : faults_(faults), time_scale_(time_scale) {}

  struct Fate {
    std::vector<Posting> postings;
    std::vector<Callback> lost;
  };
  Fate Meet(std::vector<Callback> callbacks);

 private:
  void MeetOne(Callback callback, Fate& fate);
  void Intrude(const Callback& callback, Fate& fate);

  Faults& faults_;
  const double time_scale_;
  // By call: the one that the next goes before.
  std::unordered_map<std::string, Posting> held_;
  std::int64_t own_queues_ = 0;
  std::int64_t intruders_ = 0;
};

}  // namespace tocsin::callserver
