#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "core/ids.h"

namespace tocsin::db {

// A trunk's live attempts, for the caps.
struct LiveCount {
  std::int64_t all = 0;
  std::map<std::string, std::int64_t> by_caller;
  std::map<CampaignId, std::int64_t> by_campaign;
};

// The last counts of live attempts and what our own intents have added since:
// never less than there are, for only the holder of the pacer's lease makes
// attempts live, and what has ended meanwhile is merely still counted. Counting
// the rows costs more than all the rest of an intent, so it is done anew when a
// cap comes near.
//
// Valid for a moment and for one epoch of the lease. Thread-safe.
class LiveTally {
 public:
  // The count, unless it is too old or another pacer's.
  std::optional<LiveCount> Find(TrunkId trunk, std::int64_t epoch, SteadyTime now) const;

  // What the rows said at a moment.
  void Counted(TrunkId trunk, std::int64_t epoch, SteadyTime at, LiveCount count);

  // The count that was found, and what an intent has added to it. It does no
  // harm if that is not committed in the end.
  void Raised(TrunkId trunk, std::int64_t epoch, LiveCount count);

 private:
  struct Entry {
    std::int64_t epoch = 0;
    SteadyTime counted_at;
    LiveCount count;
  };

  mutable std::mutex mutex_;
  std::map<TrunkId, Entry> entries_;
};

}  // namespace tocsin::db
