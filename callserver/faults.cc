#include "callserver/faults.h"

#include "callserver/population.h"
#include "fmt/format.h"

namespace tocsin::callserver {
namespace {

struct Described {
  std::string_view section;
  std::string_view name;
};

// In the order of the enum.
constexpr Described kDescribed[] = {
    {"create", "throttled"},    {"create", "error_before"},  {"create", "error_after"},
    {"create", "no_answer"},    {"create", "slow"},          {"create", "after_callbacks"},
    {"create", "html"},         {"callbacks", "lost"},       {"callbacks", "delayed"},
    {"callbacks", "reordered"}, {"callbacks", "duplicated"}, {"callbacks", "unknown"},
    {"callbacks", "garbage"},   {"calls", "never_ends"},     {"tokens", "expired"},
    {"tokens", "key_rotated"},  {"tokens", "key_withdrawn"}, {"tokens", "keys_fail"},
};
static_assert(std::size(kDescribed) == kFaults);

}  // namespace

std::string_view SectionOf(Fault fault) {
  return kDescribed[static_cast<std::size_t>(fault)].section;
}

std::string_view NameOf(Fault fault) {
  return kDescribed[static_cast<std::size_t>(fault)].name;
}

FaultPlan Faults::plan() const {
  std::lock_guard lock(mutex_);
  return plan_;
}

void Faults::Set(const FaultPlan& plan) {
  std::lock_guard lock(mutex_);
  plan_ = plan;
  counts_ = {};
  delays_ = 0;
}

bool Faults::Due(Fault fault) {
  return FirstDue({fault}).has_value();
}

std::optional<Fault> Faults::FirstDue(std::initializer_list<Fault> faults) {
  std::lock_guard lock(mutex_);
  std::optional<Fault> first;
  for (const Fault fault : faults) {
    if (TakeChance(fault) && !first) first = fault;
  }
  if (first) ++counts_[static_cast<std::size_t>(*first)].times;
  return first;
}

bool Faults::TakeChance(Fault fault) {
  FaultCount& count = counts_[static_cast<std::size_t>(fault)];
  const FaultRate& rate = plan_[fault];
  ++count.chances;
  if (rate.at_most > 0 && count.times >= rate.at_most) return false;
  if (rate.every > 0 && count.chances % rate.every == 0) return true;
  return rate.probability > 0 && Draw(NameOf(fault), count.chances) < rate.probability;
}

absl::Duration Faults::Delay() {
  std::lock_guard lock(mutex_);
  return plan_.delay_min + (plan_.delay_max - plan_.delay_min) * Draw("delay", ++delays_);
}

std::array<FaultCount, kFaults> Faults::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

// From 0 to below 1, and always the same for the same seed, name and count.
double Faults::Draw(std::string_view name, std::int64_t count) const {
  const std::uint64_t hash =
      StickyHash(plan_.seed.value_or(seed_), fmt::format("{} {}", name, count));
  return static_cast<double>(hash >> 11U) * 0x1p-53;
}

}  // namespace tocsin::callserver
