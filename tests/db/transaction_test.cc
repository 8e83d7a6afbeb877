// Where exceptions stop, and sessions that break.
#include "db/transaction.h"

#include <atomic>
#include <chrono>
#include <latch>
#include <pqxx/pqxx>
#include <thread>

#include "base/clock.h"
#include "base/status_macros.h"
#include "db/change_feed.h"
#include "db/pool.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/pg_store_kind.h"
#include "tests/support/postgres.h"

namespace tocsin::db {
namespace {

using ::testing::HasSubstr;
using testing::MigrateToNewest;
using ::testing::Not;
using testing::TestCluster;
using testing::TestDatabase;

Pool::Options OptionsOf(const TestDatabase& database, int size = 4) {
  Pool::Options options;
  options.url = Secret(database.ConnectionString());
  options.size = size;
  return options;
}

absl::Status Execute(Pool& pool, const std::string& sql) {
  return Transact(pool, [&](Session& session) -> absl::Status {
    session.RunScript("test", sql.c_str());
    return absl::OkStatus();
  });
}

class TransactionTest : public ::testing::Test {
 protected:
  TransactionTest() : database_(MigrateToNewest), pool_(OptionsOf(database_), SystemClock()) {}

  TestDatabase database_;
  Pool pool_;
};

TEST_F(TransactionTest, ErrorsSayWhatToDoAndNeverQuoteARow) {
  ASSERT_TRUE(Execute(pool_,
                      "CREATE TABLE t (n text PRIMARY KEY, m int NOT NULL CHECK (m < 9));"
                      "INSERT INTO t VALUES ('+12025550123', 1)")
                  .ok());
  const struct {
    const char* sql;
    absl::StatusCode code;
  } kCases[] = {
      {"INSERT INTO t VALUES ('+12025550123', 1)", absl::StatusCode::kAlreadyExists},
      {"INSERT INTO t VALUES ('+12025550124', 12)", absl::StatusCode::kFailedPrecondition},
      {"INSERT INTO t VALUES ('+12025550124', NULL)", absl::StatusCode::kFailedPrecondition},
      {"SELECT '+12025550123'::int8range", absl::StatusCode::kInvalidArgument},
      {"SELECT 'secret +12025550123'::timestamptz", absl::StatusCode::kInvalidArgument},
      {"SELECT E'+12025550123\\x80'::text", absl::StatusCode::kInvalidArgument},
      {"SELECT 1 / 0", absl::StatusCode::kInternal},
      {"DO $$ BEGIN RAISE EXCEPTION 'who is +12025550123'; END $$", absl::StatusCode::kInternal},
      {"DO $$ BEGIN RAISE EXCEPTION 'x +12025550123' USING ERRCODE = '40001'; END $$",
       absl::StatusCode::kAborted},
      {"SELECT no_such_column FROM t", absl::StatusCode::kInternal},
      {"SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)", absl::StatusCode::kDeadlineExceeded},
  };
  for (const auto& [sql, code] : kCases) {
    const absl::Status status = Execute(pool_, sql);
    EXPECT_EQ(status.code(), code) << sql << ": " << status;
    EXPECT_THAT(status.ToString(), Not(HasSubstr("2025550"))) << sql;
    EXPECT_THAT(status.ToString(), HasSubstr("test")) << sql;
  }
}

TEST_F(TransactionTest, ABodyThatFailsLeavesNothing) {
  ASSERT_TRUE(Execute(pool_, "CREATE TABLE t (n int)").ok());

  const absl::Status status = Transact(pool_, [](Session& session) -> absl::Status {
    session.RunScript("test", "INSERT INTO t VALUES (1)");
    return FailedPrecondition("not today");
  });

  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  pqxx::connection connection(database_.ConnectionString());
  pqxx::work work(connection);
  EXPECT_TRUE(work.exec("SELECT n FROM t").empty());
}

TEST_F(TransactionTest, ALostRaceIsRepeated) {
  int runs = 0;
  const absl::Status status = Transact(pool_, [&](Session& session) -> absl::Status {
    if (++runs < 3) {
      session.RunScript("test", "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$");
    }
    return absl::OkStatus();
  });

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(runs, 3);
}

TEST_F(TransactionTest, ALostRaceIsNotRepeatedForEver) {
  int runs = 0;
  const absl::Status status = Transact(pool_, [&](Session&) -> absl::Status {
    ++runs;
    return absl::AbortedError("again");
  });

  EXPECT_TRUE(absl::IsAborted(status));
  EXPECT_EQ(runs, kTransactionTriesMax);
}

TEST_F(TransactionTest, ACommitWhoseConnectionBreaksIsOfUnknownFateAndNotRepeated) {
  int runs = 0;
  const absl::Status status = Transact(pool_, [&](Session& session) -> absl::Status {
    ++runs;
    session.RunScript("test", "SELECT 1");
    database_.Disconnect();
    return absl::OkStatus();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kUnknown) << status;
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(Execute(pool_, "SELECT 1").ok());
}

TEST_F(TransactionTest, ASessionThatBrokeWhileItLayIdleIsReplacedUnnoticed) {
  ASSERT_TRUE(Execute(pool_, "SELECT 1").ok());
  database_.Disconnect();

  EXPECT_TRUE(Execute(pool_, "SELECT 1").ok());
}

TEST_F(TransactionTest, ASessionThatBreaksInTheMiddleIsNotRepeatedIfItWasFresh) {
  const absl::Status status = Transact(pool_, [&](Session& session) -> absl::Status {
    database_.Disconnect();
    session.RunScript("test", "SELECT 1");
    return absl::OkStatus();
  });

  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST_F(TransactionTest, ThePoolSurvivesARestartOfTheServer) {
  ASSERT_TRUE(Execute(pool_, "CREATE TABLE t (n int)").ok());
  TestCluster().Stop();
  const absl::Status away = Execute(pool_, "INSERT INTO t VALUES (1)");
  EXPECT_TRUE(absl::IsUnavailable(away)) << away;
  ASSERT_TRUE(TestCluster().Restart().ok());

  // Nobody tries again at once; a moment later all is as before.
  absl::Status back;
  const Clock& clock = SystemClock();
  const SteadyTime give_up = clock.Steady() + std::chrono::seconds(10);
  do {
    back = Execute(pool_, "INSERT INTO t VALUES (1)");
    if (!back.ok()) clock.SleepUntil(clock.Steady() + std::chrono::milliseconds(5), {});
  } while (!back.ok() && clock.Steady() < give_up);

  EXPECT_TRUE(back.ok()) << back;
}

TEST_F(TransactionTest, NobodyWaitsForASessionForEver) {
  Pool::Options options = OptionsOf(database_, 1);
  options.wait_max = absl::Milliseconds(20);
  Pool pool(options, SystemClock());
  const auto only = pool.Borrow();
  ASSERT_TRUE(only.ok());

  const auto second = pool.Borrow();

  EXPECT_TRUE(absl::IsUnavailable(second.status())) << second.status();
  EXPECT_THAT(second.status().ToString(), HasSubstr("busy"));
}

TEST_F(TransactionTest, WhoeverWaitsGetsTheSessionThatIsReturned) {
  Pool pool(OptionsOf(database_, 1), SystemClock());
  std::thread other;
  {
    auto only = pool.Borrow();
    ASSERT_TRUE(only.ok());
    other = std::thread([&] { EXPECT_TRUE(pool.Borrow().ok()); });
  }
  other.join();
}

class Heard final : public ChangeListener {
 public:
  void OnChange(std::string_view channel) override {
    std::lock_guard lock(mutex_);
    channels_.insert(std::string(channel));
    ++count_;
    changed_.notify_all();
  }

  bool WaitFor(const std::string& channel) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10),
                             [&] { return channels_.contains(channel); });
  }

  void Forget() {
    std::lock_guard lock(mutex_);
    channels_.clear();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> channels_;
  int count_ = 0;
};

TEST_F(TransactionTest, TheFeedTellsWhatWasCommittedAndComesBack) {
  Heard heard;
  ChangeFeed feed(Secret(database_.ConnectionString()), heard);
  // At its start nobody knows what was missed.
  ASSERT_TRUE(heard.WaitFor("campaigns"));
  ASSERT_TRUE(heard.WaitFor("due"));
  ASSERT_TRUE(heard.WaitFor("slots"));
  heard.Forget();

  const absl::Status notified = Transact(pool_, [](Session& session) -> absl::Status {
    session.Run(query::kNotify, "due");
    return absl::OkStatus();
  });
  ASSERT_TRUE(notified.ok()) << notified;
  EXPECT_TRUE(heard.WaitFor("due"));
  heard.Forget();

  database_.Disconnect();
  EXPECT_TRUE(heard.WaitFor("slots"));
}

TEST(ChangeFeedTest, AFeedWithoutADatabaseStopsAtOnce) {
  Heard heard;
  const ChangeFeed feed(Secret("host=/nonexistent dbname=nowhere"), heard);
}

}  // namespace
}  // namespace tocsin::db
