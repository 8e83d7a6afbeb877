#pragma once
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tocsin {

// The hours of the day in which people may be rung, on their own clock.
// Minutes after midnight: 0 <= open < close <= 1440.
struct CallingWindow {
  int open_minute = 8 * 60;
  int close_minute = 21 * 60;

  bool is_whole_day() const { return open_minute == 0 && close_minute == 24 * 60; }
  friend bool operator==(const CallingWindow&, const CallingWindow&) = default;
};

// kInvalidArgument says which bound is wrong.
absl::StatusOr<CallingWindow> MakeCallingWindow(int open_minute, int close_minute);

// "08:30" -> 510; "24:00" is allowed. kInvalidArgument otherwise.
absl::StatusOr<int> ParseMinuteOfDay(std::string_view text);

// An IANA name ("America/Denver"); kInvalidArgument if there is no such zone.
absl::StatusOr<absl::TimeZone> FindTimeZone(std::string_view name);

// The first moment not before `at` at which a call that may ring and talk for
// `longest_ring` more can be placed: `at` itself, or the next opening.
absl::Time NextOpening(const CallingWindow& window, absl::TimeZone zone, absl::Time at,
                       absl::Duration longest_ring);

}  // namespace tocsin
