#include "db/migrator.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "db/migrations.h"
#include "db/queries.gen.h"
#include "db/row_reader.h"
#include "db/time_text.h"
#include "db/transaction.h"

namespace tocsin::db {
namespace {

// Of pg_advisory_lock: "tocsin".
constexpr std::int64_t kLock = 0x746f6373696e;

// Of a lock that a step needs. Meanwhile calls queue behind it for at most the
// session's lock_timeout, and go on between two tries. A step that takes several
// tables may also meet calls that take them in another order, and is the one to go.
constexpr int kLockTries = 60;
constexpr std::chrono::milliseconds kPauseForOthers{500};

struct Applied {
  std::string name;
  std::string checksum;
  absl::Time at;
  std::optional<std::int64_t> oldest_program;
};

using AppliedByNumber = std::map<int, Applied>;

// FNV-1a. Against accidents, not against malice.
std::string ChecksumOf(const char* text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (; *text != '\0'; ++text) {
    hash ^= static_cast<unsigned char>(*text);
    hash *= 0x100000001b3ULL;
  }
  return fmt::format("{:016x}", hash);
}

bool Exists(Session& session, const char* table) {
  return session.Run(query::kHasTable, table).front()[0].as<bool>();
}

AppliedByNumber ReadApplied(Session& session) {
  AppliedByNumber applied;
  if (!Exists(session, "schema_migration")) return applied;
  for (const pqxx::row& raw : session.Run(query::kListMigrations)) {
    RowReader row(raw);
    const int number = row.Int();
    Applied& entry = applied[number];
    entry.name = row.Text();
    entry.checksum = row.Text();
    entry.at = row.Time();
    entry.oldest_program = row.OptInt64();
  }
  return applied;
}

const Migration* FindMigration(int number) {
  for (const Migration& migration : Migrations()) {
    if (migration.number == number) return &migration;
  }
  return nullptr;
}

absl::Status CheckApplied(const AppliedByNumber& applied) {
  for (const auto& [number, entry] : applied) {
    const Migration* known = FindMigration(number);
    if (known == nullptr) {
      if (entry.oldest_program && *entry.oldest_program <= NewestMigration()) continue;
      return FailedPrecondition(
          "the database has migration {:04}_{}, which this program does not know and cannot live "
          "with: it is newer; install a program at least as new",
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
  auto connection = Connection::Open(url, SessionKind::kMigrations);
  if (!connection.ok()) return connection.status();
  bool broken = false;
  auto lock = [](Session& session) -> absl::Status {
    session.RunScript("WaitForOtherMigrator", "SET LOCAL lock_timeout = 0");
    session.Run(query::kLockMigrations, kLock);
    if (!Exists(session, "schema_migration")) session.Run(query::kCreateSchemaMigration);
    session.Run(query::kAddOldestProgram);
    return absl::OkStatus();
  };
  TOCSIN_RETURN_IF_ERROR(TransactOn(**connection, broken, lock));
  return connection;
}

absl::StatusOr<AppliedByNumber> Applications(Connection& connection) {
  bool broken = false;
  auto read = [](Session& session) -> absl::StatusOr<AppliedByNumber> {
    return ReadApplied(session);
  };
  return TransactOn<pqxx::nontransaction>(connection, broken, read);
}

// Without the migrator's lock, and without a right to do more than to look.
absl::StatusOr<AppliedByNumber> LookAtApplications(const Secret& url) {
  TOCSIN_ASSIGN_OR_RETURN(const auto connection, Connection::Open(url, SessionKind::kReports));
  return Applications(*connection);
}

// Refuses if a node runs whose program is not `fit`; `what` is what it could not
// live with.
absl::Status CheckRunningPrograms(Connection& connection, const std::function<bool(int)>& fit,
                                  const std::string& what) {
  bool broken = false;
  auto look = [&](Session& session) -> absl::Status {
    if (!Exists(session, "reporting.nodes")) return absl::OkStatus();
    for (const pqxx::row& raw : session.Run(query::kListPrograms)) {
      RowReader row(raw);
      const std::string node = row.Text();
      const std::string build = row.Text();
      if (fit(row.Int())) continue;
      return FailedPrecondition("node {} ({}) runs and could not live {}; stop it first", node,
                                build, what);
    }
    return absl::OkStatus();
  };
  return TransactOn<pqxx::nontransaction>(connection, broken, look);
}

absl::Status ApplyOnce(Connection& connection, const Migration& migration, bool up,
                       const Clock& clock) {
  bool broken = false;
  auto step = [&](Session& session) -> absl::Status {
    session.RunScript(migration.name, up ? migration.up : migration.down);
    if (up) {
      session.Run(query::kRecordMigration, migration.number, migration.name,
                  ChecksumOf(migration.up), TimeText(clock.Now()), migration.oldest_program);
    } else {
      session.Run(query::kForgetMigration, migration.number);
    }
    return absl::OkStatus();
  };
  return TransactOn(connection, broken, step);
}

absl::Status Apply(Connection& connection, const Migration& migration, bool up,
                   const Clock& clock) {
  absl::Status applied;
  for (int tries = 0; tries < kLockTries; ++tries) {
    if (tries > 0) clock.SleepUntil(clock.Steady() + kPauseForOthers, {});
    applied = ApplyOnce(connection, migration, up, clock);
    if (applied.ok()) return applied;
    if (!absl::IsDeadlineExceeded(applied) && !absl::IsAborted(applied)) break;
  }
  return MakeStatus(applied.code(), "migration {:04}_{} {} failed and was rolled back: {}",
                    migration.number, migration.name, up ? "up" : "down", Message(applied));
}

}  // namespace

int NewestMigration() {
  return Migrations().back().number;
}

absl::StatusOr<int> MigrateUp(const Secret& database_url, const Clock& clock) {
  // Nobody is waited for, and nothing need be allowed, where nothing is to be done.
  TOCSIN_ASSIGN_OR_RETURN(const auto before, LookAtApplications(database_url));
  TOCSIN_RETURN_IF_ERROR(CheckApplied(before));
  const auto done = [](const AppliedByNumber& applied) {
    return std::all_of(Migrations().begin(), Migrations().end(),
                       [&](const Migration& m) { return applied.contains(m.number); });
  };
  if (done(before)) return 0;

  TOCSIN_ASSIGN_OR_RETURN(const auto connection, OpenLocked(database_url));
  TOCSIN_ASSIGN_OR_RETURN(const auto applied, Applications(*connection));
  TOCSIN_RETURN_IF_ERROR(CheckApplied(applied));
  int steps = 0;
  for (const Migration& migration : Migrations()) {
    if (applied.contains(migration.number)) continue;
    TOCSIN_RETURN_IF_ERROR(CheckRunningPrograms(
        *connection, [&](int program) { return program >= migration.oldest_program; },
        fmt::format("with migration {:04}_{}", migration.number, migration.name)));
    TOCSIN_RETURN_IF_ERROR(Apply(*connection, migration, true, clock));
    ++steps;
  }
  return steps;
}

absl::StatusOr<int> MigrateDown(const Secret& database_url, int steps, const Clock& clock) {
  TOCSIN_ASSIGN_OR_RETURN(const auto connection, OpenLocked(database_url));
  TOCSIN_ASSIGN_OR_RETURN(const auto applied, Applications(*connection));
  TOCSIN_RETURN_IF_ERROR(CheckApplied(applied));
  if (!applied.empty() && FindMigration(applied.rbegin()->first) == nullptr) {
    return FailedPrecondition(
        "migration {:04}_{} comes first, and this program does not know the way back; take it "
        "back with the program that brought it",
        applied.rbegin()->first, applied.rbegin()->second.name);
  }
  int taken = 0;
  for (auto it = Migrations().rbegin(); it != Migrations().rend() && taken < steps; ++it) {
    if (!applied.contains(it->number)) continue;
    TOCSIN_RETURN_IF_ERROR(CheckRunningPrograms(
        *connection, [&](int program) { return program < it->number; },
        fmt::format("without migration {:04}_{}", it->number, it->name)));
    TOCSIN_RETURN_IF_ERROR(Apply(*connection, *it, false, clock));
    ++taken;
  }
  return taken;
}

absl::StatusOr<std::vector<MigrationState>> MigrationStatus(const Secret& database_url) {
  TOCSIN_ASSIGN_OR_RETURN(const auto applied, LookAtApplications(database_url));
  std::map<int, MigrationState> states;
  for (const Migration& migration : Migrations()) {
    states[migration.number] = {migration.number, migration.name, std::nullopt};
  }
  for (const auto& [number, entry] : applied) {
    states[number] = {number, entry.name, entry.at, FindMigration(number) != nullptr};
  }
  std::vector<MigrationState> list;
  for (auto& [number, state] : states) list.push_back(std::move(state));
  return list;
}

absl::Status CheckMigrated(const Secret& database_url) {
  TOCSIN_ASSIGN_OR_RETURN(const auto applied, LookAtApplications(database_url));
  TOCSIN_RETURN_IF_ERROR(CheckApplied(applied));
  const auto there = std::count_if(Migrations().begin(), Migrations().end(),
                                   [&](const auto& m) { return applied.contains(m.number); });
  if (static_cast<std::size_t>(there) < Migrations().size()) {
    return FailedPrecondition("the database has {} of {} migrations; run: tocsin migrate up", there,
                              Migrations().size());
  }
  return absl::OkStatus();
}

}  // namespace tocsin::db
