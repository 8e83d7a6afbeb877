#include "base/service_clock.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace tocsin {
namespace {

const absl::Time kMidnight = absl::FromUnixSeconds(1'700'000'000);

class ServiceClockTest : public ::testing::Test {
 protected:
  // The database answered `then`; the answer took `trip`.
  void Learn(absl::Time then, absl::Duration trip = absl::ZeroDuration()) {
    const SteadyTime asked = machine_.Steady();
    machine_.Advance(trip);
    clock_.Learn(then, asked, machine_.Steady());
  }

  FakeClock machine_{kMidnight};
  ServiceClock clock_{machine_};
};

TEST_F(ServiceClockTest, IsTheMachinesOwnUntilItHasLearntAnything) {
  EXPECT_EQ(clock_.Now(), kMidnight);
  EXPECT_EQ(clock_.MachineAhead(), absl::ZeroDuration());
}

TEST_F(ServiceClockTest, IsTheDatabasesFromThenOnAndGoesOnByItself) {
  Learn(kMidnight + absl::Hours(1));

  machine_.Advance(absl::Seconds(10));

  EXPECT_EQ(clock_.Now(), kMidnight + absl::Hours(1) + absl::Seconds(10));
  EXPECT_EQ(clock_.MachineAhead(), -absl::Hours(1));
}

TEST_F(ServiceClockTest, TakesTheMiddleOfTheFirstAnswersWay) {
  Learn(kMidnight, absl::Seconds(2));

  EXPECT_EQ(clock_.Now(), kMidnight + absl::Seconds(1));
}

TEST_F(ServiceClockTest, DoesNotFollowAStepOfTheMachinesCalendar) {
  Learn(kMidnight);

  machine_.SetNow(kMidnight - absl::Hours(5));

  EXPECT_EQ(clock_.Now(), kMidnight);
  EXPECT_EQ(clock_.MachineAhead(), -absl::Hours(5));
}

TEST_F(ServiceClockTest, AnAnswerThatProvesNothingMovesNothing) {
  Learn(kMidnight);

  // Ten seconds on its way: anything from one second late to nine early.
  Learn(kMidnight + absl::Seconds(1), absl::Seconds(10));

  EXPECT_EQ(clock_.Now(), kMidnight + absl::Seconds(10));
}

TEST_F(ServiceClockTest, AnAnswerThatProvesItWrongMovesItAsFarAsThat) {
  Learn(kMidnight);
  Learn(kMidnight + absl::Minutes(1), absl::Seconds(2));
  EXPECT_EQ(clock_.Now(), kMidnight + absl::Minutes(1));

  Learn(kMidnight, absl::Seconds(2));
  EXPECT_EQ(clock_.Now(), kMidnight + absl::Seconds(2));
}

}  // namespace
}  // namespace tocsin
