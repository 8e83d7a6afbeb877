#pragma once
#include <exception>
#include <pqxx/pqxx>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "db/connection.h"
#include "db/error.h"
#include "db/pool.h"

namespace tocsin::db {

// What a transaction's body works with: a connection inside BEGIN and COMMIT.
// Its methods throw libpqxx's exceptions, which end in Transact().
class Session {
 public:
  // `running` is told which statement runs: where an error came from.
  Session(Connection& connection, pqxx::transaction_base& transaction, std::string& running)
      : connection_(connection), transaction_(transaction), running_(running) {}

  // Runs a statement of db/queries. Parameters are std::string, const char*,
  // numbers, bool and nullptr; lists travel as ArrayLiteral's text.
  template <class... Args>
  pqxx::result Run(const query::Query& query, const Args&... args) {
    running_ = query.name;
    connection_.EnsurePrepared(query);
    return transaction_.exec_prepared(query.name, args...);
  }

  // Runs a migration, which may hold many statements. `name` says where an
  // error came from.
  void RunScript(const char* name, const char* sql) {
    running_ = name;
    transaction_.exec(sql);
  }

  // Which of a counter's rows this session adds to.
  int shard() const { return connection_.backend_id() % 8; }

 private:
  Connection& connection_;
  pqxx::transaction_base& transaction_;
  std::string& running_;
};

// How often a transaction that lost a race is repeated before kAborted.
inline constexpr int kTransactionTriesMax = 8;

// The status of a result that is one, or has one.
inline absl::Status StatusOf(const absl::Status& status) {
  return status;
}
template <class T>
absl::Status StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// Runs `body(session)` once in a transaction on `connection` and commits if it
// returned OK. Exceptions of the library stop here. `broken` tells whether the
// connection is of no more use.
template <class Transaction = pqxx::work, class Body>
auto TransactOn(Connection& connection, bool& broken, Body& body)
    -> std::invoke_result_t<Body&, Session&> {
  std::string running = "BEGIN";
  try {
    Transaction transaction(connection.raw());
    Session session(connection, transaction, running);
    auto result = body(session);
    if (StatusOf(result).ok()) {
      running = "COMMIT";
      transaction.commit();
    }
    return result;
  } catch (const std::exception&) {
    const absl::Status status = CurrentExceptionToStatus(running);
    broken = !connection.is_open() || status.code() == absl::StatusCode::kUnknown ||
             status.code() == absl::StatusCode::kUnavailable;
    return status;
  }
}

// Runs `body(session)` in a transaction of `pool` and commits if it returned
// OK. Repeats it by itself after a lost race, and once on a fresh session if an
// idle one turned out to be broken; so `body` may run several times and returns
// everything it finds out. kUnknown is never repeated.
template <class Transaction = pqxx::work, class Body>
auto Transact(Pool& pool, Body&& body) -> std::invoke_result_t<Body&, Session&> {
  for (int tries = 1;; ++tries) {
    auto loan = pool.Borrow();
    if (!loan.ok()) return loan.status();
    bool broken = false;
    auto result = TransactOn<Transaction>(**loan, broken, body);
    const absl::StatusCode code = StatusOf(result).code();
    const bool stale = broken && !loan->fresh() && code == absl::StatusCode::kUnavailable;
    if (broken) loan->Discard();
    const bool again = code == absl::StatusCode::kAborted || stale;
    if (!again || tries >= kTransactionTriesMax) return result;
  }
}

// The same for a body that only reads: without BEGIN and COMMIT, so each
// statement sees its own moment and no fate can be unknown.
template <class Body>
auto Read(Pool& pool, Body&& body) -> std::invoke_result_t<Body&, Session&> {
  return Transact<pqxx::nontransaction>(pool, std::forward<Body>(body));
}

}  // namespace tocsin::db
