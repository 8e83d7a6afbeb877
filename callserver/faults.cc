#include "callserver/faults.h"

namespace tocsin::callserver {

CreateFault Faults::NextCreate() {
  const std::int64_t count = ++creates_;
  const auto is_due = [count](int every) { return every > 0 && count % every == 0; };
  if (is_due(plan_.throttle_every)) return CreateFault::kThrottled;
  if (is_due(plan_.fail_after_placing_every)) return CreateFault::kFailedAfterPlacing;
  if (is_due(plan_.hang_every)) return CreateFault::kNoAnswer;
  if (is_due(plan_.html_every)) return CreateFault::kHtml;
  return CreateFault::kNone;
}

}  // namespace tocsin::callserver
