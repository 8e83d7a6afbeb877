#include "dialer/lag_gauge.h"

#include <gtest/gtest.h>

namespace tocsin::dialer {
namespace {

constexpr absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

// Events every 10 ms for a while, each so late.
absl::Time Feed(LagGauge& gauge, absl::Time from, absl::Duration length, absl::Duration late,
                double time_scale = 1) {
  absl::Time now = from;
  for (; now < from + length; now += absl::Milliseconds(10)) {
    gauge.Note(now, now - late, time_scale);
  }
  return now;
}

TEST(LagGauge, BeginsWithoutStrain) {
  LagGauge gauge;
  EXPECT_EQ(gauge.Lateness(kStart), absl::ZeroDuration());
  EXPECT_EQ(gauge.Strain(kStart), 0);
}

TEST(LagGauge, ClocksThatDifferAreNotLate) {
  LagGauge behind, ahead;
  const absl::Time now = Feed(behind, kStart, absl::Seconds(3), absl::Minutes(7));
  Feed(ahead, kStart, absl::Seconds(3), -absl::Minutes(7));
  EXPECT_EQ(behind.Strain(now), 0);
  EXPECT_EQ(ahead.Strain(now), 0);
}

TEST(LagGauge, EventsThatComeLaterThanTheyUsedToAreAStrain) {
  LagGauge gauge;
  absl::Time now = Feed(gauge, kStart, absl::Seconds(3), absl::Minutes(7));
  now = Feed(gauge, now, absl::Seconds(3), absl::Minutes(7) + absl::Milliseconds(4250));
  EXPECT_NEAR(gauge.Strain(now), 0.5, 0.01);
  now = Feed(gauge, now, absl::Seconds(3), absl::Minutes(7) + absl::Seconds(30));
  EXPECT_EQ(gauge.Strain(now), 1);
  now = Feed(gauge, now, absl::Seconds(6), absl::Minutes(7));
  EXPECT_EQ(gauge.Strain(now), 0);
}

TEST(LagGauge, MeasuresTheLifeOfWhoeverHoldsTheTelephone) {
  LagGauge slow, fast;
  absl::Time now = Feed(slow, kStart, absl::Seconds(3), absl::ZeroDuration(), 1);
  Feed(fast, kStart, absl::Seconds(3), absl::ZeroDuration(), 60);
  Feed(slow, now, absl::Seconds(3), absl::Milliseconds(200), 1);
  now = Feed(fast, now, absl::Seconds(3), absl::Milliseconds(200), 60);
  EXPECT_EQ(slow.Strain(now), 0);
  EXPECT_EQ(fast.Strain(now), 1);
}

TEST(LagGauge, WhatNothingConfirmsFades) {
  LagGauge gauge;
  absl::Time now = Feed(gauge, kStart, absl::Seconds(3), absl::ZeroDuration());
  now = Feed(gauge, now, absl::Seconds(3), absl::Seconds(10));
  EXPECT_EQ(gauge.Strain(now + absl::Milliseconds(500)), 1);
  EXPECT_EQ(gauge.Strain(now + absl::Seconds(10)), 0);
}

TEST(LagGauge, AClockThatWasSetIsBelievedInTheEnd) {
  LagGauge gauge;
  absl::Time now = Feed(gauge, kStart, absl::Seconds(3), absl::ZeroDuration());
  now = Feed(gauge, now, absl::Minutes(11), absl::Seconds(10));
  EXPECT_EQ(gauge.Strain(now), 0);
}

TEST(LagGauge, OneLateEventAmongManyIsNoStrain) {
  LagGauge gauge;
  const absl::Time now = Feed(gauge, kStart, absl::Seconds(3), absl::ZeroDuration());
  gauge.Note(now - absl::Milliseconds(10), now - absl::Seconds(50), 1);
  EXPECT_EQ(gauge.Strain(now), 0);
}

TEST(LagGauge, WhatIsDeliveredAgainAfterAnHourIsNotLateNow) {
  LagGauge gauge;
  absl::Time now = Feed(gauge, kStart, absl::Seconds(3), absl::ZeroDuration());
  now = Feed(gauge, now, absl::Seconds(3), absl::Hours(1));
  EXPECT_EQ(gauge.Strain(now), 0);
}

}  // namespace
}  // namespace tocsin::dialer
