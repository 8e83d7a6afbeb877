#include "core/pacer.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tocsin {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

const SteadyTime kStart{std::chrono::hours(100)};

// Sends whenever it may, waking late by up to `late`, with a stall now and then.
std::vector<SteadyTime> Drive(double rate, std::size_t count, nanoseconds late, unsigned seed) {
  Pacer pacer(rate, milliseconds(2));
  std::mt19937 random(seed);
  std::vector<SteadyTime> sends;
  SteadyTime now = kStart;
  while (sends.size() < count) {
    const SteadyTime at = pacer.EarliestNext(now);
    now = std::max(now, at) + nanoseconds(random() % static_cast<unsigned>(late.count() + 1));
    if (random() % 997 == 0) now += milliseconds(random() % 900);
    if (pacer.EarliestNext(now) > now) continue;
    pacer.Note(now);
    sends.push_back(now);
  }
  return sends;
}

class PacerRates : public testing::TestWithParam<double> {};

TEST_P(PacerRates, NoRollingSecondHoldsMoreThanTheRate) {
  const double rate = GetParam();
  const auto whole = static_cast<std::size_t>(std::max(1.0, std::floor(rate)));
  const auto sends = Drive(rate, whole * 20 + 20, milliseconds(3), 20261121);
  for (std::size_t i = whole; i < sends.size(); ++i) {
    ASSERT_GT(sends[i] - sends[i - whole], seconds(1)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Rates, PacerRates, testing::Values(0.2, 1, 2.5, 10, 100, 1000));

TEST(Pacer, UsesNearlyAllOfItsRate) {
  Pacer pacer(1000, milliseconds(2));
  SteadyTime now = kStart;
  int sent = 0;
  while (now < kStart + seconds(60)) {
    now = pacer.EarliestNext(now) + std::chrono::microseconds(100);
    if (pacer.EarliestNext(now) > now) continue;
    pacer.Note(now);
    ++sent;
  }
  EXPECT_GE(sent, static_cast<int>(60 * 1000 / 1.002 * 0.995));
}

TEST(Pacer, SpreadsSendsInsteadOfBurstingThem) {
  Pacer pacer(10, milliseconds(0));
  pacer.Note(kStart);
  pacer.Note(pacer.EarliestNext(kStart + seconds(1)));

  EXPECT_GT(pacer.EarliestNext(kStart), kStart + milliseconds(700));
}

TEST(Pacer, ALowerRateCountsWhatHasBeenSent) {
  Pacer pacer(100, milliseconds(0));
  SteadyTime now = kStart;
  for (int i = 0; i < 100; ++i) {
    now = pacer.EarliestNext(now);
    pacer.Note(now);
  }
  pacer.SetRate(5);

  // The last five sends are within the last 50 ms.
  EXPECT_GE(pacer.EarliestNext(now), now + milliseconds(950));
}

}  // namespace
}  // namespace tocsin
