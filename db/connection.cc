#include "db/connection.h"

#include <utility>

#include "base/status_macros.h"
#include "db/error.h"

namespace tocsin::db {
namespace {

constexpr const char* kSession =
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET client_min_messages = 'error';"
    "SET client_encoding = 'UTF8'; SET jit = off; SET bytea_output = 'hex';"
    "SET idle_in_transaction_session_timeout = '60s'; SET lock_timeout = '20s'";
constexpr const char* kHotSession =
    "SET plan_cache_mode = 'force_generic_plan'; SET statement_timeout = '120s';"
    "SET enable_seqscan = off; SET enable_bitmapscan = off;"
    "SET enable_hashjoin = off; SET enable_mergejoin = off";
constexpr const char* kReportsSession = "SET statement_timeout = '300s'";

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const Secret& url, SessionKind kind) {
  try {
    auto raw = std::make_unique<pqxx::connection>(url.Reveal());
    pqxx::nontransaction session(*raw);
    session.exec(kSession);
    session.exec(kind == SessionKind::kHot ? kHotSession : kReportsSession);
    session.commit();
    return std::unique_ptr<Connection>(new Connection(std::move(raw)));
  } catch (const std::exception&) {
    const absl::Status status = CurrentExceptionToStatus("connect");
    return Unavailable("{}", Message(status));
  }
}

void Connection::EnsurePrepared(const query::Query& query) {
  if (!prepared_.insert(query.name).second) return;
  raw_->prepare(query.name, query.sql);
}

}  // namespace tocsin::db
