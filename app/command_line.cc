#include "app/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "app/exit_codes.h"
#include "fmt/format.h"

namespace tocsin {
namespace {

std::string HelpOf(const Setting& setting) {
  std::string help = setting.help;
  if (!setting.default_text.empty()) help += fmt::format(" (default: {})", setting.default_text);
  return help;
}

std::string Footer(Command command) {
  std::string footer =
      "Each setting is also an environment variable (--api-port: TOCSIN_API_PORT) and a key of\n"
      "the --config file (api_port); flags come before the environment, that before the file.\n";
  for (const Setting& setting : Settings()) {
    if ((setting.commands & static_cast<unsigned>(command)) == 0 || setting.has_flag) continue;
    footer += fmt::format("Only as {}: {}.\n", EnvironmentOf(setting), setting.help);
  }
  return footer + "\nExit codes: 0 done, 1 failed, 2 usage, 78 bad configuration.";
}

}  // namespace

CommandLine ReadCommandLine(Command command, const std::string& name, const std::string& about,
                            const std::string& words_help,
                            const std::vector<std::string>& arguments) {
  CommandLine line;
  CLI::App parser(about, fmt::format("tocsin {}", name));
  parser.get_formatter()->column_width(34);
  parser.footer(Footer(command));
  if (const char* file = std::getenv("TOCSIN_CONFIG"); file != nullptr) line.config_file = file;
  parser.add_option("--config", line.config_file, "YAML file of settings")->type_name("FILE");
  if (command == Command::kUp || command == Command::kServe || command == Command::kCallServer) {
    parser.add_flag("--check-config", line.check_only,
                    "Say all that is wrong with the settings, start nothing: 0 or 78");
  }
  if (!words_help.empty()) parser.add_option("words", line.words, words_help)->type_name("");

  std::string output;
  if (command == Command::kTrunk || command == Command::kNodes) {
    const char* const help = command == Command::kTrunk ? "table or json (check)" : "table or json";
    parser.add_option("-o,--output", output, help)
        ->check(CLI::IsMember({"table", "json"}))
        ->type_name("FORMAT");
  }

  std::map<std::string, std::string> values;
  for (const Setting& setting : Settings()) {
    if ((setting.commands & static_cast<unsigned>(command)) == 0 || !setting.has_flag) continue;
    parser.add_option(FlagOf(setting), values[setting.key], HelpOf(setting))->type_name("VALUE");
  }
  try {
    // CLI11 takes them from the back.
    parser.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    line.exit_code = parser.exit(error, std::cout, std::cerr) == 0 ? kExitDone : kExitUsage;
    return line;
  }
  line.as_json = output == "json";
  for (const auto& [key, value] : values) {
    const Setting* setting = &*std::find_if(Settings().begin(), Settings().end(),
                                            [&](const Setting& s) { return s.key == key; });
    if (parser.count(FlagOf(*setting)) > 0) line.flags[key] = value;
  }
  return line;
}

}  // namespace tocsin
