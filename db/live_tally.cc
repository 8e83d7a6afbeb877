#include "db/live_tally.h"

#include <chrono>
#include <utility>

namespace tocsin::db {
namespace {

constexpr std::chrono::seconds kAgeMax{1};

}  // namespace

std::optional<LiveCount> LiveTally::Find(TrunkId trunk, std::int64_t epoch, SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(trunk);
  if (it == entries_.end()) return std::nullopt;
  const Entry& entry = it->second;
  if (entry.epoch != epoch || now >= entry.counted_at + kAgeMax) return std::nullopt;
  return entry.count;
}

void LiveTally::Counted(TrunkId trunk, std::int64_t epoch, SteadyTime at, LiveCount count) {
  const std::lock_guard lock(mutex_);
  entries_.insert_or_assign(trunk, Entry{epoch, at, std::move(count)});
}

void LiveTally::Raised(TrunkId trunk, std::int64_t epoch, LiveCount count) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(trunk);
  if (it != entries_.end() && it->second.epoch == epoch) it->second.count = std::move(count);
}

}  // namespace tocsin::db
