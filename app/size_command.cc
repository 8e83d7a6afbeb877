#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "app/commands.h"
#include "app/exit_codes.h"
#include "cli/table.h"
#include "core/sizing.h"
#include "fmt/format.h"

namespace tocsin {
namespace {

// Measured (docs/operating.md, "Size"): of the log that PostgreSQL flushes, of the
// rows that a finished call leaves, and of what two cores carry in all.
constexpr double kWalBytesPerCall = 5'500;
constexpr double kDiskBytesPerCall = 8'000;
constexpr double kCallsPerSecondPerCore = 500;

std::string Megabytes(double bytes) {
  return bytes >= 1e9 ? fmt::format("{:.1f} GB", bytes / 1e9)
                      : fmt::format("{:.1f} MB", bytes / 1e6);
}

void Print(const SizingQuestion& question, const Sizing& sizing) {
  const double rate = sizing.calls_per_second;
  const std::vector<std::vector<std::string>> rows = {
      {"calls a second", fmt::format("{:.1f}", rate), "calls_per_second of the trunk"},
      {"calls at once", WithCommas(sizing.at_once), "concurrent_max of the trunk"},
      {"caller numbers", WithCommas(sizing.caller_numbers),
       fmt::format("caller_numbers, {} calls each", question.calls_per_caller)},
      {"first round", absl::FormatDuration(absl::Ceil(sizing.first_round, absl::Seconds(1))),
       fmt::format("what binds: {}", Name(sizing.binding))},
      {"callbacks a second", WithCommas(static_cast<std::int64_t>(6 * rate)),
       "about six a call, through nginx"},
      {"cores", fmt::format("{:.1f}", std::max(0.5, rate / kCallsPerSecondPerCore)),
       "nodes and PostgreSQL together"},
      {"WAL", fmt::format("{}/s", Megabytes(rate * kWalBytesPerCall)), "of PostgreSQL"},
      {"disk", Megabytes(static_cast<double>(question.people) * kDiskBytesPerCall),
       "for the first round's calls"},
  };
  fmt::print("{}", DrawTable({"WHAT", "NEEDED", "WHERE"}, rows));
  if (!sizing.in_time) {
    fmt::print("\nNot in time: {} bind; {:.1f} calls a second would be needed.\n",
               Name(sizing.binding),
               static_cast<double>(question.people) / absl::ToDoubleSeconds(*question.within));
  }
}

std::string Lengths(std::string& text) {
  absl::Duration length;
  const bool read = absl::ParseDuration(text, &length) && length > absl::ZeroDuration();
  return read ? "" : "expected a length of time above 0, like 60m or 43s";
}

absl::Duration LengthOf(const std::string& text) {
  absl::Duration length;
  absl::ParseDuration(text, &length);
  return length;
}

}  // namespace

int RunSize(const std::vector<std::string>& arguments) {
  CLI::App parser(
      "How many calls a second, calls at once and caller numbers it takes to ring so many\n"
      "people in time; or how long it takes with those that there are.",
      "tocsin size");
  SizingQuestion question;
  std::string within, hold = "43s";
  double rate = 0;
  std::int64_t at_once = 0, callers = 0;
  const CLI::Validator length(Lengths, "LENGTH");
  parser.add_option("--people", question.people, "How many are to be rung")
      ->required()
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}));
  parser.add_option("--within", within, "In how long, like 60m")->check(length);
  parser.add_option("--calls-per-second", rate, "What the provider takes")
      ->check(CLI::Range(0.01, 100'000.0));
  parser.add_option("--concurrent-max", at_once, "What it carries at once")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{10'000'000}));
  parser.add_option("--caller-numbers", callers, "How many there are")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{10'000'000}));
  parser.add_option("--calls-per-caller", question.calls_per_caller, "At once from one of them")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  parser.add_option("--mean-hold", hold, "How long a call holds its line on average")
      ->capture_default_str()
      ->check(length);
  parser.footer("\nExit codes: 0 it can be done, 1 not in time, 2 usage.");
  try {
    parser.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return parser.exit(error, std::cout, std::cerr) == 0 ? kExitDone : kExitUsage;
  }
  question.mean_hold = LengthOf(hold);
  if (!within.empty()) question.within = LengthOf(within);
  if (rate > 0) question.calls_per_second = rate;
  if (at_once > 0) question.concurrent_max = at_once;
  if (callers > 0) question.caller_numbers = callers;
  if (!question.within && rate <= 0 && at_once <= 0 && callers <= 0) {
    fmt::print(stderr,
               "tocsin size: say --within, or what there is: --calls-per-second, "
               "--concurrent-max, --caller-numbers\n");
    return kExitUsage;
  }
  const Sizing sizing = SizeUp(question);
  Print(question, sizing);
  return sizing.in_time ? kExitDone : kExitFailed;
}

}  // namespace tocsin
