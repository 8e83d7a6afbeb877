#include "db/migrator.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "db/migrations.gen.h"
#include "db/queries.gen.h"
#include "db/row_reader.h"
#include "db/time_text.h"
#include "db/transaction.h"

namespace tocsin::db {
namespace {

// Of pg_advisory_lock: "tocsin".
constexpr std::int64_t kLock = 0x746f6373696e;

struct Applied {
  std::string name;
  std::string checksum;
  absl::Time at;
};

// FNV-1a. Against accidents, not against malice.
std::string ChecksumOf(const char* text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (; *text != '\0'; ++text) {
    hash ^= static_cast<unsigned char>(*text);
    hash *= 0x100000001b3ULL;
  }
  return fmt::format("{:016x}", hash);
}

std::map<int, Applied> ReadApplied(Session& session) {
  std::map<int, Applied> applied;
  for (const pqxx::row& raw : session.Run(query::kListMigrations)) {
    RowReader row(raw);
    const int number = row.Int();
    Applied& entry = applied[number];
    entry.name = row.Text();
    entry.checksum = row.Text();
    entry.at = row.Time();
  }
  return applied;
}

absl::Status CheckApplied(const std::map<int, Applied>& applied) {
  for (const auto& [number, entry] : applied) {
    const auto known = std::find_if(kMigrations.begin(), kMigrations.end(),
                                    [&](const Migration& m) { return m.number == number; });
    if (known == kMigrations.end()) {
      return FailedPrecondition(
          "the database has migration {:04}_{}, which this program does not know: it is newer; "
          "install a program at least as new",
          number, entry.name);
    }
    if (entry.checksum != ChecksumOf(known->up)) {
      return FailedPrecondition(
          "migration {:04}_{} was changed after it was applied to this database; restore the file "
          "and write a new migration instead",
          number, entry.name);
    }
  }
  return absl::OkStatus();
}

// A session that holds the lock until it is closed.
absl::StatusOr<std::unique_ptr<Connection>> OpenLocked(const Secret& url) {
  auto connection = Connection::Open(url, SessionKind::kReports);
  if (!connection.ok()) return connection.status();
  bool broken = false;
  auto lock = [](Session& session) -> absl::Status {
    session.Run(query::kLockMigrations, kLock);
    session.Run(query::kCreateSchemaMigration);
    return absl::OkStatus();
  };
  TOCSIN_RETURN_IF_ERROR(TransactOn(**connection, broken, lock));
  return connection;
}

absl::StatusOr<std::map<int, Applied>> Applications(Connection& connection) {
  using Found = absl::StatusOr<std::map<int, Applied>>;
  bool broken = false;
  auto read = [](Session& session) -> Found { return ReadApplied(session); };
  return TransactOn(connection, broken, read);
}

absl::Status Apply(Connection& connection, const Migration& migration, bool up,
                   const Clock& clock) {
  bool broken = false;
  auto step = [&](Session& session) -> absl::Status {
    session.RunScript(migration.name, up ? migration.up : migration.down);
    if (up) {
      session.Run(query::kRecordMigration, migration.number, migration.name,
                  ChecksumOf(migration.up), TimeText(clock.Now()));
    } else {
      session.Run(query::kForgetMigration, migration.number);
    }
    return absl::OkStatus();
  };
  const absl::Status applied = TransactOn(connection, broken, step);
  if (applied.ok()) return applied;
  return MakeStatus(applied.code(), "migration {:04}_{} {} failed and was rolled back: {}",
                    migration.number, migration.name, up ? "up" : "down", Message(applied));
}

}  // namespace

absl::StatusOr<int> MigrateUp(const Secret& database_url, const Clock& clock) {
  TOCSIN_ASSIGN_OR_RETURN(const auto connection, OpenLocked(database_url));
  TOCSIN_ASSIGN_OR_RETURN(const auto applied, Applications(*connection));
  TOCSIN_RETURN_IF_ERROR(CheckApplied(applied));
  int steps = 0;
  for (const Migration& migration : kMigrations) {
    if (applied.contains(migration.number)) continue;
    TOCSIN_RETURN_IF_ERROR(Apply(*connection, migration, true, clock));
    ++steps;
  }
  return steps;
}

absl::StatusOr<int> MigrateDown(const Secret& database_url, int steps, const Clock& clock) {
  TOCSIN_ASSIGN_OR_RETURN(const auto connection, OpenLocked(database_url));
  TOCSIN_ASSIGN_OR_RETURN(const auto applied, Applications(*connection));
  TOCSIN_RETURN_IF_ERROR(CheckApplied(applied));
  int taken = 0;
  for (auto it = kMigrations.rbegin(); it != kMigrations.rend() && taken < steps; ++it) {
    if (!applied.contains(it->number)) continue;
    TOCSIN_RETURN_IF_ERROR(Apply(*connection, *it, false, clock));
    ++taken;
  }
  return taken;
}

absl::StatusOr<std::vector<MigrationState>> MigrationStatus(const Secret& database_url) {
  TOCSIN_ASSIGN_OR_RETURN(const auto connection, OpenLocked(database_url));
  TOCSIN_ASSIGN_OR_RETURN(const auto applied, Applications(*connection));
  std::map<int, MigrationState> states;
  for (const Migration& migration : kMigrations) {
    states[migration.number] = {migration.number, migration.name, std::nullopt};
  }
  for (const auto& [number, entry] : applied) {
    states[number] = {number, entry.name, entry.at};
  }
  std::vector<MigrationState> list;
  for (auto& [number, state] : states) list.push_back(std::move(state));
  return list;
}

absl::Status CheckMigrated(const Secret& database_url) {
  TOCSIN_ASSIGN_OR_RETURN(const auto connection, OpenLocked(database_url));
  TOCSIN_ASSIGN_OR_RETURN(const auto applied, Applications(*connection));
  TOCSIN_RETURN_IF_ERROR(CheckApplied(applied));
  if (applied.size() < kMigrations.size()) {
    return FailedPrecondition("the database has {} of {} migrations; run: tocsin migrate up",
                              applied.size(), kMigrations.size());
  }
  return absl::OkStatus();
}

}  // namespace tocsin::db
