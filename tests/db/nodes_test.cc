// Several nodes on one database: who is there, what time it is, and what a frozen
// one may not hold up.
#include <chrono>
#include <pqxx/pqxx>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/service_clock.h"
#include "db/pg_store.h"
#include "db/pool.h"
#include "db/transaction.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/pg_store_kind.h"
#include "tests/support/postgres.h"

namespace tocsin::db {
namespace {

using namespace tocsin::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class NodesTest : public ::testing::Test {
 protected:
  NodesTest()
      : database_(MigrateToNewest),
        store_(*PgStore::Open(
            {.database_url = Secret(database_.ConnectionString()), .pool_size = 1})) {}

  void Ask(const std::string& sql) {
    pqxx::connection connection(database_.ConnectionString());
    pqxx::nontransaction(connection).exec(sql);
  }

  static PgStore::NodeReport Report(const std::string& node) {
    PgStore::NodeReport report;
    report.node = node;
    report.roles = {"api", "receiver"};
    report.build = "1.2.3";
    report.program = 9;
    report.callback_lag = absl::Milliseconds(1500);
    report.clock_ahead = -absl::Milliseconds(250);
    return report;
  }

  TestDatabase database_;
  std::unique_ptr<PgStore> store_;
};

TEST_F(NodesTest, WhatANodeTellsOfItselfIsListed) {
  ASSERT_TRUE(store_->NoteNode(Report("node-1")).ok());
  PgStore::NodeReport deaf = Report("node-2");
  deaf.callback_lag.reset();
  ASSERT_TRUE(store_->NoteNode(deaf).ok());
  const auto lease = store_->AcquireLease("default", "node-2", absl::Minutes(1));
  ASSERT_TRUE(lease.ok());

  const auto nodes = store_->ListNodes();

  ASSERT_TRUE(nodes.ok()) << nodes.status();
  ASSERT_THAT(*nodes, SizeIs(2));
  const PgStore::KnownNode& first = nodes->at(0);
  EXPECT_EQ(first.report.node, "node-1");
  EXPECT_TRUE(first.up);
  EXPECT_THAT(first.report.roles, ElementsAre("api", "receiver"));
  EXPECT_THAT(first.lease, IsEmpty());
  EXPECT_EQ(first.report.build, "1.2.3");
  EXPECT_EQ(first.report.program, 9);
  EXPECT_EQ(first.report.callback_lag, absl::Milliseconds(1500));
  EXPECT_EQ(first.report.clock_ahead, -absl::Milliseconds(250));
  const PgStore::KnownNode& second = nodes->at(1);
  EXPECT_EQ(second.lease, "default");
  EXPECT_EQ(second.epoch, lease->epoch);
  EXPECT_EQ(second.report.callback_lag, std::nullopt);
}

TEST_F(NodesTest, ALeaseThatHasRunOutIsNobodys) {
  ASSERT_TRUE(store_->NoteNode(Report("node-1")).ok());
  ASSERT_TRUE(store_->AcquireLease("default", "node-1", absl::Minutes(1)).ok());
  Ask("UPDATE pacer_lease SET expires_at = clock_timestamp()");

  EXPECT_THAT(store_->ListNodes()->at(0).lease, IsEmpty());
}

TEST_F(NodesTest, WhoeverSaysNothingForFiveSecondsIsSilentAndForgottenAfterADay) {
  ASSERT_TRUE(store_->NoteNode(Report("killed")).ok());
  Ask("UPDATE node SET heard_at = heard_at - interval '6 s'");
  EXPECT_FALSE(store_->ListNodes()->at(0).up);

  Ask("UPDATE node SET heard_at = heard_at - interval '25 h'");
  ASSERT_TRUE(store_->NoteNode(Report("node-1")).ok());

  const auto nodes = store_->ListNodes();
  ASSERT_THAT(*nodes, SizeIs(1));
  EXPECT_EQ(nodes->at(0).report.node, "node-1");
}

// It was frozen for longer than that.
TEST_F(NodesTest, ANodeThatWasForgottenIsThereAgainWhenItSpeaks) {
  ASSERT_TRUE(store_->NoteNode(Report("node-1")).ok());
  Ask("UPDATE node SET heard_at = heard_at - interval '25 h'");

  ASSERT_TRUE(store_->NoteNode(Report("node-1")).ok());

  EXPECT_TRUE(store_->ListNodes()->at(0).up);
}

TEST_F(NodesTest, ANodeThatEndsTakesItsLeave) {
  ASSERT_TRUE(store_->NoteNode(Report("node-1")).ok());

  ASSERT_TRUE(store_->ForgetNode("node-1").ok());

  EXPECT_THAT(*store_->ListNodes(), IsEmpty());
}

// Whose calendars differ by days.
TEST_F(NodesTest, ClocksThatLearnFromTheDatabaseAgree) {
  const Clock& machine = SystemClock();
  ServiceClock one(machine);
  ServiceClock other(machine);
  for (ServiceClock* clock : {&one, &other}) {
    const SteadyTime asked = machine.Steady();
    const auto then = store_->NoteNode(Report("node-1"));
    ASSERT_TRUE(then.ok()) << then.status();
    clock->Learn(*then, asked, machine.Steady());
  }

  EXPECT_LT(absl::AbsDuration(one.Now() - other.Now()), absl::Seconds(1));
}

// Between two statements of a transaction, as a node that was stopped would. The
// server gives its locks to others in less time than the least a lease has left.
TEST_F(NodesTest, ANodeFrozenInATransactionHoldsNoLockForLong) {
  const Clock& clock = SystemClock();
  ASSERT_TRUE(store_->AcquireLease("default", "frozen", absl::Seconds(1)).ok());
  Pool pool({.url = Secret(database_.ConnectionString()), .size = 1}, clock);
  Ask("UPDATE pacer_lease SET expires_at = clock_timestamp()");
  SteadyTime frozen_at;
  absl::StatusOr<Lease> lease = absl::UnknownError("not asked");

  const absl::Status frozen = Transact(pool, [&](Session& session) -> absl::Status {
    EXPECT_FALSE(session.Run(query::kLockLease, "default", 1).empty());
    frozen_at = clock.Steady();
    lease = store_->AcquireLease("default", "successor", absl::Seconds(5));
    session.Run(query::kPing);
    return absl::OkStatus();
  });

  ASSERT_TRUE(lease.ok()) << lease.status();
  EXPECT_TRUE(lease->held);
  EXPECT_EQ(lease->epoch, 2);
  EXPECT_LT(clock.Steady() - frozen_at, std::chrono::seconds(4));
  EXPECT_TRUE(absl::IsUnavailable(frozen)) << frozen;
}

// It was succeeded while it was frozen, and does not know yet.
TEST_F(NodesTest, WhoeverWasSucceededDoesNotLockTheLease) {
  ASSERT_TRUE(store_->AcquireLease("default", "first", absl::Minutes(1)).ok());
  Ask("UPDATE pacer_lease SET expires_at = clock_timestamp()");
  ASSERT_EQ(store_->AcquireLease("default", "second", absl::Minutes(1))->epoch, 2);
  Pool pool({.url = Secret(database_.ConnectionString()), .size = 1}, SystemClock());

  const absl::Status late = Transact(pool, [&](Session& session) -> absl::Status {
    EXPECT_TRUE(session.Run(query::kLockLease, "default", 1).empty());
    // Would wait for the lock if there were one, and not be in time.
    return store_->AcquireLease("default", "second", absl::Minutes(1)).status();
  });

  EXPECT_TRUE(late.ok()) << late;
}

}  // namespace
}  // namespace tocsin::db
