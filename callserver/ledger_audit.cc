#include "callserver/ledger_audit.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/status_macros.h"
#include "callserver/ledger_line.h"
#include "wire/json_text.h"

namespace tocsin::callserver {
namespace {

// Takes in a ledger line by line.
class LedgerReader {
 public:
  absl::Status Read(std::istream& file, const std::string& name) {
    std::string text;
    for (std::int64_t number = 1; std::getline(file, text); ++number) {
      if (text.empty() || (torn_.ok() && !IsNeeded(text))) continue;
      absl::StatusOr<LedgerLine> line = ParseLedgerLine(text);
      // A kill may cut a line short: what follows it is then a start, or nothing.
      if (!torn_.ok() && !(line.ok() && std::holds_alternative<ServerStarted>(line->entry))) {
        return torn_;
      }
      torn_ = absl::OkStatus();
      if (line.ok()) {
        Take(*std::move(line));
      } else {
        ++reading_.torn_lines;
        torn_ = InvalidArgument("{}:{}: {}", name, number, Message(line.status()));
      }
    }
    return absl::OkStatus();
  }

  LedgerReading Finish() && { return std::move(reading_); }

 private:
  // Most lines say nothing about the calls as a whole, or only that a callback
  // was answered: parsing them would take most of the time.
  bool IsNeeded(std::string_view text) {
    const std::string_view what = WhatOf(text);
    if (what == "callback" && text.ends_with(R"("dropped":false})")) {
      ++reading_.callbacks_answered;
      return false;
    }
    if (what == "state") return text.ends_with(R"("state":"Terminated"})");
    return what != "play" && what != "play_ended" && what != "hang_up" && what != "faults";
  }

  void Take(LedgerLine line) {
    std::visit([this, &line](auto& entry) { Take(line, entry); }, line.entry);
  }

  void Take(const LedgerLine& line, ServerStarted&) {
    ++reading_.server_starts;
    EndEverything(line.at);
  }
  void Take(const LedgerLine& line, ServerStopped&) { EndEverything(line.at); }
  void Take(const LedgerLine& line, CreateArrived& entry) {
    reading_.create_arrivals.push_back(line.at);
    ++reading_.create_answers[entry.status];
    if (line.call_leg_id.empty()) return;
    open_.emplace(line.call_leg_id, reading_.calls.size());
    reading_.calls.push_back({.call_leg_id = line.call_leg_id,
                              .number = std::move(entry.number),
                              .caller_number = std::move(entry.caller_number),
                              .attempt = entry.attempt,
                              .arrived_at = line.at});
  }
  void Take(const LedgerLine& line, CallEnded& entry) {
    const auto open = open_.extract(line.call_leg_id);
    if (open.empty()) return;
    LedgerCall& call = reading_.calls[open.mapped()];
    call.ended_at = line.at;
    call.answered = entry.answered;
    call.keys = std::move(entry.keys);
    const bool would_have_answered = entry.far_end == "human" || entry.far_end == "machine" ||
                                     entry.far_end == "fax" || entry.far_end == "announcement";
    if (entry.reason == "in_call" || entry.reason == "caller_limit") {
      call.outcome = std::move(entry.reason);
    } else {
      // Hung up on before anybody came to the telephone.
      call.outcome =
          would_have_answered && !entry.answered ? "no_answer" : std::move(entry.far_end);
    }
  }
  void Take(const LedgerLine& line, KeyPressed& entry) {
    const auto open = open_.find(line.call_leg_id);
    if (open == open_.end()) return;
    LedgerCall& call = reading_.calls[open->second];
    call.keys += entry.key;
    call.presses.push_back(entry);
  }
  void Take(const LedgerLine&, CallbackDone& entry) {
    ++(entry.dropped ? reading_.callbacks_dropped : reading_.callbacks_answered);
  }
  // Before its end: the application has left, and those in the call talk on.
  void Take(const LedgerLine& line, StateReached& entry) {
    const auto open = open_.find(line.call_leg_id);
    if (open == open_.end() || entry.state != "Terminated") return;
    reading_.calls[open->second].left_at = line.at;
  }
  void Take(const LedgerLine&, PlayStarted&) {}
  void Take(const LedgerLine&, PlayEnded&) {}
  void Take(const LedgerLine&, HangUpAsked&) {}
  void Take(const LedgerLine&, FaultsSet&) {}

  void EndEverything(absl::Time at) {
    for (const auto& [id, index] : open_) {
      reading_.calls[index].ended_at = at;
      reading_.calls[index].outcome = "server_ended";
    }
    open_.clear();
  }

  LedgerReading reading_;
  std::unordered_map<std::string, std::size_t> open_;  // Index of each call still open.
  absl::Status torn_;  // The complaint about the line before, if it was bad.
};

std::int64_t MaxInRollingSecond(std::vector<absl::Time> times) {
  std::sort(times.begin(), times.end());
  std::size_t most = 0;
  std::size_t first = 0;
  for (std::size_t last = 0; last < times.size(); ++last) {
    while (times[last] - times[first] >= absl::Seconds(1)) ++first;
    most = std::max(most, last - first + 1);
  }
  return static_cast<std::int64_t>(most);
}

std::int64_t CountOverlaps(const std::vector<LedgerCall>& calls) {
  std::vector<const LedgerCall*> by_arrival;
  for (const LedgerCall& call : calls) by_arrival.push_back(&call);
  std::stable_sort(by_arrival.begin(), by_arrival.end(),
                   [](const LedgerCall* left, const LedgerCall* right) {
                     return left->arrived_at < right->arrived_at;
                   });
  std::unordered_map<std::string_view, absl::Time> busy_until;
  std::int64_t overlaps = 0;
  for (const LedgerCall* call : by_arrival) {
    absl::Time& until = busy_until.try_emplace(call->number, absl::InfinitePast()).first->second;
    if (call->arrived_at < until) ++overlaps;
    until = std::max(until, std::min(call->ended_at, call->left_at));
  }
  return overlaps;
}

template <class Key>
std::string CountsJson(const std::map<Key, std::int64_t>& counts) {
  wire::JsonObject object;
  for (const auto& [key, count] : counts) object.AddInteger(fmt::format("{}", key), count);
  return std::move(object).Finish();
}

void AppendRow(std::string& table, std::string_view name, std::int64_t count) {
  table += fmt::format("{:<34} {:>12}\n", name, count);
}

template <class Key>
void AppendRows(std::string& table, std::string_view title,
                const std::map<Key, std::int64_t>& counts) {
  for (const auto& [key, count] : counts) {
    AppendRow(table, fmt::format("{} {}", title, key), count);
  }
}

}  // namespace

absl::StatusOr<LedgerReading> ReadLedger(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound("cannot read the ledger {}", path);
  LedgerReader reader;
  TOCSIN_RETURN_IF_ERROR(reader.Read(file, path));
  return std::move(reader).Finish();
}

LedgerAudit Audit(const LedgerReading& reading, char acknowledge_key) {
  LedgerAudit audit{
      .create_requests = static_cast<std::int64_t>(reading.create_arrivals.size()),
      .calls = static_cast<std::int64_t>(reading.calls.size()),
      .max_in_rolling_second = MaxInRollingSecond(reading.create_arrivals),
      .overlapping_calls = CountOverlaps(reading.calls),
      .create_answers = reading.create_answers,
      .callbacks_answered = reading.callbacks_answered,
      .callbacks_dropped = reading.callbacks_dropped,
      .server_starts = reading.server_starts,
      .torn_lines = reading.torn_lines,
  };
  std::unordered_set<std::string_view> numbers;
  std::unordered_set<std::string_view> acknowledged;
  std::set<AttemptKey> attempts;
  for (const LedgerCall& call : reading.calls) {
    numbers.insert(call.number);
    if (call.attempt && !attempts.insert(*call.attempt).second) ++audit.repeated_attempts;
    if (call.outcome.empty()) ++audit.open_calls;
    if (!call.outcome.empty()) ++audit.outcomes[call.outcome];
    if (call.answered) ++audit.answered;
    if (!call.keys.empty()) ++audit.keys[call.keys.substr(0, 1)];
    if (call.keys.find(acknowledge_key) != std::string::npos) {
      ++audit.acknowledged_calls;
      acknowledged.insert(call.number);
    }
  }
  audit.numbers = static_cast<std::int64_t>(numbers.size());
  audit.acknowledged_numbers = static_cast<std::int64_t>(acknowledged.size());
  return audit;
}

std::string AuditJson(const LedgerAudit& audit) {
  wire::JsonObject object;
  object.AddInteger("create_requests", audit.create_requests);
  object.AddInteger("calls", audit.calls);
  object.AddInteger("max_in_rolling_second", audit.max_in_rolling_second);
  object.AddInteger("overlapping_calls", audit.overlapping_calls);
  object.AddInteger("repeated_attempts", audit.repeated_attempts);
  object.AddInteger("open_calls", audit.open_calls);
  object.AddInteger("numbers", audit.numbers);
  object.AddInteger("answered", audit.answered);
  object.AddInteger("acknowledged_calls", audit.acknowledged_calls);
  object.AddInteger("acknowledged_numbers", audit.acknowledged_numbers);
  object.AddJson("outcomes", CountsJson(audit.outcomes));
  object.AddJson("keys", CountsJson(audit.keys));
  object.AddJson("create_answers", CountsJson(audit.create_answers));
  object.AddInteger("callbacks_answered", audit.callbacks_answered);
  object.AddInteger("callbacks_dropped", audit.callbacks_dropped);
  object.AddInteger("server_starts", audit.server_starts);
  object.AddInteger("torn_lines", audit.torn_lines);
  return std::move(object).Finish() + "\n";
}

std::string AuditTable(const LedgerAudit& audit) {
  std::string table;
  AppendRow(table, "create requests", audit.create_requests);
  AppendRow(table, "calls placed", audit.calls);
  AppendRow(table, "most requests in a rolling second", audit.max_in_rolling_second);
  AppendRow(table, "overlapping calls", audit.overlapping_calls);
  AppendRow(table, "repeated attempts", audit.repeated_attempts);
  AppendRow(table, "calls still open", audit.open_calls);
  AppendRow(table, "numbers rung", audit.numbers);
  AppendRow(table, "calls answered", audit.answered);
  AppendRow(table, "calls acknowledged", audit.acknowledged_calls);
  AppendRow(table, "numbers acknowledged", audit.acknowledged_numbers);
  AppendRows(table, "outcome", audit.outcomes);
  AppendRows(table, "first key", audit.keys);
  AppendRows(table, "create answered", audit.create_answers);
  AppendRow(table, "callbacks answered", audit.callbacks_answered);
  AppendRow(table, "callbacks dropped", audit.callbacks_dropped);
  AppendRow(table, "server starts", audit.server_starts);
  AppendRow(table, "torn lines", audit.torn_lines);
  return table;
}

absl::StatusOr<std::string> AuditLedgerFile(const std::string& path, AuditFormat format,
                                            char acknowledge_key) {
  TOCSIN_ASSIGN_OR_RETURN(const LedgerReading reading, ReadLedger(path));
  const LedgerAudit audit = Audit(reading, acknowledge_key);
  return format == AuditFormat::kJson ? AuditJson(audit) : AuditTable(audit);
}

}  // namespace tocsin::callserver
