#include "scheduler/breakers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::scheduler {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

TEST(TrunkBreaker, ARunWithoutAnswersOpensItAndAProbeLetsOneCallGoFirst) {
  TrunkBreaker breaker;
  for (int i = 0; i < TrunkBreaker::kRun; ++i) {
    EXPECT_EQ(breaker.in_flight_max(64), 64);
    breaker.Failed(kNow);
  }
  EXPECT_EQ(breaker.in_flight_max(64), 0);
  ASSERT_TRUE(breaker.probe_at());
  EXPECT_GT(*breaker.probe_at(), kNow);

  breaker.Probed(true, kNow);
  EXPECT_EQ(breaker.in_flight_max(64), 1);
  breaker.Answered();
  EXPECT_EQ(breaker.in_flight_max(64), 64);
}

TEST(TrunkBreaker, AnAnswerBetweenBreaksTheRun) {
  TrunkBreaker breaker;
  for (int i = 0; i < 10 * TrunkBreaker::kRun; ++i) {
    breaker.Failed(kNow);
    if (i % 3 == 0) breaker.Answered();
  }
  EXPECT_EQ(breaker.state(), TrunkBreaker::State::kClosed);
}

TEST(TrunkBreaker, FailedProbesComeMoreSeldom) {
  TrunkBreaker breaker;
  for (int i = 0; i < TrunkBreaker::kRun; ++i) breaker.Failed(kNow);
  const absl::Duration first = *breaker.probe_at() - kNow;
  breaker.Probed(false, kNow);

  EXPECT_GT(*breaker.probe_at() - kNow, first);
}

TEST(TrunkBreaker, TheFirstCallAfterAProbeCanOpenItAgain) {
  TrunkBreaker breaker;
  for (int i = 0; i < TrunkBreaker::kRun; ++i) breaker.Failed(kNow);
  breaker.Probed(true, kNow);
  breaker.Failed(kNow);

  EXPECT_EQ(breaker.in_flight_max(64), 0);
}

class CampaignBreakerTest : public testing::Test {
 protected:
  CampaignBreakerTest() { progress_.people = 1000; }
  std::optional<std::string> Look() { return breaker_.Look(campaign_, progress_); }

  Campaign campaign_;
  CampaignProgress progress_;
  CampaignBreaker breaker_;
};

TEST_F(CampaignBreakerTest, AnswersThatHearNothingPauseIt) {
  EXPECT_EQ(Look(), std::nullopt);
  progress_.dispositions[Disposition::kAnswered] = 80;
  progress_.short_calls = 10;
  progress_.unheard_answers = 75;

  EXPECT_THAT(Look(), Optional(HasSubstr("recording")));
}

TEST_F(CampaignBreakerTest, TheFirstCallsToEndAreTheShortOnesAndProveNothing) {
  EXPECT_EQ(Look(), std::nullopt);
  progress_.dispositions[Disposition::kAnswered] = 100;
  progress_.short_calls = 58;
  progress_.unheard_answers = 60;

  EXPECT_EQ(Look(), std::nullopt);
}

TEST_F(CampaignBreakerTest, AnOrdinaryMixDoesNot) {
  EXPECT_EQ(Look(), std::nullopt);
  for (int i = 1; i <= 50; ++i) {
    progress_.dispositions[Disposition::kAnswered] = 20 * i;
    progress_.unheard_answers = 2 * i;
    progress_.short_calls = 3 * i;
    progress_.opt_outs = i / 2;
    progress_.sends = 60 * i;
    EXPECT_EQ(Look(), std::nullopt) << i;
  }
}

TEST_F(CampaignBreakerTest, ConfigurationErrorsPauseItAtOnce) {
  EXPECT_EQ(Look(), std::nullopt);
  progress_.dispositions[Disposition::kConfigError] = 3;

  EXPECT_THAT(Look(), Optional(HasSubstr("key, endpoint")));
}

TEST_F(CampaignBreakerTest, TooManySendsPauseIt) {
  campaign_.spec.retry.attempts_max = 4;
  progress_.sends = 4801;

  EXPECT_THAT(Look(), Optional(HasSubstr("4800")));
}

}  // namespace
}  // namespace tocsin::scheduler
