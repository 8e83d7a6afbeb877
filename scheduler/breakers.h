// When to stop by ourselves. Two pure state machines: one for a trunk whose
// answers stay away, one for a campaign that does harm.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "core/store.h"

namespace tocsin::scheduler {

// Stops a trunk after a run of sends that nobody answered, or that could not be
// sent, until a probe succeeds; then one call goes first, and the rest after it
// has been answered.
class TrunkBreaker {
 public:
  // The run that opens it.
  static constexpr int kRun = 8;

  enum class State { kClosed, kOpen, kHalfOpen };

  // The provider answered, whatever it said.
  void Answered();
  // No answer, or no connection.
  void Failed(absl::Time now);
  // A probe's result. REQUIRES: state() == kOpen.
  void Probed(bool success, absl::Time now);

  State state() const { return state_; }
  // When to probe; unset unless open.
  std::optional<absl::Time> probe_at() const;
  // Calls that may be on their way at once: all, none, or the first one.
  int in_flight_max(int all) const;

 private:
  State state_ = State::kClosed;
  int run_ = 0;
  int probes_ = 0;
  absl::Time opened_at_;
};

// Watches what a campaign's counters did since it last looked and says why the
// campaign should pause, if it should.
class CampaignBreaker {
 public:
  // The reason for pausing, with the remedy; nullopt while all is well.
  std::optional<std::string> Look(const Campaign& campaign, const CampaignProgress& progress);

 private:
  // The counters at the beginning of the present window.
  std::optional<CampaignProgress> since_;
};

}  // namespace tocsin::scheduler
