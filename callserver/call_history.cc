#include "callserver/call_history.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <variant>

#include "callserver/ledger_line.h"

namespace tocsin::callserver {
namespace {

constexpr std::size_t kLineDigits = 4;

std::string_view ExchangeOf(std::string_view number) {
  return number.substr(0, number.size() - std::min(kLineDigits, number.size()));
}

std::uint64_t Hash(std::string_view text) {
  return StickyHash(0, text);
}

}  // namespace

Circumstances CallHistory::Add(absl::Time at, std::string_view number,
                               std::string_view caller_number) {
  at = absl::FromUnixMicros(absl::ToUnixMicros(at));  // As the ledger tells it.
  if (calls_++ > 0 && at > last_at_) since_first_call_ += (at - last_at_) * time_scale_;
  last_at_ = std::max(last_at_, at);
  return {.attempt = attempts_[Hash(number)]++,
          .since_first_call = since_first_call_,
          .caller_calls_per_hour = AddTo(caller_loads_[Hash(caller_number)], absl::Hours(1)),
          .exchange_calls_per_minute =
              AddTo(exchange_loads_[Hash(ExchangeOf(number))], absl::Minutes(1))};
}

// Returns what is left of the calls before this one.
double CallHistory::AddTo(Load& load, absl::Duration window) {
  const double before =
      load.calls * std::exp(-absl::FDivDuration(since_first_call_ - load.at, window));
  load = {.calls = before + 1, .at = since_first_call_};
  return before;
}

CallHistory ReadCallHistory(const std::string& ledger_path, std::uint64_t seed) {
  CallHistory history;
  std::ifstream file(ledger_path, std::ios::binary);
  std::string text;
  bool is_this_population = true;
  while (std::getline(file, text)) {
    // Most lines are of other kinds; parsing them would take most of the time.
    const std::string_view what = WhatOf(text);
    if (what != "server_started" && !(what == "create" && is_this_population)) continue;
    const absl::StatusOr<LedgerLine> line = ParseLedgerLine(text);
    if (!line.ok()) continue;
    if (const auto* start = std::get_if<ServerStarted>(&line->entry)) {
      is_this_population = start->seed == seed;
      if (is_this_population) history.SetTimeScale(start->time_scale);
    } else if (const auto* create = std::get_if<CreateArrived>(&line->entry);
               create != nullptr && !line->call_leg_id.empty()) {
      history.Add(line->at, create->number, create->caller_number);
    }
  }
  return history;
}

}  // namespace tocsin::callserver
