#include "api/progress_board.h"

#include <algorithm>
#include <utility>

#include "api/settle.h"
#include "base/status_macros.h"

namespace tocsin {

ProgressBoard::ProgressBoard(const Options& options, CampaignStore& store, const Clock& clock,
                             std::stop_token stopping)
    : options_(options),
      store_(store),
      clock_(clock),
      stopping_(std::move(stopping)),
      on_stop_(stopping_, [this] {
        const std::lock_guard lock(mutex_);
        WakeSleepers();
      }) {}

void ProgressBoard::OnChange() {
  const std::lock_guard lock(mutex_);
  bool news = false;
  for (auto& [id, sheet] : sheets_) news = !std::exchange(sheet.stale, true) || news;
  if (news) WakeSleepers();
}

ProgressBoard::Sheet& ProgressBoard::Enter(CampaignId campaign) {
  const std::lock_guard lock(mutex_);
  Sheet& sheet = sheets_[campaign];
  ++sheet.watchers;
  return sheet;
}

void ProgressBoard::Leave(CampaignId campaign) {
  const std::lock_guard lock(mutex_);
  const auto at = sheets_.find(campaign);
  if (--at->second.watchers == 0) sheets_.erase(at);
}

SteadyTime ProgressBoard::DueAt(const Sheet& sheet) const {
  if (sheet.wanted) return SteadyTime::min();
  const bool soon = sheet.stale || !options_.told_of_changes;
  return sheet.read_at + absl::ToChronoNanoseconds(soon ? options_.apart : options_.apart_max);
}

void ProgressBoard::WakeSleepers() {
  std::exchange(woken_, std::stop_source()).request_stop();
}

void ProgressBoard::ReadWhenDue(CampaignId campaign, Sheet& sheet,
                                std::unique_lock<std::mutex>& lock) {
  while (!stopping_.stop_requested() && clock_.Steady() < DueAt(sheet)) {
    const SteadyTime due = DueAt(sheet);
    const std::stop_token woken = woken_.get_token();
    lock.unlock();
    clock_.SleepUntil(due, woken);
    lock.lock();
  }
  if (stopping_.stop_requested()) return;
  const std::uint64_t number = ++sheet.begun;
  sheet.wanted = sheet.stale = false;
  sheet.read_at = clock_.Steady();
  lock.unlock();
  const absl::Time at = clock_.Now();
  absl::StatusOr<CampaignProgress> progress = Settle([&] { return store_.GetProgress(campaign); });
  lock.lock();
  sheet.done = number;
  if (progress.ok()) {
    sheet.last = Reading{*std::move(progress), at};
  } else {
    sheet.last = progress.status();
  }
}

ProgressBoard::Watch::Watch(ProgressBoard& board, CampaignId campaign)
    : board_(board), campaign_(campaign), sheet_(board.Enter(campaign)) {}

ProgressBoard::Watch::~Watch() {
  board_.Leave(campaign_);
}

absl::StatusOr<ProgressBoard::Reading> ProgressBoard::Watch::Next() {
  std::unique_lock lock(board_.mutex_);
  // What is being read just now may be older than what the caller knows.
  std::uint64_t least = told_ + 1;
  if (std::exchange(is_new_, false)) {
    least = sheet_.begun + 1;
    sheet_.wanted = true;
    board_.WakeSleepers();
  }
  while (sheet_.done < least) {
    if (board_.stopping_.stop_requested()) {
      return Unavailable("the service is stopping; watch again when it is back");
    }
    if (sheet_.being_read) {
      board_.read_.wait(lock, board_.stopping_,
                        [&] { return sheet_.done >= least || !sheet_.being_read; });
      continue;
    }
    sheet_.being_read = true;
    board_.ReadWhenDue(campaign_, sheet_, lock);
    sheet_.being_read = false;
    board_.read_.notify_all();
  }
  told_ = sheet_.done;
  return sheet_.last;
}

}  // namespace tocsin
