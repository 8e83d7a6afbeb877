#include "app/settings.h"

#include <unistd.h>

#include <cstdlib>

#include "app/config_check.h"
#include "app/exit_codes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace tocsin {
namespace {

std::vector<std::string> Environment() {
  std::vector<std::string> lines;
  for (char** line = environ; *line != nullptr; ++line) lines.emplace_back(*line);
  return lines;
}

}  // namespace

StartingPoint ReadSettings(Command command, const std::string& name, const std::string& about,
                           const std::string& words_help,
                           const std::vector<std::string>& arguments) {
  StartingPoint start;
  CommandLine line = ReadCommandLine(command, name, about, words_help, arguments);
  start.words = std::move(line.words);
  start.as_json = line.as_json;
  start.exit_code = line.exit_code;
  if (start.exit_code) return start;

  LoadedConfig loaded = LoadConfig({.command = command,
                                    .flags = std::move(line.flags),
                                    .environment = Environment(),
                                    .file = line.config_file,
                                    .now = SystemClock().Now()});
  for (const std::string& warning : loaded.warnings) {
    fmt::print(stderr, "tocsin {}: warning: {}\n", name, warning);
  }
  for (std::string& problem : FindContradictions(command, loaded.config)) {
    loaded.problems.push_back(std::move(problem));
  }
  if (!loaded.problems.empty()) {
    fmt::print(stderr, "tocsin {}: the configuration cannot be used:\n", name);
    for (const std::string& problem : loaded.problems) fmt::print(stderr, "  {}\n", problem);
    start.exit_code = kExitConfig;
    return start;
  }
  if (line.check_only) {
    fmt::print("tocsin {}: the configuration can be used; nothing was started\n", name);
    start.exit_code = kExitDone;
    return start;
  }
  start.config = std::move(loaded.config);
  SetLogLevel(start.config.log_level);
  return start;
}

std::optional<std::string> FromEnvironment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

absl::Status NamingDatabase(const absl::Status& status) {
  if (!absl::IsUnavailable(status)) return status;
  return Unavailable(
      "{}; see that PostgreSQL runs there and lets this user in, or name another with "
      "--database-url or TOCSIN_DATABASE_URL",
      Message(status));
}

absl::Status NamingPort(const absl::Status& status, std::string_view flag) {
  if (!absl::IsUnavailable(status)) return status;
  return Unavailable("{}; {} takes another port, 0 any free one", Message(status), flag);
}

int Fail(const std::string& name, const absl::Status& status) {
  fmt::print(stderr, "tocsin {}: {}\n", name, Message(status));
  return kExitFailed;
}

}  // namespace tocsin
