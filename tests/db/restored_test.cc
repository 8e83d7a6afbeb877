// A database that was set back: what it handed out since is not handed out again.
#include <pqxx/pqxx>

#include "base/status_macros.h"
#include "db/pg_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/pg_store_kind.h"
#include "tests/support/postgres.h"

namespace tocsin::db {
namespace {

using namespace tocsin::testing;

class RestoredTest : public ::testing::Test {
 protected:
  RestoredTest()
      : database_(MigrateToNewest),
        store_(*PgStore::Open(
            {.database_url = Secret(database_.ConnectionString()), .pool_size = 1})) {}

  std::int64_t NextAttempt() {
    pqxx::connection connection(database_.ConnectionString());
    return pqxx::work(connection).exec1("SELECT nextval('attempt_id_seq')")[0].as<std::int64_t>();
  }

  TestDatabase database_;
  std::unique_ptr<PgStore> store_;
};

TEST_F(RestoredTest, NeitherAttemptsNorEpochsComeTwice) {
  const std::int64_t attempt = NextAttempt();
  const auto before = store_->AcquireLease("default", "node-1", absl::Minutes(1));
  ASSERT_TRUE(before.ok());
  ASSERT_TRUE(store_->ReleaseLease("default", "node-1", before->epoch).ok());

  ASSERT_TRUE(store_->StepOverWhatWasLost("default").ok());

  EXPECT_GT(NextAttempt(), attempt + 999'999'999);
  const auto after = store_->AcquireLease("default", "node-1", absl::Minutes(1));
  ASSERT_TRUE(after.ok());
  EXPECT_GE(after->epoch, before->epoch + 1'000'000);
}

// What was planned at the backup may have been sent after it: its id is a call's that
// nobody remembers.
TEST_F(RestoredTest, WhatWasPlannedIsSentUnderAnotherId) {
  pqxx::connection connection(database_.ConnectionString());
  pqxx::nontransaction sql(connection);
  const auto attempt = [&](int recipient, const std::string& rest, const std::string& values) {
    return sql
        .exec1(fmt::format(
            "INSERT INTO call_attempt (campaign_id, recipient_id, people, trunk_id, number, "
            "number_index, attempt_no, claim_epoch, planned_at, state{}) VALUES (7, {}, 2, 1, "
            "'+12065550100', 0, 1, 1, now(), {}) RETURNING attempt_id",
            rest, recipient, values))[0]
        .as<std::int64_t>();
  };
  const std::int64_t planned = attempt(1, ", sends, not_sent", "'PLANNED', 1, 1");
  const std::int64_t dialing =
      attempt(2, ", sends, caller, pacing_group, intent_epoch, intended_at",
              "'DIALING', 1, '+12085550100', 'default', 1, now()");
  for (const std::int64_t id : {planned, dialing}) {
    sql.exec(fmt::format("INSERT INTO call_group_member VALUES (7, {}, {}, 0)", id, 10 + id));
    sql.exec(fmt::format(
        "INSERT INTO call_event (campaign_id, attempt_id, event_key, kind, at, received_at, "
        "number, code, subcode) VALUES (7, {}, 'k', 'CREATE_THROTTLED', now(), now(), 1, 429, 0)",
        id));
  }

  ASSERT_TRUE(store_->StepOverWhatWasLost("default").ok());

  const auto ids = [&](const std::string& table) {
    std::vector<std::int64_t> found;
    for (const pqxx::row& row : sql.exec("SELECT attempt_id FROM " + table + " ORDER BY 1")) {
      found.push_back(row[0].as<std::int64_t>());
    }
    return found;
  };
  const std::vector<std::int64_t> attempts = ids("call_attempt");
  ASSERT_EQ(attempts.size(), 2U);
  EXPECT_EQ(attempts[0], dialing);
  EXPECT_GT(attempts[1], planned + 999'999'999);
  EXPECT_EQ(ids("call_group_member"), attempts);
  EXPECT_EQ(ids("call_event"), attempts);
}

TEST_F(RestoredTest, NothingIsSteppedOverUnderANodeThatRuns) {
  const std::int64_t attempt = NextAttempt();
  ASSERT_TRUE(store_->AcquireLease("default", "node-1", absl::Minutes(1)).ok());

  const absl::Status refused = store_->StepOverWhatWasLost("default");

  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_THAT(Message(refused), ::testing::HasSubstr("node-1"));
  EXPECT_LT(NextAttempt(), attempt + 1'000);
}

}  // namespace
}  // namespace tocsin::db
