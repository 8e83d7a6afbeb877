#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace tocsin::db {

// A moment as PostgreSQL reads and writes it in a session whose TimeZone is UTC
// and DateStyle ISO: "2026-11-21 03:13:00.123456+00". Microseconds: what is
// finer is cut off. Infinite times become "infinity" and "-infinity"; times
// outside the years 1 to 9999 become the first or last moment of them.
std::string TimeText(absl::Time time);

// The inverse; nullopt if `text` is no such thing.
std::optional<absl::Time> ParseTimeText(std::string_view text);

// What is left of a moment in the database.
inline absl::Time AsStored(absl::Time time) {
  return absl::FromUnixMicros(absl::ToUnixMicros(time));
}

}  // namespace tocsin::db
