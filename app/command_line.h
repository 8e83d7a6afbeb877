#pragma once
#include <map>
#include <string>
#include <vector>

#include "app/config.h"

namespace tocsin {

// What the command line of a command with settings said.
struct CommandLine {
  std::map<std::string, std::string> flags;  // Setting::key -> value.
  std::string config_file;                   // --config, else TOCSIN_CONFIG, else empty.
  bool check_only = false;                   // --check-config.
  std::vector<std::string> words;            // What is not a flag: "up" of `migrate up`.
  bool as_json = false;                      // "-o json", of `trunk` and `nodes`.
  // Set: there is nothing to do but to end with it. Help or the complaint has
  // been printed.
  std::optional<int> exit_code;
};

// `arguments` begin after the command's name. `words_help` describes the words
// that the command takes; empty: none.
CommandLine ReadCommandLine(Command command, const std::string& name, const std::string& about,
                            const std::string& words_help,
                            const std::vector<std::string>& arguments);

}  // namespace tocsin
