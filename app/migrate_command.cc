#include "app/commands.h"
#include "app/exit_codes.h"
#include "app/settings.h"
#include "base/status_macros.h"
#include "db/migrator.h"

namespace tocsin {
namespace {

int Up(const Config& config) {
  const auto steps = db::MigrateUp(config.database_url);
  if (!steps.ok()) return Fail("migrate up", NamingDatabase(steps.status()));
  fmt::print("{} applied; the schema is as new as this program, or newer\n", *steps);
  return kExitDone;
}

int Down(const Config& config) {
  const auto steps = db::MigrateDown(config.database_url, 1);
  if (!steps.ok()) return Fail("migrate down", NamingDatabase(steps.status()));
  fmt::print("{} taken back\n", *steps);
  return kExitDone;
}

// Fails unless everything is applied, so that a unit file can ask.
int Status(const Config& config) {
  const auto states = db::MigrationStatus(config.database_url);
  if (!states.ok()) return Fail("migrate status", NamingDatabase(states.status()));
  bool pending = false;
  for (const db::MigrationState& state : *states) {
    pending = pending || !state.applied_at;
    fmt::print("{:04}  {:24}  {}{}\n", state.number, state.name,
               state.applied_at ? absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", *state.applied_at,
                                                   absl::UTCTimeZone())
                                : "pending",
               state.known ? "" : "  (of a newer program)");
  }
  return pending ? kExitFailed : kExitDone;
}

}  // namespace

int RunMigrate(const std::vector<std::string>& arguments) {
  const StartingPoint start =
      ReadSettings(Command::kMigrate, "migrate",
                   "The schema of a database. down takes back one step, and what it held; status\n"
                   "ends with 1 if something is pending.",
                   "up, down or status", arguments);
  if (start.exit_code) return *start.exit_code;
  const std::string word = start.words.size() == 1 ? start.words[0] : "";
  if (word == "up") return Up(start.config);
  if (word == "down") return Down(start.config);
  if (word == "status") return Status(start.config);
  fmt::print(stderr, "tocsin migrate: expected up, down or status; --help tells more\n");
  return kExitUsage;
}

}  // namespace tocsin
