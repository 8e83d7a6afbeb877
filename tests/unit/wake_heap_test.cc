#include "dialer/wake_heap.h"

#include <condition_variable>

#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"

namespace tocsin::dialer {
namespace {

AttemptKey Key(std::int64_t attempt) {
  return {CampaignId(1), AttemptId(attempt)};
}

// Collects what the heap says, and lets a test wait for so many.
class Due {
 public:
  void operator()(std::vector<AttemptKey> attempts) {
    const std::lock_guard lock(mutex_);
    due_.insert(due_.end(), attempts.begin(), attempts.end());
    came_.notify_all();
  }

  std::vector<AttemptKey> WaitFor(std::size_t count) {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return due_.size() >= count; });
    return due_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<AttemptKey> due_;
};

class WakeHeapTest : public testing::Test {
 protected:
  SteadyTime In(int seconds) { return clock_.Steady() + std::chrono::seconds(seconds); }

  FakeClock clock_{absl::FromUnixSeconds(1'000)};
  Due due_;
  WakeHeap heap_{clock_, [this](std::vector<AttemptKey> keys) { due_(std::move(keys)); }};
};

TEST_F(WakeHeapTest, TellsEachWhenItsTimeHasCome) {
  heap_.Arm(Key(2), In(20));
  heap_.Arm(Key(1), In(10));
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(due_.WaitFor(1), (std::vector{Key(1)}));
  EXPECT_FALSE(heap_.IsArmed(Key(1)));
  EXPECT_TRUE(heap_.IsArmed(Key(2)));

  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(due_.WaitFor(2), (std::vector{Key(1), Key(2)}));
}

TEST_F(WakeHeapTest, ALaterArmingReplacesTheEarlierOne) {
  heap_.Arm(Key(1), In(10));
  heap_.Arm(Key(1), In(30));
  heap_.Arm(Key(2), In(20));
  clock_.Advance(absl::Seconds(20));
  EXPECT_EQ(due_.WaitFor(1), (std::vector{Key(2)}));
  EXPECT_EQ(heap_.size(), 1U);
}

TEST_F(WakeHeapTest, AnEarlierOneWakesTheSleeper) {
  heap_.Arm(Key(1), In(3600));
  heap_.Arm(Key(2), In(0));
  EXPECT_EQ(due_.WaitFor(1), (std::vector{Key(2)}));
}

TEST_F(WakeHeapTest, ADisarmedOneIsNotTold) {
  heap_.Arm(Key(1), In(10));
  heap_.Arm(Key(2), In(10));
  heap_.Disarm(Key(1));
  heap_.Disarm(Key(3));
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(due_.WaitFor(1), (std::vector{Key(2)}));
}

}  // namespace
}  // namespace tocsin::dialer
