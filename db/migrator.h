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

// Nodes of two neighbouring versions run together while a service is upgraded: first
// the schema, then node by node. Each migration says which is the oldest program that
// it leaves running (tools/embed_sql.py), and the database keeps that, so that an
// older program knows of a newer schema whether it can live with it. A program is
// known by the newest migration that it has.

struct MigrationState {
  int number = 0;
  std::string name;
  std::optional<absl::Time> applied_at;  // Unset: pending.
  bool known = true;                     // False: a newer program brought it.
};

// The newest migration of this program.
int NewestMigration();

// Brings the schema to the newest version, a transaction a step; returns how
// many steps were taken; 0 also if it is newer than this program and lets it run.
// Several at once wait for one another. Locks are waited for in short turns, so
// that calls go on meanwhile.
//
// kUnavailable: the server is away. kDeadlineExceeded: something holds on to a
// table. kFailedPrecondition: an applied migration was edited afterwards, the
// database is newer than this program can live with, or a node runs that could not
// live with a step; the message names it and says what to do.
absl::StatusOr<int> MigrateUp(const Secret& database_url, const Clock& clock = SystemClock());

// Takes back the newest `steps` migrations and what they held; returns how many.
// kFailedPrecondition, besides, while a node runs that needs one of them.
absl::StatusOr<int> MigrateDown(const Secret& database_url, int steps,
                                const Clock& clock = SystemClock());

// Every migration that this program or the database knows, in order.
absl::StatusOr<std::vector<MigrationState>> MigrationStatus(const Secret& database_url);

// kFailedPrecondition unless everything is applied, and nothing that this program
// cannot live with: what a server asks at its start instead of migrating by itself.
// Only reads, and waits for no migration under way.
absl::Status CheckMigrated(const Secret& database_url);

}  // namespace tocsin::db
