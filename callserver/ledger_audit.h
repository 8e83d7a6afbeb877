#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "callserver/ledger_line.h"
#include "core/ids.h"

// The judge: what a ledger says about those who rang, without asking them.
namespace tocsin::callserver {

// One call as the ledger tells it.
struct LedgerCall {
  std::string call_leg_id;
  std::string number;
  std::string caller_number;
  std::optional<AttemptKey> attempt;
  absl::Time arrived_at;                         // Of the request.
  absl::Time ended_at = absl::InfiniteFuture();  // Infinite: open where the ledger ends.
  // The application left, and those in the call talked on without it.
  absl::Time left_at = absl::InfiniteFuture();
  // Who was there and how it went: "human", "machine", "fax", "announcement",
  // "no_answer", "busy", "dead", "unreachable", "declined", "congestion", "in_call",
  // "caller_limit"; "server_ended" if a kill ended it; empty while it is open.
  std::string outcome;
  bool answered = false;
  std::string keys;  // Those pressed, in order.
  // The same with the moment of each, to judge which came too early to count.
  std::vector<KeyPressed> presses;
};

struct LedgerReading {
  std::vector<LedgerCall> calls;               // As placed.
  std::vector<absl::Time> create_arrivals;     // Of every create-call request, refused ones too.
  std::map<int, std::int64_t> create_answers;  // By HTTP status; 0: not answered.
  std::int64_t server_starts = 0;
  std::int64_t callbacks_answered = 0;  // With 2xx.
  std::int64_t callbacks_dropped = 0;
  std::int64_t torn_lines = 0;  // Cut short by a kill; ignored.
};

// Reads a whole ledger. kNotFound if there is no such file; kInvalidArgument,
// with the line, for what is no ledger.
absl::StatusOr<LedgerReading> ReadLedger(const std::string& path);

struct LedgerAudit {
  std::int64_t create_requests = 0;
  std::int64_t calls = 0;                  // Placed.
  std::int64_t max_in_rolling_second = 0;  // Create requests, by their arrival.
  std::int64_t overlapping_calls = 0;      // Placed while another to that number was open.
  std::int64_t repeated_attempts = 0;      // Calls beyond the first with one attempt key.
  std::int64_t open_calls = 0;             // Where the ledger ends.
  std::int64_t numbers = 0;                // Different ones that were rung.
  std::int64_t answered = 0;
  std::int64_t acknowledged_calls = 0;  // In which the acknowledge key was pressed.
  std::int64_t acknowledged_numbers = 0;
  std::map<std::string, std::int64_t> outcomes;  // Calls by LedgerCall::outcome.
  std::map<std::string, std::int64_t> keys;      // Calls by the first key pressed.
  std::map<int, std::int64_t> create_answers;
  std::int64_t callbacks_answered = 0;
  std::int64_t callbacks_dropped = 0;
  std::int64_t server_starts = 0;
  std::int64_t torn_lines = 0;
};

// `acknowledge_key` is the one that the message asked for.
LedgerAudit Audit(const LedgerReading& reading, char acknowledge_key);

std::string AuditJson(const LedgerAudit& audit);
std::string AuditTable(const LedgerAudit& audit);

// What `tocsin call-server audit` prints; errors as ReadLedger().
enum class AuditFormat { kJson, kTable };
absl::StatusOr<std::string> AuditLedgerFile(const std::string& path, AuditFormat format,
                                            char acknowledge_key);

}  // namespace tocsin::callserver
