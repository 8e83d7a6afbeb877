#include "db/time_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "absl/time/civil_time.h"
#include "fmt/format.h"

namespace tocsin::db {
namespace {

// Reads `digits` digits at the front of `text` and takes them off.
bool TakeNumber(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  const char* const begin = text.data();
  const auto [end, error] = std::from_chars(begin, begin + digits, value);
  if (error != std::errc() || end != begin + digits || *begin == '-') return false;
  text.remove_prefix(digits);
  return true;
}

bool Take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// ".1234" -> 123400; nothing -> 0.
bool TakeFraction(std::string_view& text, int& micros) {
  micros = 0;
  if (!Take(text, '.')) return true;
  int digits = 0;
  for (; digits < 6 && !text.empty() && text.front() >= '0' && text.front() <= '9'; ++digits) {
    micros = micros * 10 + (text.front() - '0');
    text.remove_prefix(1);
  }
  if (digits == 0) return false;
  for (; digits < 6; ++digits) micros *= 10;
  return true;
}

}  // namespace

std::string TimeText(absl::Time time) {
  if (time == absl::InfiniteFuture()) return "infinity";
  if (time == absl::InfinitePast()) return "-infinity";
  static const absl::Time first = absl::FromCivil(absl::CivilYear(1), absl::UTCTimeZone());
  static const absl::Time last =
      absl::FromCivil(absl::CivilYear(10000), absl::UTCTimeZone()) - absl::Microseconds(1);
  const absl::Time stored = AsStored(std::clamp(time, first, last));
  const auto at = absl::UTCTimeZone().At(stored);
  const absl::CivilSecond& cs = at.cs;
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}+00", cs.year(), cs.month(),
                     cs.day(), cs.hour(), cs.minute(), cs.second(),
                     absl::ToInt64Microseconds(at.subsecond));
}

std::optional<absl::Time> ParseTimeText(std::string_view text) {
  if (text == "infinity") return absl::InfiniteFuture();
  if (text == "-infinity") return absl::InfinitePast();
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, micros = 0;
  const bool read = TakeNumber(text, 4, year) && Take(text, '-') && TakeNumber(text, 2, month) &&
                    Take(text, '-') && TakeNumber(text, 2, day) && Take(text, ' ') &&
                    TakeNumber(text, 2, hour) && Take(text, ':') && TakeNumber(text, 2, minute) &&
                    Take(text, ':') && TakeNumber(text, 2, second) && TakeFraction(text, micros);
  if (!read || text != "+00") return std::nullopt;
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  return absl::FromCivil(civil, absl::UTCTimeZone()) + absl::Microseconds(micros);
}

}  // namespace tocsin::db
