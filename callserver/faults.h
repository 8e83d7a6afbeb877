#pragma once
#include <atomic>
#include <cstdint>

#include "absl/time/time.h"

namespace tocsin::callserver {

// What goes wrong with one create-call request.
enum class CreateFault {
  kNone,
  kThrottled,           // 429; nobody rings.
  kFailedAfterPlacing,  // 500, and yet the telephone rings.
  kNoAnswer,            // The telephone rings, and the answer takes `hang`.
  kHtml,                // 200 with a page of HTML; nobody rings.
};

// The weather of the call server: which requests go wrong, and how. A value of
// n means every n-th create-call; 0: never. A request that is due for several
// gets the first of them.
struct FaultPlan {
  int throttle_every = 0;
  int fail_after_placing_every = 0;
  int hang_every = 0;
  int html_every = 0;
  absl::Duration hang = absl::Seconds(30);  // Of real time.
  absl::Duration retry_after;               // Sent with 429, if not zero.
};

// Consulted once per create-call. Thread-safe.
class Faults {
 public:
  explicit Faults(const FaultPlan& plan) : plan_(plan) {}

  const FaultPlan& plan() const { return plan_; }

  CreateFault NextCreate();

 private:
  const FaultPlan plan_;
  std::atomic<std::int64_t> creates_ = 0;
};

}  // namespace tocsin::callserver
