#include "api/import_pipeline.h"

#include <algorithm>

#include "api/settle.h"
#include "base/this_thread.h"

namespace tocsin {

ImportPipeline::ImportPipeline(const Options& options, CampaignStore& store,
                               const PhoneNumberReader& numbers, const CampaignSpec& spec,
                               ImportId import, const Clock& clock)
    : options_(options),
      store_(store),
      numbers_(numbers),
      spec_(spec),
      import_(import),
      clock_(clock) {
  for (int i = 0; i < options_.readers; ++i) threads_.emplace_back([this] { RunReader(); });
  for (int i = 0; i < options_.storers; ++i) threads_.emplace_back([this] { RunStorer(); });
}

ImportPipeline::~ImportPipeline() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  threads_.clear();  // Joins.
}

bool ImportPipeline::Add(v1::RecipientBatch batch) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock,
                [&] { return !status_.ok() || added_ - stored_ < options_.batches_in_flight; });
  if (!status_.ok()) return false;
  const std::int64_t first_index = rows_added_ + 1;
  rows_added_ += batch.rows_size();
  unread_.push_back({++added_, first_index, std::move(batch)});
  lock.unlock();
  changed_.notify_all();
  return true;
}

absl::Status ImportPipeline::Finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return status_.ok() ? stored_ == added_ : storing_.empty(); });
  return status_;
}

void ImportPipeline::RunReader() {
  NameThisThread("read-rows");
  RowReader reader(spec_, numbers_);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !unread_.empty(); });
    if (stopping_) return;
    const Unread unread = std::move(unread_.front());
    unread_.pop_front();
    lock.unlock();
    Read read{.rows = reader.Read(unread.batch, unread.first_index), .keys = {}};
    for (const ImportRow& row : read.rows.taken) read.keys.insert(row.person_key);
    lock.lock();
    read_.emplace(unread.number, std::move(read));
    changed_.notify_all();
  }
}

bool ImportPipeline::NextMayBeStored() const {
  const auto next = read_.find(begun_ + 1);
  if (next == read_.end()) return false;
  return std::none_of(storing_.begin(), storing_.end(), [&](const auto& earlier) {
    return std::any_of(next->second.keys.begin(), next->second.keys.end(),
                       [&](std::string_view key) { return earlier.second.contains(key); });
  });
}

void ImportPipeline::RunStorer() {
  NameThisThread("store-rows");
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !status_.ok() || NextMayBeStored(); });
    if (stopping_ || !status_.ok()) return;
    const std::int64_t number = ++begun_;
    Read read = std::move(read_.extract(number).mapped());
    storing_.emplace(number, std::move(read.keys));
    lock.unlock();
    const absl::Time now = clock_.Now();
    absl::StatusOr<ImportBatchResult> result = Settle([&] {
      return store_.ImportBatch(import_, number, read.rows.taken, read.rows.refused, now);
    });
    lock.lock();
    storing_.erase(number);
    if (result.ok()) {
      stored_early_.emplace(number, Stored{std::move(read.rows), *std::move(result)});
      CountStored();
    } else if (status_.ok()) {
      status_ = result.status();
    }
    changed_.notify_all();
  }
}

void ImportPipeline::CountStored() {
  while (true) {
    auto next = stored_early_.extract(stored_ + 1);
    if (next.empty()) return;
    Count(next.mapped().rows, std::move(next.mapped().result));
    ++stored_;
  }
}

void ImportPipeline::Count(const ReadRows& rows, ImportBatchResult result) {
  ++totals_.batches_stored;
  totals_.rows_stored += static_cast<std::int64_t>(rows.taken.size() + rows.refused.size());
  totals_.ignored_numbers += static_cast<std::int64_t>(rows.ignored.size());
  for (const std::string& reason : rows.ignored) ++totals_.ignored_by_reason[reason];

  std::vector<RefusedRow> not_taken = std::move(result.duplicates);
  not_taken.insert(not_taken.end(), rows.refused.begin(), rows.refused.end());
  std::stable_sort(not_taken.begin(), not_taken.end(),
                   [](const RefusedRow& a, const RefusedRow& b) { return a.line < b.line; });
  for (RefusedRow& row : not_taken) {
    ++totals_.refused_by_reason[row.reason];
    if (totals_.first_refused.size() < ImportTotals::kFirstRefusedMax) {
      totals_.first_refused.push_back(std::move(row));
    }
  }
}

}  // namespace tocsin
