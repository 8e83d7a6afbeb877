// Migrations, statements and plans.
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <pqxx/pqxx>
#include <regex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "core/attempt_step.h"
#include "core/campaign.h"
#include "core/end_cause.h"
#include "core/facts.h"
#include "core/fold.h"
#include "db/connection.h"
#include "db/migrations.h"
#include "db/migrator.h"
#include "db/queries.gen.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/pg_store_kind.h"
#include "tests/support/postgres.h"

namespace tocsin::db {
namespace {

using ::testing::Each;
using testing::EmptyDatabase;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MigrateToNewest;
using ::testing::Not;
using ::testing::SizeIs;
using testing::TestDatabase;

const int kSteps = static_cast<int>(Migrations().size());

pqxx::result Ask(const std::string& url, const std::string& sql) {
  pqxx::connection connection(url);
  pqxx::nontransaction session(connection);
  return session.exec(sql);
}

// The schema as pg_dump writes it, without what differs from run to run.
std::string DumpOf(const std::string& url) {
  const std::string command =
      "\"$(pg_config --bindir)/pg_dump\" --schema-only --dbname=\"" + url + "\"";
  FILE* pipe = popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::string dump;
  char line[4096];
  while (pipe != nullptr && fgets(line, sizeof(line), pipe) != nullptr) {
    const std::string_view text(line);
    if (!text.starts_with("--") && !text.starts_with("\\")) dump += text;
  }
  EXPECT_EQ(pclose(pipe), 0);
  return dump;
}

TEST(MigratorTest, TheSchemaGoesUpDownAndUpAgainUnchanged) {
  const EmptyDatabase database;
  const Secret url(database.ConnectionString());
  const auto up = MigrateUp(url);
  ASSERT_TRUE(up.ok()) << up.status();
  EXPECT_EQ(*up, kSteps);
  const std::string first = DumpOf(database.ConnectionString());
  EXPECT_THAT(first, HasSubstr("call_attempt_one_open"));

  const auto down = MigrateDown(url, kSteps);
  ASSERT_TRUE(down.ok()) << down.status();
  EXPECT_EQ(*down, kSteps);
  const std::string bare = DumpOf(database.ConnectionString());
  EXPECT_THAT(bare, HasSubstr("schema_migration"));
  EXPECT_THAT(bare, Not(HasSubstr("campaign")));
  EXPECT_THAT(bare, Not(HasSubstr("CREATE TYPE")));
  EXPECT_THAT(bare, Not(HasSubstr("SEQUENCE")));

  ASSERT_TRUE(MigrateUp(url).ok());
  EXPECT_EQ(DumpOf(database.ConnectionString()), first);
}

TEST(MigratorTest, EachStepGoesDownAndUpByItself) {
  const EmptyDatabase database;
  const Secret url(database.ConnectionString());
  ASSERT_TRUE(MigrateUp(url).ok());
  const std::string newest = DumpOf(database.ConnectionString());

  for (int steps = 1; steps <= kSteps; ++steps) {
    ASSERT_EQ(*MigrateDown(url, steps), steps);
    const auto up = MigrateUp(url);
    ASSERT_TRUE(up.ok()) << up.status();
    ASSERT_EQ(*up, steps);
    EXPECT_EQ(DumpOf(database.ConnectionString()), newest) << steps;
  }
}

TEST(MigratorTest, MigratingAgainDoesNothing) {
  const EmptyDatabase database;
  const Secret url(database.ConnectionString());
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckMigrated(url)));
  ASSERT_TRUE(MigrateUp(url).ok());

  EXPECT_EQ(*MigrateUp(url), 0);
  EXPECT_TRUE(CheckMigrated(url).ok());
  const auto status = MigrationStatus(url);
  ASSERT_TRUE(status.ok());
  EXPECT_THAT(*status, SizeIs(kSteps));
  for (const MigrationState& state : *status) EXPECT_TRUE(state.applied_at.has_value());
}

TEST(MigratorTest, AMigrationThatWasEditedAfterwardsIsNamed) {
  const EmptyDatabase database;
  const Secret url(database.ConnectionString());
  ASSERT_TRUE(MigrateUp(url).ok());
  Ask(database.ConnectionString(), "UPDATE schema_migration SET checksum = 'x' WHERE number = 2");

  const auto up = MigrateUp(url);

  EXPECT_TRUE(absl::IsFailedPrecondition(up.status()));
  EXPECT_THAT(up.status().ToString(), HasSubstr("0002_"));
}

TEST(MigratorTest, ADatabaseOfANewerProgramIsLeftAlone) {
  const EmptyDatabase database;
  const Secret url(database.ConnectionString());
  ASSERT_TRUE(MigrateUp(url).ok());
  Ask(database.ConnectionString(),
      "INSERT INTO schema_migration VALUES (9999, 'future', 'x', now())");

  const auto up = MigrateUp(url);

  EXPECT_TRUE(absl::IsFailedPrecondition(up.status()));
  EXPECT_THAT(up.status().ToString(), HasSubstr("9999_future"));
}

// During an upgrade: the schema first, then node by node.
TEST(MigratorTest, ANewerSchemaThatSaysSoIsLivedWith) {
  const EmptyDatabase database;
  const Secret url(database.ConnectionString());
  ASSERT_TRUE(MigrateUp(url).ok());
  Ask(database.ConnectionString(),
      fmt::format("INSERT INTO schema_migration VALUES ({}, 'next', 'x', now(), {})", kSteps + 1,
                  kSteps));

  EXPECT_TRUE(CheckMigrated(url).ok()) << CheckMigrated(url);
  EXPECT_EQ(*MigrateUp(url), 0);
  const auto down = MigrateDown(url, 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(down.status()));
  EXPECT_THAT(down.status().ToString(), HasSubstr("_next"));
  EXPECT_FALSE(MigrationStatus(url)->back().known);
}

TEST(MigratorTest, ANewerSchemaThatLeavesThisProgramBehindIsRefused) {
  const EmptyDatabase database;
  const Secret url(database.ConnectionString());
  ASSERT_TRUE(MigrateUp(url).ok());
  Ask(database.ConnectionString(),
      fmt::format("INSERT INTO schema_migration VALUES ({0}, 'next', 'x', now(), {0})",
                  kSteps + 1));

  const absl::Status checked = CheckMigrated(url);

  EXPECT_TRUE(absl::IsFailedPrecondition(checked));
  EXPECT_THAT(checked.ToString(), HasSubstr("install a program at least as new"));
}

std::string NodeThatKnows(int program) {
  return fmt::format(
      "INSERT INTO node VALUES ('node-1', '{{api}}', '1.2.3', {}, clock_timestamp(), "
      "clock_timestamp(), NULL, 0)",
      program);
}

TEST(MigratorTest, TheSchemaIsNotTakenAwayFromUnderANodeThatRuns) {
  const EmptyDatabase database;
  const Secret url(database.ConnectionString());
  ASSERT_TRUE(MigrateUp(url).ok());
  Ask(database.ConnectionString(), NodeThatKnows(kSteps));

  const auto refused = MigrateDown(url, 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
  EXPECT_THAT(refused.status().ToString(), HasSubstr("node-1"));

  Ask(database.ConnectionString(),
      "UPDATE node SET heard_at = clock_timestamp() - interval '1 min'");
  EXPECT_TRUE(MigrateDown(url, 1).ok());
}

TEST(MigratorTest, AStepWaitsForNodesThatCouldNotLiveWithIt) {
  const EmptyDatabase database;
  const Secret url(database.ConnectionString());
  ASSERT_TRUE(MigrateUp(url).ok());
  // As if the last step were still to come, and everybody older.
  const Migration& last = Migrations().back();
  Ask(database.ConnectionString(), NodeThatKnows(last.oldest_program - 1));
  Ask(database.ConnectionString(),
      fmt::format("DELETE FROM schema_migration WHERE number = {}", last.number));

  const auto refused = MigrateUp(url);

  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
  EXPECT_THAT(refused.status().ToString(), HasSubstr("node-1 (1.2.3)"));
  EXPECT_THAT(refused.status().ToString(), HasSubstr(last.name));
}

// Docs/decisions/0013: from 0010 on.
TEST(MigratorTest, EveryStepLetsTheProgramBeforeItRun) {
  for (const Migration& migration : Migrations()) {
    if (migration.number < 10) continue;
    EXPECT_LT(migration.oldest_program, migration.number) << migration.name;
  }
}

TEST(MigratorTest, TwoAtOnceTakeEachStepOnce) {
  const EmptyDatabase database;
  const Secret url(database.ConnectionString());
  absl::StatusOr<int> steps[2] = {absl::UnknownError("not run"), absl::UnknownError("not run")};

  std::thread other([&] { steps[1] = MigrateUp(url); });
  steps[0] = MigrateUp(url);
  other.join();

  ASSERT_TRUE(steps[0].ok()) << steps[0].status();
  ASSERT_TRUE(steps[1].ok()) << steps[1].status();
  EXPECT_EQ(*steps[0] + *steps[1], kSteps);
}

// What a node asks at its start: it may not even be allowed to do more.
TEST(MigratorTest, WhereNothingIsToBeDoneNothingIsWrittenAndNobodyWaitedFor) {
  const EmptyDatabase database;
  ASSERT_TRUE(MigrateUp(Secret(database.ConnectionString())).ok());
  pqxx::connection migrating(database.ConnectionString());
  pqxx::nontransaction(migrating).exec("SELECT pg_advisory_lock(x'746f6373696e'::bigint)");
  const Secret url(database.ConnectionString() + " options='-c default_transaction_read_only=on'");

  EXPECT_TRUE(CheckMigrated(url).ok()) << CheckMigrated(url);
  EXPECT_EQ(*MigrateUp(url), 0);
  EXPECT_THAT(*MigrationStatus(url), SizeIs(kSteps));
}

// A report reads for long; calls must not queue behind a step that waits for it.
TEST(MigratorTest, AStepWaitsForATableInShortTurns) {
  const EmptyDatabase database;
  const Secret url(database.ConnectionString());
  ASSERT_TRUE(MigrateUp(url).ok());
  constexpr int kBeforeNodes = 9;  // 0010 makes a view of the leases.
  ASSERT_TRUE(MigrateDown(url, kSteps - kBeforeNodes).ok());
  pqxx::connection reading(database.ConnectionString());
  auto report = std::make_unique<pqxx::work>(reading);
  report->exec("LOCK TABLE pacer_lease IN ACCESS EXCLUSIVE MODE");
  std::thread letting_go([&] {
    const Clock& clock = SystemClock();
    pqxx::connection watching(database.ConnectionString());
    // Until it waits, and until it has given up for the first time.
    for (int waits = 0; waits < 2;) {
      const bool waiting = !pqxx::nontransaction(watching)
                                .exec(
                                    "SELECT FROM pg_stat_activity WHERE datname = "
                                    "current_database() AND wait_event_type = 'Lock'")
                                .empty();
      if (waiting == (waits == 0)) ++waits;
      clock.SleepUntil(clock.Steady() + std::chrono::milliseconds(5), {});
    }
    report.reset();
  });

  const auto up = MigrateUp(url);
  letting_go.join();

  EXPECT_TRUE(up.ok()) << up.status();
}

TEST(MigratorTest, ADatabaseThatIsNotThereIsUnavailable) {
  const auto up = MigrateUp(Secret("host=/nonexistent dbname=nowhere password=hunter2"));

  EXPECT_TRUE(absl::IsUnavailable(up.status())) << up.status();
  EXPECT_THAT(up.status().ToString(), Not(HasSubstr("hunter2")));
}

TEST(QueryTest, EveryStatementCanBePrepared) {
  const TestDatabase database(MigrateToNewest);
  pqxx::connection connection(database.ConnectionString());
  EXPECT_THAT(query::kAll, Not(IsEmpty()));
  for (const query::Query& query : query::kAll) {
    try {
      connection.prepare(query.name, query.sql);
      connection.prepare_now(query.name);
    } catch (const std::exception& error) {
      ADD_FAILURE() << query.name << ": " << error.what();
    }
  }
}

template <class E>
std::vector<std::string> NamesOf(int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.emplace_back(Name(static_cast<E>(i)));
  return names;
}

TEST(SchemaTest, TheDatabaseSpellsEveryEnumAsTheRulesDo) {
  const TestDatabase database(MigrateToNewest);
  std::map<std::string, std::vector<std::string>> labels;
  for (const pqxx::row& row :
       Ask(database.ConnectionString(),
           "SELECT t.typname, e.enumlabel FROM pg_enum AS e JOIN pg_type AS t ON t.oid = "
           "e.enumtypid ORDER BY e.enumtypid, e.enumsortorder")) {
    labels[row[0].c_str()].emplace_back(row[1].c_str());
  }

  EXPECT_EQ(labels["campaign_state"], NamesOf<CampaignState>(6));
  EXPECT_EQ(labels["cancel_mode"], NamesOf<CancelMode>(2));
  EXPECT_EQ(labels["ack_scope"], NamesOf<AckScope>(2));
  EXPECT_EQ(labels["attempt_state"], NamesOf<AttemptState>(4));
  EXPECT_EQ(labels["disposition"], NamesOf<Disposition>(12));
  EXPECT_EQ(labels["disposition_source"], NamesOf<DispositionSource>(2));
  EXPECT_EQ(labels["delivery"], NamesOf<Delivery>(4));
  EXPECT_EQ(labels["answered_by"], NamesOf<AnsweredBy>(4));
  EXPECT_EQ(labels["outcome"], NamesOf<Outcome>(11));
  EXPECT_EQ(labels["fact_kind"], NamesOf<FactKind>(22));
  EXPECT_EQ(labels["end_cause"], NamesOf<EndCause>(16));
  EXPECT_EQ(labels["action_kind"], NamesOf<ActionKind>(5));
}

TEST(SchemaTest, EveryTableAndEveryPublicColumnIsExplained) {
  const TestDatabase database(MigrateToNewest);

  const pqxx::result tables =
      Ask(database.ConnectionString(),
          "SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
          "WHERE n.nspname IN ('public', 'reporting') AND c.relkind IN ('r', 'p', 'v') "
          "AND NOT c.relispartition AND c.relname <> 'schema_migration' "
          "AND obj_description(c.oid) IS NULL");
  const pqxx::result columns = Ask(
      database.ConnectionString(),
      "SELECT c.relname || '.' || a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = "
      "a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'reporting' "
      "AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL");

  for (const pqxx::row& row : tables) ADD_FAILURE() << row[0].c_str();
  for (const pqxx::row& row : columns) ADD_FAILURE() << row[0].c_str();
}

// A database with enough rows that a wrong plan is a slow one.
class PlanTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    database_ = new TestDatabase(MigrateToNewest);
    pqxx::connection connection(database_->ConnectionString());
    pqxx::nontransaction session(connection);
    session.exec(R"(
      INSERT INTO trunk (name, endpoint, dialect, calls_per_second, concurrent_max,
          concurrent_max_per_caller, time_scale, live_dialing, allowed_regions,
          spend_ceiling_calls, updated_at)
      VALUES ('local', 'http://127.0.0.1', '2021-05', 1, 1, 1, 1, false, '{}', 0, now());
      INSERT INTO recipient (campaign_id, recipient_id, person_key, name, numbers, time_zone,
          language, priority, import_id, line, marks)
      SELECT c, i, 'key' || i, 'n', array['+1202555' || lpad(i::text, 7, '0')], '', '', 0, 1, i, '.'
      FROM generate_series(1, 4) AS c, generate_series(1, 25000) AS i;
      INSERT INTO due_queue
      SELECT campaign_id, recipient_id, 0, '2026-01-01', numbers[1], 0 FROM recipient;
      INSERT INTO call_attempt (campaign_id, attempt_id, recipient_id, people, trunk_id, number,
          number_index, attempt_no, state, claim_epoch, planned_at, ended_at, disposition,
          disposition_source)
      SELECT campaign_id, recipient_id, recipient_id, 1, 1, numbers[1], 0, 1, 'ENDED', 1,
          '2026-01-01', '2026-01-01', 'ANSWERED', 'OBSERVED' FROM recipient;
      INSERT INTO call_event
      SELECT campaign_id, attempt_id, 'key' || k, 'RINGING', '2026-01-01', '2026-01-01', 0, 0, 0
      FROM call_attempt, generate_series(1, 3) AS k;
      INSERT INTO call_action
      SELECT campaign_id, attempt_id, 1, 'PLAY', '2026-01-01' FROM call_attempt;
      INSERT INTO call_group_member
      SELECT campaign_id, attempt_id, recipient_id + 1000000, 0, ended_at FROM call_attempt;
      INSERT INTO acknowledgement
      SELECT campaign_id, recipient_id, attempt_id, number, '1', planned_at, 0, 'uri', planned_at
      FROM call_attempt;
      INSERT INTO number_lock
      SELECT numbers[1], campaign_id, recipient_id, 1, '+12025550000', '2026-01-01'
      FROM recipient WHERE campaign_id = 1 AND recipient_id <= 2000;
      INSERT INTO suppression
      SELECT 1, numbers[1], 'outage', 'list', NULL, NULL, '2026-01-01'
      FROM recipient WHERE campaign_id = 1;
    )");
    session.exec("ANALYZE");
  }
  static void TearDownTestSuite() {
    delete database_;
    database_ = nullptr;
  }

  // The plan that serves all parameters, made with the planner's full choice:
  // the store's sessions choose among less.
  static std::string GenericPlan(const query::Query& query, const std::string& parameters) {
    pqxx::connection connection(database_->ConnectionString());
    pqxx::work work(connection);
    work.exec("SET plan_cache_mode = force_generic_plan");
    work.exec(std::string("PREPARE p AS ") + query.sql);
    std::string plan;
    for (const pqxx::row& row : work.exec("EXPLAIN EXECUTE p(" + parameters + ")")) {
      plan += std::string(row[0].c_str()) + "\n";
    }
    return plan;
  }

  static TestDatabase* database_;
};

TestDatabase* PlanTest::database_ = nullptr;

// Large tables are reached by index only. (Scans of CTEs and functions are the
// batch itself.)
void ExpectIndexesOnly(const std::string& name, const std::string& plan) {
  for (const char* table : {"recipient", "due_queue", "call_attempt", "call_event", "call_action",
                            "call_group_member", "acknowledgement", "suppression"}) {
    EXPECT_THAT(plan, Not(HasSubstr(std::string("Seq Scan on ") + table))) << name << "\n" << plan;
  }
}

TEST_F(PlanTest, TheClaimTakesItsLimitFromTheIndex) {
  const std::string plan = GenericPlan(query::kClaimDueRecipients, "1, '2026-11-21', 100, true, 1");

  ExpectIndexesOnly("ClaimDueRecipients", plan);
  EXPECT_THAT(plan, HasSubstr("due_queue_default_campaign_id_priority_due_at_recipient_id_idx"));
  EXPECT_THAT(plan, HasSubstr("due_queue_default_campaign_id_number_idx"));
}

// The statements of a call's life with parameters to plan them by.
std::map<const query::Query*, std::string> HotStatements() {
  const std::string ids = "'{1,1,1}', '{1,2,3}'";
  const auto arrays = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += ", '{}'";
    return text;
  };
  return {
      {&query::kClaimDueRecipients, "1, '2026-11-21', 100, true, 1"},
      {&query::kReclaimPlanned, "1, 2, 100"},
      {&query::kReadPlanned, "1, '{1,2,3}'"},
      {&query::kLockPlanned, ids},
      {&query::kDropUnsent, ids},
      {&query::kRetireGivenBack, ids + ", '2026-11-21', 'why'"},
      {&query::kReadIntended, ids},
      {&query::kFindSuppressed, "'{1}', '{outage}', '{+12025550001}'"},
      {&query::kFindLockedNumbers, "'{+12025550001}'"},
      {&query::kIntend, ids + ", '{a,b,c}', 'g', 1, '2026-11-21', 1, 7"},
      {&query::kLockAttempts, ids},
      {&query::kReadFacts, ids},
      {&query::kDisownLogs, ids},
      {&query::kWriteAttempts, ids + arrays(26)},
      {&query::kLockPeople, ids},
      {&query::kWritePeople, ids + arrays(11)},
      {&query::kWriteAcknowledgements, ids + arrays(6) + ", '2026-11-21'"},
      {&query::kDeleteAcknowledgements, ids + ", '{}'"},
      {&query::kDequeue, ids},
      {&query::kOpenPeople, ids},
      {&query::kReadGroupMembers, ids},
      {&query::kEndGroups, ids + ", '{}'"},
      {&query::kDeleteGroups, ids},
      {&query::kUnlockNumbers, ids},
      {&query::kListLiveAttempts, "1, 2, 100"},
      {&query::kListIntentsLeft, "'g', 2, 0, 0, 100"},
      {&query::kClaimPendingActions, "'2026-11-21', 100, '2026-11-21'"},
      {&query::kTakeWaiting, "1, 100"},
      {&query::kListPlanned, "1, 100"},
      {&query::kReadProgress, "1"},
      {&query::kHasOpenWork, "1"},
  };
}

TEST_F(PlanTest, TheStatementsOfACallsLifeGoByIndex) {
  for (const auto& [query, parameters] : HotStatements()) {
    ExpectIndexesOnly(query->name, GenericPlan(*query, parameters));
  }
}

// Plans are made once, often while the tables are still empty, when every index
// costs the same. They must be those that are right for a million rows.
TEST(HotSessionTest, PlansMadeOnEmptyTablesAreTheRightOnes) {
  const TestDatabase database(MigrateToNewest);
  auto session = Connection::Open(Secret(database.ConnectionString()), SessionKind::kHot);
  ASSERT_TRUE(session.ok()) << session.status();
  for (const auto& [query, parameters] : HotStatements()) {
    pqxx::work work((*session)->raw());
    work.exec(std::string("PREPARE p AS ") + query->sql);
    std::string plan;
    for (const pqxx::row& row : work.exec("EXPLAIN EXECUTE p(" + parameters + ")")) {
      plan += std::string(row[0].c_str()) + "\n";
    }
    work.exec("DEALLOCATE p");
    ExpectIndexesOnly(query->name, plan);
    // A key that is only filtered by was not looked up.
    static const std::regex kFiltered("\n +Filter: [^\n]*(recipient_id|attempt_id|number|e164) = ");
    // Its own key found, that statement asks whose attempt it was.
    if (query == &query::kDeleteAcknowledgements) continue;
    EXPECT_FALSE(std::regex_search(plan, kFiltered)) << query->name << "\n" << plan;
  }
}

TEST_F(PlanTest, TheLogHasNoIndexButItsKey) {
  const pqxx::result indexes =
      Ask(database_->ConnectionString(),
          "SELECT count(*) FROM pg_indexes WHERE tablename = 'call_event_default'");

  EXPECT_EQ(indexes.front()[0].as<int>(), 1);
}

// Design, part 6: hot tables are always reached through the campaign.
TEST(QueryTest, HotTablesAreKeyedByCampaign) {
  const TestDatabase database(MigrateToNewest);

  const pqxx::result keys = Ask(
      database.ConnectionString(),
      "SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class AS c ON "
      "c.oid = i.indrelid WHERE c.relkind = 'p' AND i.indisunique");

  EXPECT_THAT(keys, SizeIs(::testing::Ge(9u)));
  for (const pqxx::row& row : keys) {
    EXPECT_THAT(row[1].c_str(), HasSubstr("(campaign_id, ")) << row[0].c_str();
  }
}

}  // namespace
}  // namespace tocsin::db
