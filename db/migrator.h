#pragma once
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/secret.h"

namespace tocsin::db {

struct MigrationState {
  int number = 0;
  std::string name;
  std::optional<absl::Time> applied_at;  // Unset: pending.
};

// Brings the schema to the newest version, a transaction a step; returns how
// many steps were taken. Several at once wait for one another.
//
// kUnavailable: the server is away. kFailedPrecondition: an applied migration
// was edited afterwards, or the database is newer than this program; the
// message names it and says what to do.
absl::StatusOr<int> MigrateUp(const Secret& database_url, const Clock& clock = SystemClock());

// Takes back the newest `steps` migrations and what they held; returns how many.
absl::StatusOr<int> MigrateDown(const Secret& database_url, int steps,
                                const Clock& clock = SystemClock());

// Every migration that this program or the database knows, in order.
absl::StatusOr<std::vector<MigrationState>> MigrationStatus(const Secret& database_url);

// kFailedPrecondition unless everything is applied: what a server asks at its
// start instead of migrating by itself.
absl::Status CheckMigrated(const Secret& database_url);

}  // namespace tocsin::db
