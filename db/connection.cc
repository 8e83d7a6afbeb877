#include "db/connection.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "db/error.h"

namespace tocsin::db {
namespace {

constexpr const char* kSession =
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET client_min_messages = 'error';"
    "SET client_encoding = 'UTF8'; SET jit = off; SET bytea_output = 'hex';"
    "SET idle_in_transaction_session_timeout = '60s'; SET lock_timeout = '20s'";
// A node that freezes in the middle of a transaction holds its locks for no longer
// than the least that a lease has left whenever it does (two thirds of five
// seconds): its successor finds them free.
constexpr const char* kHotSession =
    "SET idle_in_transaction_session_timeout = '3s';"
    "SET plan_cache_mode = 'force_generic_plan'; SET statement_timeout = '120s';"
    "SET enable_seqscan = off; SET enable_bitmapscan = off;"
    "SET enable_hashjoin = off; SET enable_mergejoin = off";
constexpr const char* kReportsSession = "SET statement_timeout = '300s'";
constexpr const char* kLeaseSession = "SET statement_timeout = '4s'";
constexpr const char* kMigrationsSession = "SET statement_timeout = 0; SET lock_timeout = '2s'";

const char* SettingsOf(SessionKind kind) {
  switch (kind) {
    case SessionKind::kHot: return kHotSession;
    case SessionKind::kReports: return kReportsSession;
    case SessionKind::kLease: return kLeaseSession;
    case SessionKind::kMigrations: return kMigrationsSession;
  }
  return kReportsSession;
}

// Where the password stands in a libpq URL or key=value string, as [begin, end):
// rather too much than too little, since what is malformed ends anywhere.
std::pair<std::size_t, std::size_t> PasswordIn(std::string_view url) {
  constexpr std::string_view kKey = "password";
  const std::size_t key = url.find(kKey);
  if (key != std::string_view::npos) return {key + kKey.size(), url.size()};
  const std::size_t scheme = url.find("://");
  const std::size_t at = url.rfind('@');
  if (scheme == std::string_view::npos || at == std::string_view::npos) return {0, 0};
  const std::size_t colon = url.find(':', scheme + 3);
  return colon < at ? std::pair(colon + 1, at) : std::pair(std::size_t{0}, std::size_t{0});
}

bool QuotesPassword(std::string_view quoted, std::string_view url) {
  const auto [begin, end] = PasswordIn(url);
  for (std::size_t at = url.find(quoted); at < end; at = url.find(quoted, at + 1)) {
    if (at + quoted.size() > begin) return true;
  }
  return false;
}

// libpq quotes what it cannot make sense of, and in a password that nobody has
// percent-encoded that is the password.
std::string WithoutPassword(std::string_view message, std::string_view url) {
  std::string kept;
  bool hidden = false;
  while (!message.empty()) {
    const std::size_t open = message.find('"');
    const std::size_t close = open == std::string_view::npos ? open : message.find('"', open + 1);
    if (close == std::string_view::npos) break;
    const std::string_view quoted = message.substr(open + 1, close - open - 1);
    const bool hide = !quoted.empty() && QuotesPassword(quoted, url);
    hidden = hidden || hide;
    kept += message.substr(0, open + 1);
    kept += hide ? std::string_view("...") : quoted;
    kept += '"';
    message.remove_prefix(close + 1);
  }
  kept += message;
  if (hidden) {
    kept +=
        "; in a URL the characters : / ? # @ % and spaces of a password are written as %3A and so "
        "on, and in the form key=value a password with spaces stands in single quotes";
  }
  return kept;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const Secret& url, SessionKind kind) {
  try {
    auto raw = std::make_unique<pqxx::connection>(url.Reveal());
    pqxx::nontransaction session(*raw);
    session.exec(kSession);
    session.exec(SettingsOf(kind));
    session.commit();
    return std::unique_ptr<Connection>(new Connection(std::move(raw)));
  } catch (const std::exception&) {
    const absl::Status status = CurrentExceptionToStatus("connect");
    return Unavailable("{}", WithoutPassword(Message(status), url.Reveal()));
  }
}

void Connection::EnsurePrepared(const query::Query& query) {
  if (!prepared_.insert(query.name).second) return;
  raw_->prepare(query.name, query.sql);
}

}  // namespace tocsin::db
