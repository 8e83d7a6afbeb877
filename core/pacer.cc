#include "core/pacer.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace tocsin {
namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;

// How far behind the grid a stall may leave us and still be caught up with.
// Longer gaps are idleness, and after those nobody is owed a burst.
constexpr nanoseconds kCatchUpMax = std::chrono::milliseconds(250);

}  // namespace

Pacer::Pacer(double rate, nanoseconds guard) : rate_(rate), guard_(guard) {
  Size();
}

void Pacer::Size() {
  TOCSIN_CHECK(rate_ > 0);
  window_sends_ = static_cast<std::size_t>(std::max(1.0, std::floor(rate_)));
  window_ = rate_ >= 1 ? nanoseconds(std::chrono::seconds(1))
                       : duration_cast<nanoseconds>(duration<double>(1 / rate_));
  spacing_ = (window_ + guard_) / static_cast<nanoseconds::rep>(window_sends_);
  log_.assign(window_sends_, SteadyTime{});
}

SteadyTime Pacer::EarliestNext(SteadyTime now) const {
  const SteadyTime slot = std::max(now, grid_);
  if (noted_ < window_sends_) return slot;
  return std::max(slot, log_[next_] + window_ + guard_);
}

void Pacer::Note(SteadyTime at) {
  TOCSIN_CHECK(at >= EarliestNext(at));
  log_[next_] = at;
  next_ = (next_ + 1) % window_sends_;
  noted_ = std::min(noted_ + 1, window_sends_);
  if (at - grid_ > kCatchUpMax) grid_ = at;
  grid_ += spacing_;
}

void Pacer::SetRate(double rate) {
  if (rate == rate_) return;
  std::vector<SteadyTime> recent;  // Oldest first.
  for (std::size_t i = 0; i < noted_; ++i) {
    recent.push_back(log_[(next_ + window_sends_ - noted_ + i) % window_sends_]);
  }
  rate_ = rate;
  Size();
  // Only the latest matter to a smaller window; a larger one starts part full.
  const std::size_t kept = std::min(recent.size(), window_sends_);
  std::copy(recent.end() - static_cast<std::ptrdiff_t>(kept), recent.end(), log_.begin());
  noted_ = kept;
  next_ = kept % window_sends_;
}

}  // namespace tocsin
