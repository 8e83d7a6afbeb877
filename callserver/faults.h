#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

// What the call server does wrong when it is asked to: the weather of a
// rehearsal. Seeded: the n-th time that a kind may happen, it happens to every
// server with that plan and seed, or to none.
namespace tocsin::callserver {

enum class Fault {
  // A create-call request. One that is due for several gets the first.
  kThrottled,       // 429; nobody rings.
  kErrorBefore,     // 500; nobody rings.
  kErrorAfter,      // 500, and yet the telephone rings.
  kNoAnswer,        // The telephone rings, and the answer takes `hang`.
  kSlow,            // The telephone rings, and the answer takes `slow`.
  kAfterCallbacks,  // The answer comes after the call's first callback was taken.
  kHtml,            // 200 with a page of HTML; nobody rings.
  // A callback. One that is due for several gets the first of the first four.
  kLost,        // Is never sent.
  kDelayed,     // Comes late, and lets those after it go first.
  kReordered,   // Changes places with the next one of its call.
  kDuplicated,  // Comes twice.
  kUnknown,     // Another of a type that nobody knows comes before it.
  kGarbage,     // Something that is no event at all comes before it.
  // A call.
  kNeverEnds,  // Rings, or talks, until the application hangs up.
  // The token of a callback of GA.
  kTokenExpired,
  kKeyRotated,    // A new key signs from here on; the old one stays published.
  kKeyWithdrawn,  // Likewise, but the old one is not published any more, and signed this one.
  // A request for the keys or for where they are.
  kKeysFail,  // 500
};
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::kKeysFail) + 1;

// "create", "throttled": where it stands in a plan, in the ledger and in counts.
std::string_view SectionOf(Fault fault);
std::string_view NameOf(Fault fault);

// How often something goes wrong. Nothing said: never.
struct FaultRate {
  std::int64_t every = 0;    // The n-th, the 2n-th, ...
  double probability = 0;    // And besides, each with this.
  std::int64_t at_most = 0;  // So many times in all; 0: no limit.

  friend bool operator==(const FaultRate&, const FaultRate&) = default;
};

enum class RetryAfterForm { kNone, kSeconds, kDate };

// Lengths are of real time, as two machines would see them, unless it says
// otherwise.
struct FaultPlan {
  std::optional<std::uint64_t> seed;  // Unset: the server's own.
  std::array<FaultRate, kFaults> rates;
  RetryAfterForm retry_after_form = RetryAfterForm::kNone;  // Sent with 429.
  absl::Duration retry_after = absl::Seconds(1);
  absl::Duration hang = absl::Seconds(30);
  absl::Duration slow = absl::Seconds(3);
  // Evenly in between; of simulated time.
  absl::Duration delay_min = absl::Seconds(5);
  absl::Duration delay_max = absl::Minutes(1);
  // Unset: as the population has it. 0: no limit.
  std::optional<double> caller_number_calls_max;
  std::optional<double> calls_max;

  FaultRate& operator[](Fault fault) { return rates[static_cast<std::size_t>(fault)]; }
  const FaultRate& operator[](Fault fault) const { return rates[static_cast<std::size_t>(fault)]; }

  friend bool operator==(const FaultPlan&, const FaultPlan&) = default;
};

// How often it could have happened, and did, since the plan was set.
struct FaultCount {
  std::int64_t chances = 0;
  std::int64_t times = 0;
};

// Decides what goes wrong. Thread-safe.
class Faults {
 public:
  Faults(const FaultPlan& plan, std::uint64_t seed) : seed_(seed), plan_(plan) {}

  FaultPlan plan() const;
  // All counts begin anew.
  void Set(const FaultPlan& plan);

  // Whether it happens this time.
  bool Due(Fault fault);
  // The first of these that happens this time; each is given its chance.
  std::optional<Fault> FirstDue(std::initializer_list<Fault> faults);

  // How late a callback comes that is delayed; simulated.
  absl::Duration Delay();

  std::array<FaultCount, kFaults> counts() const;

 private:
  bool TakeChance(Fault fault);
  double Draw(std::string_view name, std::int64_t count) const;

  const std::uint64_t seed_;
  mutable std::mutex mutex_;  // Guards the rest.
  FaultPlan plan_;
  std::array<FaultCount, kFaults> counts_{};
  std::int64_t delays_ = 0;
};

// --- Plans as text (docs/call-automation.md) ---

// Reads a YAML file. What it leaves out is as in `base`. Everything wrong in it is
// reported together, each with `file_name`:line: kInvalidArgument.
absl::StatusOr<FaultPlan> ParseFaultPlan(std::string_view yaml, std::string_view file_name,
                                         const FaultPlan& base = {});
// kNotFound if it cannot be read; else as above.
absl::StatusOr<FaultPlan> ReadFaultPlan(const std::string& path);

// The same as one JSON object, as the admin endpoint takes and gives it.
absl::StatusOr<FaultPlan> ParseFaultPlanJson(std::string_view json, const FaultPlan& base = {});
std::string FaultPlanJson(const FaultPlan& plan);

}  // namespace tocsin::callserver
