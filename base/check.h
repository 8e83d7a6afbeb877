#pragma once

namespace tocsin {

// Prints what was untrue and where, then aborts. The database is the truth and
// a restart takes a second, so a bug stops the process instead of spreading.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace tocsin

// An invariant of our own code. On in release builds. Never for bad input.
#define TOCSIN_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::tocsin::CheckFailed(__FILE__, __LINE__, #condition))
