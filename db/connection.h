#pragma once
#include <memory>
#include <pqxx/pqxx>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "base/secret.h"
#include "db/queries.gen.h"

namespace tocsin::db {

// What a session is for, and so what the planner may think of.
enum class SessionKind {
  // The statements of a call's life, each of which has one sensible plan: by
  // index. Statistics of a table that was empty a second ago must not decide
  // otherwise, so scans and hash joins are off and plans are made once.
  kHot,
  // Reports and audits over whole campaigns: the planner's free choice.
  kReports,
  // The lease and signs of life: one small statement at a time, soon or not at all.
  kLease,
  // Steps of the schema, however long they take; locks are not waited for long,
  // because everybody else queues behind whoever waits for one.
  kMigrations,
};

// One session of one thread. Times are in UTC, DETAIL never comes along.
class Connection {
 public:
  // kUnavailable if the server cannot be reached or refuses us.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const Secret& url, SessionKind kind);

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  pqxx::connection& raw() { return *raw_; }
  bool is_open() const { return raw_->is_open(); }

  // Tells sessions of one server apart: the shard of the counters they write.
  int backend_id() const { return raw_->backendpid(); }

  // Prepares `query` if this session has not yet.
  void EnsurePrepared(const query::Query& query);

 private:
  explicit Connection(std::unique_ptr<pqxx::connection> raw) : raw_(std::move(raw)) {}

  std::unique_ptr<pqxx::connection> raw_;
  std::set<const char*> prepared_;  // By the address of their names, which are constants.
};

}  // namespace tocsin::db
