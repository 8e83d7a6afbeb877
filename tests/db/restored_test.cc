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
