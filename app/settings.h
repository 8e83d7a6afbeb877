#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "app/command_line.h"
#include "app/config.h"

namespace tocsin {

// The settings of a command, or the exit code it ends with.
struct StartingPoint {
  Config config;
  std::vector<std::string> words;
  bool as_json = false;
  std::optional<int> exit_code;
};

// Reads command line, environment and file; prints everything that is wrong, or
// the help; sets the log level.
StartingPoint ReadSettings(Command command, const std::string& name, const std::string& about,
                           const std::string& words_help,
                           const std::vector<std::string>& arguments);

// The value of a variable that a trunk has its secret in; unset if there is none.
std::optional<std::string> FromEnvironment(const std::string& name);

// `status` of a question to the database, with what to look at if that is away.
absl::Status NamingDatabase(const absl::Status& status);

// `status` of a server that could not listen, with the flag that would help.
absl::Status NamingPort(const absl::Status& status, std::string_view flag);

// Prints "tocsin NAME: message" and returns the exit code for it.
int Fail(const std::string& name, const absl::Status& status);

}  // namespace tocsin
