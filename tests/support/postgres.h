#pragma once
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "app/pgcluster/pg_cluster.h"

namespace tocsin::testing {

// The throw-away server of this test process: started when first asked for
// (about 0.5 s), gone with the process, however the process ends.
// Main thread only. Aborts if it cannot be started.
PgCluster& TestCluster();

// Brings an empty database to the newest schema; db's migrator.
using MigrateFunction = std::function<absl::Status(const std::string& connection_string)>;

// A database of a test's own, empty but for the schema, dropped at the end. The
// first one of a process migrates a template; each one after it is a copy
// (about 30 ms).
//
//   TestDatabase database(MigrateToNewest);
//   Pool pool(database.ConnectionString());
//
// Declare it before whatever connects to it. Main thread only.
class TestDatabase {
 public:
  explicit TestDatabase(const MigrateFunction& migrate);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  std::string ConnectionString() const;
  const std::string& name() const { return name_; }

  // As if the network had failed: ends every session of this database.
  void Disconnect() const;

 private:
  std::string name_;
};

// An empty database, for tests of the migrator itself.
class EmptyDatabase {
 public:
  EmptyDatabase();
  ~EmptyDatabase();
  EmptyDatabase(const EmptyDatabase&) = delete;
  EmptyDatabase& operator=(const EmptyDatabase&) = delete;

  std::string ConnectionString() const;

 private:
  std::string name_;
};

}  // namespace tocsin::testing
