#include "callserver/call_history.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "fmt/format.h"

namespace tocsin::callserver {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

TEST(CallHistory, CountsTheCallsToEachNumber) {
  CallHistory history;
  EXPECT_EQ(history.Add(kStart, "+15555550100", "+1800").attempt, 0U);
  EXPECT_EQ(history.Add(kStart, "+15555550100", "+1801").attempt, 1U);
  EXPECT_EQ(history.Add(kStart, "+15555550101", "+1800").attempt, 0U);
  EXPECT_EQ(history.calls(), 3);
}

TEST(CallHistory, ASteadyRateIsWhatItComesTo) {
  CallHistory history;
  history.SetTimeScale(60);
  Circumstances met;
  // Ten a second of the clock are ten a minute, 600 an hour.
  for (int i = 0; i < 6'000; ++i) {
    met = history.Add(kStart + absl::Milliseconds(100 * i), "+12065550100", "+1800");
  }
  EXPECT_NEAR(met.caller_calls_per_hour, 600, 6);
  EXPECT_NEAR(met.exchange_calls_per_minute, 10, 1);
  EXPECT_NEAR(absl::ToDoubleHours(met.since_first_call), 10, 0.01);
}

TEST(CallHistory, AnHoursRateBuildsUpAndFadesWithinAnHour) {
  CallHistory history;
  Circumstances met;
  for (int i = 0; i <= 1'200; ++i) met = history.Add(kStart + absl::Seconds(i), "+12", "+1800");
  EXPECT_NEAR(met.caller_calls_per_hour, 3'600 * 0.283, 10);  // 1 - 1/e^(1/3)
  met = history.Add(kStart + absl::Seconds(1'200) + absl::Hours(1), "+12", "+1800");
  EXPECT_NEAR(met.caller_calls_per_hour, 3'600 * 0.283 * 0.368, 5);
}

TEST(CallHistory, CallerNumbersAndExchangesAreApart) {
  CallHistory history;
  for (int i = 0; i < 100; ++i) history.Add(kStart, fmt::format("+1206555{:04}", i), "+1800");
  const Circumstances other = history.Add(kStart, "+13035550100", "+1801");
  EXPECT_EQ(other.caller_calls_per_hour, 0);
  EXPECT_EQ(other.exchange_calls_per_minute, 0);
  const Circumstances same = history.Add(kStart, "+12065559999", "+1800");
  EXPECT_EQ(same.caller_calls_per_hour, 100);
  EXPECT_EQ(same.exchange_calls_per_minute, 100);
}

TEST(CallHistory, TimeThatGoesBackwardsStandsStill) {
  CallHistory history;
  history.Add(kStart, "+12", "+1800");
  history.Add(kStart + absl::Minutes(2), "+12", "+1800");
  EXPECT_EQ(history.Add(kStart, "+1", "+1800").since_first_call, absl::Minutes(2));
  EXPECT_EQ(history.Add(kStart + absl::Minutes(3), "+12", "+1800").since_first_call,
            absl::Minutes(3));
}

}  // namespace
}  // namespace tocsin::callserver
