#include "app/pgcluster/pg_cluster.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <pqxx/pqxx>
#include <sstream>

#include "app/pgcluster/child_process.h"
#include "base/status_macros.h"
#include "tests/support/postgres.h"

namespace tocsin {
namespace {

using testing::TestCluster;

class PgClusterTest : public ::testing::Test {
 protected:
  PgClusterTest() {
    std::string made = "/tmp/tocsin-cluster-XXXXXX";
    EXPECT_NE(mkdtemp(made.data()), nullptr);
    directory_ = made;
    EXPECT_EQ(chmod(made.c_str(), 0711), 0);
    options_.directory = directory_ + "/postgres";
    options_.durability = PgCluster::Durability::kThrowAway;
  }
  ~PgClusterTest() override { std::filesystem::remove_all(directory_); }

  static int Ask(const PgCluster& cluster, const std::string& sql) {
    pqxx::connection connection(cluster.ConnectionString());
    pqxx::nontransaction session(connection);
    return session.exec1(sql)[0].as<int>();
  }

  std::string directory_;
  PgCluster::Options options_;
};

TEST_F(PgClusterTest, StartsWhereItStopped) {
  {
    auto cluster = PgCluster::Start(options_);
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    Ask(**cluster, "CREATE TABLE kept AS SELECT 7 AS x; SELECT x FROM kept");
  }

  auto again = PgCluster::Start(options_);
  ASSERT_TRUE(again.ok()) << again.status();

  EXPECT_EQ(Ask(**again, "SELECT x FROM kept"), 7);
}

TEST_F(PgClusterTest, RecoversFromAKilledServer) {
  auto cluster = PgCluster::Start(options_);
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  Ask(**cluster, "CREATE TABLE kept AS SELECT 7 AS x; SELECT x FROM kept");

  (*cluster)->Kill();
  ASSERT_TRUE((*cluster)->Restart().ok());

  EXPECT_EQ(Ask(**cluster, "SELECT x FROM kept"), 7);
}

TEST_F(PgClusterTest, TakesOverWhatAKilledOwnerLeft) {
  // The owner is a child that is killed while its server runs.
  int told[2];
  ASSERT_EQ(pipe(told), 0);
  const pid_t owner = fork();
  if (owner == 0) {
    auto cluster = PgCluster::Start(options_);
    const bool up = cluster.ok() && Ask(**cluster,
                                        "CREATE TABLE kept AS SELECT 7 AS x; "
                                        "SELECT x FROM kept") == 7;
    if (write(told[1], up ? "y" : "n", 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  char answer = 0;
  ASSERT_EQ(read(told[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  kill(owner, SIGKILL);
  waitpid(owner, nullptr, 0);

  auto cluster = PgCluster::Start(options_);

  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_EQ(Ask(**cluster, "SELECT x FROM kept"), 7);
  close(told[0]);
  close(told[1]);
}

TEST_F(PgClusterTest, BeginsAgainAfterAFirstStartThatWasCutOff) {
  std::filesystem::create_directories(options_.directory + "/cluster.new/base");

  auto cluster = PgCluster::Start(options_);

  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_EQ(Ask(**cluster, "SELECT 1"), 1);
}

TEST_F(PgClusterTest, WorksBelowADirectoryTooLongForASocket) {
  options_.directory = directory_ + "/" + std::string(120, 'x');

  auto cluster = PgCluster::Start(options_);

  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_EQ(Ask(**cluster, "SELECT 1"), 1);
}

TEST_F(PgClusterTest, SaysWhichFolderKeepsTheServerOut) {
  if (geteuid() != 0) GTEST_SKIP() << "an ordinary user's server runs as that user";
  ASSERT_EQ(chmod(directory_.c_str(), 0700), 0);

  auto cluster = PgCluster::Start(options_);

  ASSERT_EQ(cluster.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(Message(cluster.status()).find(directory_ + ";"), std::string::npos)
      << cluster.status();
}

TEST_F(PgClusterTest, KeepsValuesOutOfItsLog) {
  auto cluster = PgCluster::Start(options_);
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  Ask(**cluster, "CREATE TABLE person (phone text PRIMARY KEY); SELECT 1");
  const std::string insert = "INSERT INTO person VALUES ('+14155550123'); SELECT 1";
  Ask(**cluster, insert);

  EXPECT_ANY_THROW(Ask(**cluster, insert));
  EXPECT_ANY_THROW(Ask(**cluster, "SELECT '+14155550123'::timestamptz"));
  EXPECT_ANY_THROW(Ask(**cluster, "DO $$BEGIN RAISE WARNING '+14155550123'; END$$; broken"));

  (*cluster)->Stop();
  std::ifstream file((*cluster)->log_file());
  std::stringstream log;
  log << file.rdbuf();
  EXPECT_NE(log.str().find("ready to accept connections"), std::string::npos);
  EXPECT_EQ(log.str().find("4155550123"), std::string::npos) << log.str();
}

TEST(TestPostgres, GivesEachTestADatabaseOfItsOwn) {
  const auto migrate = [](const std::string& connection_string) {
    pqxx::connection connection(connection_string);
    pqxx::nontransaction(connection).exec("CREATE TABLE t (x int)");
    return absl::OkStatus();
  };
  const testing::TestDatabase first(migrate), second(migrate);

  pqxx::connection a(first.ConnectionString()), b(second.ConnectionString());
  pqxx::nontransaction(a).exec("INSERT INTO t VALUES (1)");

  EXPECT_EQ(pqxx::nontransaction(b).exec1("SELECT count(*) FROM t")[0].as<int>(), 0);
}

}  // namespace
}  // namespace tocsin
