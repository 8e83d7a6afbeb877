#include "callserver/call_history.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "callserver/ledger_line.h"
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

// A ledger of one's own for each test.
class LedgerHistory : public testing::Test {
 protected:
  LedgerHistory()
      : path_(testing::TempDir() + "/history_" +
              testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove(path_);
  }
  ~LedgerHistory() override { std::filesystem::remove(path_); }

  void Write(absl::Duration after, const std::string& leg, LedgerEntry entry) {
    std::ofstream(path_, std::ios::app)
        << FormatLedgerLine({.at = kStart + after, .call_leg_id = leg, .entry = std::move(entry)});
  }
  void WriteStart(absl::Duration after, std::uint64_t seed, double time_scale = 1) {
    Write(after, "", ServerStarted{.seed = seed, .time_scale = time_scale});
  }
  void WriteCreate(absl::Duration after, const std::string& leg, const std::string& number) {
    Write(after, leg,
          CreateArrived{
              .status = leg.empty() ? 429 : 200, .number = number, .caller_number = "+1800"});
  }

  const std::string path_;
};

TEST_F(LedgerHistory, IsTheSameAsThatOfWhoPlacedTheCalls) {
  CallHistory live;
  live.SetTimeScale(60);
  WriteStart(absl::ZeroDuration(), 7, 60);
  for (int i = 0; i < 2'000; ++i) {
    const std::string number = fmt::format("+1206555{:04}", i * 37 % 900);
    const absl::Duration after = i * absl::Nanoseconds(1'234'567);
    live.Add(kStart + after, number, "+1800");
    WriteCreate(after, fmt::format("leg{}", i), number);
    Write(after, fmt::format("leg{}", i), StateReached{"Establishing"});
    Write(after, fmt::format("leg{}", i), CallEnded{.far_end = "busy", .reason = "in_call"});
    if (i == 1'000) WriteStart(after, 7, 60);
  }
  CallHistory read = ReadCallHistory(path_, 7);

  EXPECT_EQ(read.calls(), 2'000);
  for (int i = 0; i < 900; ++i) {
    const std::string number = fmt::format("+1206555{:04}", i);
    const Circumstances expected = live.Add(kStart + absl::Seconds(i), number, "+1800");
    const Circumstances met = read.Add(kStart + absl::Seconds(i), number, "+1800");
    ASSERT_EQ(met.attempt, expected.attempt);
    ASSERT_EQ(met.since_first_call, expected.since_first_call);
    ASSERT_EQ(met.caller_calls_per_hour, expected.caller_calls_per_hour);
    ASSERT_EQ(met.exchange_calls_per_minute, expected.exchange_calls_per_minute);
  }
}

TEST_F(LedgerHistory, KnowsTheCallsToItsOwnSeedThatWerePlaced) {
  WriteStart(absl::ZeroDuration(), 7);
  WriteCreate(absl::Seconds(1), "a", "+1");
  WriteCreate(absl::Seconds(2), "", "+1");
  WriteStart(absl::Seconds(3), 8);
  WriteCreate(absl::Seconds(4), "b", "+1");
  WriteStart(absl::Seconds(5), 7);
  WriteCreate(absl::Seconds(6), "c", "+2");

  CallHistory history = ReadCallHistory(path_, 7);
  EXPECT_EQ(history.calls(), 2);
  EXPECT_EQ(history.Add(kStart, "+1", "+1800").attempt, 1U);
  EXPECT_EQ(history.Add(kStart, "+2", "+1800").attempt, 1U);
  EXPECT_EQ(ReadCallHistory(path_, 8).calls(), 1);
  EXPECT_EQ(ReadCallHistory(path_, 9).calls(), 0);
}

TEST_F(LedgerHistory, PassesOverWhatIsCutShort) {
  WriteStart(absl::ZeroDuration(), 7);
  WriteCreate(absl::Seconds(1), "a", "+1");
  std::ofstream(path_, std::ios::app) << R"({"what":"create","at":"2026-11-)"
                                      << "\nno ledger at all\n";
  WriteStart(absl::Seconds(2), 7);
  WriteCreate(absl::Seconds(3), "b", "+1");

  EXPECT_EQ(ReadCallHistory(path_, 7).calls(), 2);
}

TEST_F(LedgerHistory, IsNothingWithoutALedger) {
  EXPECT_EQ(ReadCallHistory(path_, 7).calls(), 0);
  EXPECT_EQ(ReadCallHistory("", 7).calls(), 0);
}

}  // namespace
}  // namespace tocsin::callserver
