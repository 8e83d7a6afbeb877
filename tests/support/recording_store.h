#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/idle_dial_store.h"

namespace tocsin {

// A DialStore that keeps facts and nothing else, and whose commits a test can
// hold up or make fail.
class RecordingStore : public IdleDialStore {
 public:
  // Called in each RecordFacts before anything is stored; what is not OK is
  // returned instead, or after storing if it is kUnknown.
  using Before = std::function<absl::Status(const std::vector<AttemptInput>&)>;
  // Fills in what follows for an attempt.
  using After = std::function<void(AttemptChange&)>;

  void SetBefore(Before before) {
    const std::lock_guard lock(mutex_);
    before_ = std::move(before);
  }
  void SetAfter(After after) {
    const std::lock_guard lock(mutex_);
    after_ = std::move(after);
  }
  // Attempts of this campaign do not exist.
  void SetUnknown(CampaignId campaign) {
    const std::lock_guard lock(mutex_);
    unknown_ = campaign;
  }

  absl::StatusOr<std::vector<AttemptChange>> RecordFacts(const std::vector<AttemptInput>& inputs,
                                                         absl::Time) override {
    Before before;
    {
      const std::lock_guard lock(mutex_);
      before = before_;
    }
    const absl::Status status = before ? before(inputs) : absl::OkStatus();
    if (!status.ok() && !absl::IsUnknown(status)) return status;
    std::vector<AttemptChange> changes = Store(inputs);
    if (!status.ok()) return status;
    return changes;
  }

  std::vector<std::vector<AttemptInput>> batches() const {
    const std::lock_guard lock(mutex_);
    return batches_;
  }
  bool Has(AttemptKey attempt, const std::string& key) const {
    const std::lock_guard lock(mutex_);
    return facts_.contains({attempt, key});
  }
  std::size_t facts() const {
    const std::lock_guard lock(mutex_);
    return facts_.size();
  }
  std::vector<Fact> stored() const {
    const std::lock_guard lock(mutex_);
    return stored_;
  }
  // Waits until so many batches were stored.
  void WaitForBatches(std::size_t count) {
    std::unique_lock lock(mutex_);
    stored_one_.wait(lock, [&] { return batches_.size() >= count; });
  }
  void WaitForFacts(std::size_t count) {
    std::unique_lock lock(mutex_);
    stored_one_.wait(lock, [&] { return facts_.size() >= count; });
  }

 private:
  std::vector<AttemptChange> Store(const std::vector<AttemptInput>& inputs) {
    const std::lock_guard lock(mutex_);
    batches_.push_back(inputs);
    std::vector<AttemptChange> changes;
    std::set<AttemptKey> seen;
    for (const AttemptInput& input : inputs) {
      const bool known = input.attempt.campaign != unknown_;
      const bool is_new =
          known && input.fact && facts_.emplace(input.attempt, input.fact->key).second;
      if (is_new) stored_.push_back(*input.fact);
      if (!seen.insert(input.attempt).second) continue;
      AttemptChange change;
      change.attempt = input.attempt;
      change.known = known;
      change.new_facts = is_new ? 1 : 0;
      if (known && after_) after_(change);
      changes.push_back(std::move(change));
    }
    stored_one_.notify_all();
    return changes;
  }

  mutable std::mutex mutex_;
  std::condition_variable stored_one_;
  Before before_;
  After after_;
  CampaignId unknown_{-1};
  std::vector<std::vector<AttemptInput>> batches_;
  std::set<std::pair<AttemptKey, std::string>> facts_;
  std::vector<Fact> stored_;
};

}  // namespace tocsin
