#include "db/error.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <pqxx/pqxx>
#include <string>
#include <string_view>

#include "base/status_macros.h"

namespace tocsin::db {
namespace {

std::string FirstLine(const char* text) {
  const std::string_view view(text);
  return std::string(view.substr(0, view.find('\n')));
}

// The classes of errors whose first line speaks of the schema and the session
// only. Data exceptions (22) and our own RAISEs quote values.
bool IsAboutSchema(const std::string& sqlstate) {
  const std::string group = sqlstate.substr(0, 2);
  return group == "08" || group == "23" || group == "25" || group == "26" || group == "40" ||
         group == "42" || group == "53" || group == "54" || group == "55" || group == "57" ||
         group == "58";
}

// Of the data exceptions those that a value from outside can cause; the rest
// (a division by zero, two rows where one was meant) is a mistake of a statement.
bool IsAboutValue(const std::string& sqlstate) {
  constexpr std::string_view kStates[] = {
      "22001",                    // Too long.
      "22003",                    // Out of range.
      "22007", "22008",           // No date, or none that there is.
      "22021", "22P05", "22026",  // Bytes that are no text.
      "22P02", "22P03",           // Not of the type's form.
  };
  return std::find(std::begin(kStates), std::end(kStates), sqlstate) != std::end(kStates);
}

absl::StatusCode CodeOf(const std::string& sqlstate) {
  const std::string group = sqlstate.substr(0, 2);
  if (IsAboutValue(sqlstate)) return absl::StatusCode::kInvalidArgument;
  if (sqlstate == "23505") return absl::StatusCode::kAlreadyExists;
  if (group == "23") return absl::StatusCode::kFailedPrecondition;
  if (group == "40") return absl::StatusCode::kAborted;
  // Our own timeouts, of a statement and of a lock.
  if (sqlstate == "57014" || sqlstate == "55P03") return absl::StatusCode::kDeadlineExceeded;
  // The server ended a session that sat in a transaction for too long.
  if (sqlstate == "25P03") return absl::StatusCode::kUnavailable;
  if (group == "08" || group == "53" || group == "57") return absl::StatusCode::kUnavailable;
  return absl::StatusCode::kInternal;
}

absl::Status StatusOfSqlError(std::string_view where, const pqxx::sql_error& error) {
  const std::string& sqlstate = error.sqlstate();
  const std::string said = IsAboutSchema(sqlstate) ? FirstLine(error.what()) : "";
  return MakeStatus(CodeOf(sqlstate), "{}: SQLSTATE {}{}{}", where,
                    sqlstate.empty() ? "?" : sqlstate, said.empty() ? "" : ": ", said);
}

}  // namespace

absl::Status CurrentExceptionToStatus(std::string_view where) {
  try {
    throw;
  } catch (const pqxx::in_doubt_error&) {
    return MakeStatus(absl::StatusCode::kUnknown,
                      "{}: the connection broke during COMMIT; its fate is not known", where);
  } catch (const pqxx::statement_completion_unknown&) {
    // In libpqxx 6 this derives from transaction_rollback, yet promises less.
    return MakeStatus(absl::StatusCode::kUnknown, "{}: the server cannot tell whether it is done",
                      where);
  } catch (const pqxx::transaction_rollback&) {
    // Serialization failures and deadlocks; no sql_error in libpqxx 6.
    return MakeStatus(absl::StatusCode::kAborted, "{}: lost a race with another transaction",
                      where);
  } catch (const pqxx::broken_connection& error) {
    return Unavailable("{}: {}", where, FirstLine(error.what()));
  } catch (const pqxx::sql_error& error) {
    return StatusOfSqlError(where, error);
  } catch (const std::exception&) {
    // A conversion error quotes the value that it could not convert.
    return MakeStatus(absl::StatusCode::kInternal, "{}: unexpected answer of the database", where);
  }
}

}  // namespace tocsin::db
