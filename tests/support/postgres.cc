#include "tests/support/postgres.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <pqxx/pqxx>

#include "base/check.h"
#include "base/status_macros.h"

namespace tocsin::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTemplate = "tocsin_template";

// /tmp/tocsin-test-XXXXXX, locked as long as this process lives: a directory
// without a lock is what an aborted test left, and the next one removes it.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    RemoveAbandoned();
    std::string made = "/tmp/tocsin-test-XXXXXX";
    TOCSIN_CHECK(mkdtemp(made.data()) != nullptr);
    // As root the server runs as another user, who has to pass through.
    fs::permissions(made, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
    path_ = made;
    lock_ = Lock(path_);
    TOCSIN_CHECK(lock_ >= 0);
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    close(lock_);
  }
  const std::string& path() const { return path_; }

 private:
  static int Lock(const std::string& directory) {
    const int file = open((directory + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0) return file;
    if (file >= 0) close(file);
    return -1;
  }

  static void RemoveAbandoned() {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/tmp", ignored)) {
      const std::string path = entry.path().string();
      // A lock file that is missing belongs to a process between its two steps.
      if (!path.starts_with("/tmp/tocsin-test-") || !fs::exists(path + "/lock", ignored)) continue;
      const int lock = Lock(path);
      if (lock < 0) continue;
      fs::remove_all(path, ignored);
      close(lock);
    }
  }

  std::string path_;
  int lock_ = -1;
};

struct Server {
  ScratchDirectory scratch;
  std::unique_ptr<PgCluster> cluster;
};

Server& TheServer() {
  static Server* const server = [] {
    auto* made = new Server;
    PgCluster::Options options;
    options.directory = made->scratch.path() + "/pg";
    options.durability = PgCluster::Durability::kThrowAway;
    auto started = PgCluster::Start(options);
    if (!started.ok()) {
      std::fprintf(stderr, "%s\n", Message(started.status()).c_str());
      std::abort();
    }
    made->cluster = *std::move(started);
    // Before the statics of the test die, as this was made after most of them.
    std::atexit([] { delete &TheServer(); });
    return made;
  }();
  return *server;
}

// Statements about databases themselves cannot run inside a transaction.
void Execute(const std::string& sql) {
  pqxx::connection connection(TestCluster().ConnectionString("postgres"));
  pqxx::nontransaction(connection).exec(sql);
}

std::string NextName() {
  static int count = 0;
  return fmt::format("test_{}", ++count);
}

void MakeTemplateOnce(const MigrateFunction& migrate) {
  static bool made = false;
  if (made) return;
  Execute(fmt::format("CREATE DATABASE {}", kTemplate));
  const absl::Status migrated = migrate(TestCluster().ConnectionString(kTemplate));
  if (!migrated.ok()) {
    std::fprintf(stderr, "cannot migrate the template: %s\n", Message(migrated).c_str());
    std::abort();
  }
  made = true;
}

}  // namespace

PgCluster& TestCluster() {
  return *TheServer().cluster;
}

TestDatabase::TestDatabase(const MigrateFunction& migrate) : name_(NextName()) {
  MakeTemplateOnce(migrate);
  Execute(fmt::format("CREATE DATABASE {} TEMPLATE {}", name_, kTemplate));
}

TestDatabase::~TestDatabase() {
  Execute(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
}

std::string TestDatabase::ConnectionString() const {
  return TestCluster().ConnectionString(name_);
}

void TestDatabase::Disconnect() const {
  Execute(fmt::format("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
                      name_));
}

EmptyDatabase::EmptyDatabase() : name_(NextName()) {
  Execute(fmt::format("CREATE DATABASE {}", name_));
}

EmptyDatabase::~EmptyDatabase() {
  Execute(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
}

std::string EmptyDatabase::ConnectionString() const {
  return TestCluster().ConnectionString(name_);
}

}  // namespace tocsin::testing
