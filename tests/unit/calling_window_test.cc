#include "core/calling_window.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(CallingWindow, OpensOnThePersonsClockAcrossTheSpringChange) {
  const absl::TimeZone berlin = *FindTimeZone("Europe/Berlin");
  const CallingWindow window{9 * 60, 20 * 60};
  const auto at = [&](int day, int hour) {
    return absl::FromCivil(absl::CivilHour(2026, 3, day, hour), berlin);
  };
  const auto next = [&](absl::Time t) { return NextOpening(window, berlin, t, absl::Seconds(30)); };

  EXPECT_EQ(next(at(28, 10)), at(28, 10));
  EXPECT_EQ(next(at(28, 20)), at(29, 9));
  EXPECT_EQ(next(at(28, 3)), at(28, 9));
  // That night lasted one hour less.
  EXPECT_EQ(at(29, 9) - at(28, 20), absl::Hours(12));
}

TEST(CallingWindow, AWholeDayIsAlwaysOpen) {
  const CallingWindow window{0, 24 * 60};
  const absl::Time midnight = absl::FromCivil(absl::CivilDay(2026, 5, 5), absl::UTCTimeZone());

  EXPECT_EQ(NextOpening(window, absl::UTCTimeZone(), midnight - absl::Seconds(1), absl::Hours(1)),
            midnight - absl::Seconds(1));
}

TEST(CallingWindow, TimesOfDayAreReadStrictly) {
  EXPECT_EQ(*ParseMinuteOfDay("08:30"), 510);
  EXPECT_EQ(*ParseMinuteOfDay("24:00"), 1440);
  for (const char* wrong : {"", "8:30", "08.30", "24:01", "08:60", "ab:cd", "08:300", "-1:00"}) {
    EXPECT_FALSE(ParseMinuteOfDay(wrong).ok()) << wrong;
  }
}

TEST(CallingWindow, BoundsAreChecked) {
  EXPECT_TRUE(MakeCallingWindow(0, 1440).ok());
  EXPECT_FALSE(MakeCallingWindow(-1, 100).ok());
  EXPECT_FALSE(MakeCallingWindow(600, 600).ok());
  EXPECT_FALSE(MakeCallingWindow(600, 1441).ok());
  EXPECT_FALSE(FindTimeZone("Berlin").ok());
  EXPECT_FALSE(FindTimeZone("").ok());
}

}  // namespace
}  // namespace tocsin
