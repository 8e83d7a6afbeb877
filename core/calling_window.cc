#include "core/calling_window.h"

#include <algorithm>

#include "absl/time/civil_time.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace tocsin {
namespace {

constexpr int kDayMinutes = 24 * 60;

absl::Time MinuteOf(absl::CivilDay day, int minute, absl::TimeZone zone) {
  return absl::FromCivil(absl::CivilMinute(day) + minute, zone);
}

}  // namespace

absl::StatusOr<CallingWindow> MakeCallingWindow(int open_minute, int close_minute) {
  if (open_minute < 0 || open_minute >= kDayMinutes) {
    return InvalidArgument("window opens at minute {}; it must be 0 to 1439", open_minute);
  }
  if (close_minute <= open_minute || close_minute > kDayMinutes) {
    return InvalidArgument(
        "window closes at minute {}; it must be after its opening ({}) and at "
        "most 1440 (24:00)",
        close_minute, open_minute);
  }
  return CallingWindow{open_minute, close_minute};
}

absl::StatusOr<int> ParseMinuteOfDay(std::string_view text) {
  const auto digit = [&](std::size_t i) {
    return i < text.size() && text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : -1;
  };
  const bool shaped = text.size() == 5 && text[2] == ':' && digit(0) >= 0 && digit(1) >= 0 &&
                      digit(3) >= 0 && digit(4) >= 0;
  const int hour = digit(0) * 10 + digit(1);
  const int minute = digit(3) * 10 + digit(4);
  if (!shaped || minute > 59 || hour * 60 + minute > kDayMinutes) {
    return absl::InvalidArgumentError("a time of day is written HH:MM, from 00:00 to 24:00");
  }
  return hour * 60 + minute;
}

absl::StatusOr<absl::TimeZone> FindTimeZone(std::string_view name) {
  // Abseil would also open "file:..." and absolute paths.
  const bool shaped =
      !name.empty() && name.front() != '/' && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '+' || c == '-' || c == '/';
      });
  absl::TimeZone zone;
  if (!shaped || !absl::LoadTimeZone({name.data(), name.size()}, &zone)) {
    return absl::InvalidArgumentError(
        "unknown time zone; write an IANA name such as America/Denver");
  }
  return zone;
}

absl::Time NextOpening(const CallingWindow& window, absl::TimeZone zone, absl::Time at,
                       absl::Duration longest_ring) {
  TOCSIN_CHECK(0 <= window.open_minute && window.open_minute < window.close_minute);
  TOCSIN_CHECK(window.close_minute <= kDayMinutes);
  if (window.is_whole_day()) return at;

  // Civil arithmetic, not "+ 24 hours": days are 23 or 25 hours long twice a year.
  absl::CivilDay day = absl::ToCivilDay(at, zone);
  if (at < MinuteOf(day, window.open_minute, zone)) return MinuteOf(day, window.open_minute, zone);
  if (at + longest_ring <= MinuteOf(day, window.close_minute, zone)) return at;
  ++day;
  return MinuteOf(day, window.open_minute, zone);
}

}  // namespace tocsin
