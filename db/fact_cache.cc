#include "db/fact_cache.h"

#include <algorithm>
#include <random>
#include <utility>

namespace tocsin::db {
namespace {

std::int64_t NewKeeper() {
  std::random_device random;
  const std::uint64_t bits = (static_cast<std::uint64_t>(random()) << 32) | random();
  return static_cast<std::int64_t>(bits >> 1) | 1;
}

}  // namespace

FactCache::FactCache(std::size_t facts_max) : facts_max_(facts_max), keeper_(NewKeeper()) {}

FactCache::Counters FactCache::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

bool FactCache::Borrow(const AttemptKey& attempt, std::vector<Fact>& facts) {
  const std::lock_guard lock(mutex_);
  const auto [it, is_new] = entries_.try_emplace(attempt);
  Entry& entry = it->second;
  const bool known = !is_new && entry.loans == 0;
  if (known) {
    facts = std::move(entry.facts);
    facts_ -= facts.size();
    OrderOf(entry).erase(entry.place);
  }
  // Whoever has it may have committed already: what he brings back, and what
  // the other reads meanwhile, come in no certain order.
  if (entry.loans > 0) entry.contested = true;
  ++entry.loans;
  ++(known ? counters_.known : counters_.read);
  return known;
}

void FactCache::Return(const AttemptKey& attempt, std::vector<Fact> facts, bool ended) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(attempt);
  Entry& entry = it->second;
  if (--entry.loans > 0) return;
  if (entry.contested) {
    entries_.erase(it);
    return;
  }
  entry.facts = std::move(facts);
  facts_ += entry.facts.size();
  entry.ended = ended;
  std::list<AttemptKey>& order = OrderOf(entry);
  entry.place = order.insert(order.end(), attempt);
  MakeRoom();
}

void FactCache::Forget(const AttemptKey& attempt) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(attempt);
  if (--it->second.loans == 0) {
    entries_.erase(it);
  } else {
    it->second.contested = true;
  }
}

void FactCache::MakeRoom() {
  while (ended_.size() > kEndedMax) DropFirst(ended_);
  while (facts_ > facts_max_) DropFirst(ended_.empty() ? live_ : ended_);
}

void FactCache::DropFirst(std::list<AttemptKey>& order) {
  const auto it = entries_.find(order.front());
  facts_ -= it->second.facts.size();
  order.pop_front();
  entries_.erase(it);
}

FactLoan::~FactLoan() {
  for (const AttemptKey& attempt : borrowed_) cache_.Forget(attempt);
}

std::map<AttemptKey, std::vector<Fact>> FactLoan::Borrow(const std::set<AttemptKey>& attempts) {
  std::map<AttemptKey, std::vector<Fact>> known;
  for (const AttemptKey& attempt : attempts) {
    std::vector<Fact> facts;
    borrowed_.insert(attempt);
    if (cache_.Borrow(attempt, facts)) known.emplace(attempt, std::move(facts));
  }
  return known;
}

void FactLoan::Keep(const AttemptKey& attempt, std::vector<Fact> facts, bool ended) {
  kept_.insert_or_assign(attempt, Kept{std::move(facts), ended});
}

void FactLoan::Commit() {
  for (auto& [attempt, kept] : kept_) {
    if (borrowed_.erase(attempt) == 1) cache_.Return(attempt, std::move(kept.facts), kept.ended);
  }
  kept_.clear();
}

}  // namespace tocsin::db
