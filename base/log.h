#pragma once
#include <initializer_list>
#include <string>
#include <string_view>

#include "fmt/format.h"

namespace tocsin {

// Info is per campaign and per node, debug per call and per event, warn means that
// somebody should look tomorrow, error now.
enum class LogLevel { kDebug, kInfo, kWarn, kError };

// One key=value of a log line. Built from anything fmt can format; a
// PhoneNumber or Secret cannot be formatted, and so cannot be logged.
class LogField {
 public:
  template <class Value>
  LogField(std::string_view key, const Value& value)
      : key_(key), value_(fmt::format("{}", value)) {}

  std::string_view key() const { return key_; }
  const std::string& value() const { return value_; }

 private:
  std::string_view key_;
  std::string value_;
};

// Writes one line to standard error: time, level, event, key=value ...
// `event` is a constant in snake_case; what varies goes into the fields.
// Values with spaces or quotes are quoted. A line about a call attempt has the
// field "attempt", like "7/8". docs/logging.md lists every event.
// Thread-safe.
void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

// Lines below `level` are dropped. Default: kInfo.
void SetLogLevel(LogLevel level);

// Whether Log() would write: where calls are many, ask before the fields are made.
bool LogIsOn(LogLevel level);

}  // namespace tocsin
