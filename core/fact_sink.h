#pragma once
#include <vector>

#include "core/store.h"

namespace tocsin {

// Where whoever learned something about an attempt tells it, without waiting:
// the scheduler its create-call results, timers and sweeps their looks at the
// time. Keeps what it is told until it is committed; a fact told twice is one
// fact. What a crash takes with it is found again by the reconciler.
//
// Implementations are thread-safe and do not block on the database.
class FactSink {
 public:
  virtual ~FactSink() = default;

  virtual void Record(AttemptInput input) = 0;
  virtual void RecordAll(std::vector<AttemptInput> inputs) = 0;

  // How near the way of a trunk's events is to its limit: 0, all is well, to 1,
  // they come faster than they can be written, or so late that the people who
  // answered have given up. Whoever rings people holds back by as much.
  virtual double Strain(TrunkId trunk) const = 0;
};

}  // namespace tocsin
