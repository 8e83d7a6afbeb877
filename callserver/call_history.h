#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "callserver/population.h"

namespace tocsin::callserver {

// What the population remembers of the calls so far. Fed with the same calls it
// tells the same circumstances: those of a ledger, or those being placed.
//
// Rates are decaying averages: after an hour without calls 37 % of the calls an
// hour are left, and a rate needs as long to build up.
class CallHistory {
 public:
  // How much faster than life time passes from the last call on.
  void SetTimeScale(double time_scale) { time_scale_ = time_scale; }

  // Takes in a call that was placed at `at`, and returns what it met. A time
  // before that of the last call counts as the same.
  Circumstances Add(absl::Time at, std::string_view number, std::string_view caller_number);

  std::int64_t calls() const { return calls_; }

 private:
  struct Load {
    double calls = 0;  // What is left of them at `at`.
    absl::Duration at;
  };

  double AddTo(Load& load, absl::Duration window);

  double time_scale_ = 1;
  std::int64_t calls_ = 0;
  absl::Time last_at_ = absl::InfinitePast();
  absl::Duration since_first_call_;  // Simulated, until `last_at_`.
  // By hash of the number, of the caller number, of the exchange.
  absl::flat_hash_map<std::uint64_t, std::uint32_t> attempts_;
  absl::flat_hash_map<std::uint64_t, Load> caller_loads_;
  absl::flat_hash_map<std::uint64_t, Load> exchange_loads_;
};

// The history that a ledger tells, of the calls to the population of `seed`:
// other seeds are other people. Nothing if there is no such file; lines that are
// cut short or none of a ledger are passed over.
CallHistory ReadCallHistory(const std::string& ledger_path, std::uint64_t seed);

}  // namespace tocsin::callserver
