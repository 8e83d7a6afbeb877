#include "db/pool.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"

namespace tocsin::db {
namespace {

constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{2000};

std::chrono::milliseconds PauseAfter(int failures) {
  return std::min(kLongestPause, kFirstPause * (1 << std::min(failures - 1, 10)));
}

}  // namespace

Pool::Loan::~Loan() {
  if (connection_ != nullptr) pool_->Return(std::move(connection_));
}

void Pool::Loan::Discard() {
  connection_.reset();
  pool_->Forget();
}

absl::StatusOr<Pool::Loan> Pool::Borrow() {
  const SteadyTime asked = clock_.Steady();
  std::unique_lock lock(mutex_);
  const bool came_free = freed_.wait_for(lock, absl::ToChronoMilliseconds(options_.wait_max),
                                         [this] { return !idle_.empty() || out_ < options_.size; });
  waits_.Observe(absl::FromChrono(clock_.Steady() - asked));
  if (!came_free) {
    return Unavailable("database: all {} sessions are busy for {}", options_.size,
                       absl::FormatDuration(options_.wait_max));
  }
  ++out_;
  if (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    return Loan(*this, std::move(connection), false);
  }
  if (failures_ > 0 && clock_.Steady() < no_try_before_) {
    --out_;
    freed_.notify_one();
    return last_failure_;
  }
  lock.unlock();
  auto opened = OpenOne();
  if (!opened.ok()) return opened.status();
  return Loan(*this, *std::move(opened), true);
}

absl::StatusOr<std::unique_ptr<Connection>> Pool::OpenOne() {
  auto opened = Connection::Open(options_.url, options_.kind);
  std::lock_guard lock(mutex_);
  if (opened.ok()) {
    if (failures_ > 0) Log(LogLevel::kInfo, "database_back", {});
    failures_ = 0;
    return opened;
  }
  if (failures_ == 0) Log(LogLevel::kWarn, "database_away", {{"error", Message(opened.status())}});
  ++failures_;
  no_try_before_ = clock_.Steady() + PauseAfter(failures_);
  last_failure_ = opened.status();
  --out_;
  freed_.notify_one();
  return opened;
}

void Pool::WriteMetrics(MetricsPage& page, const std::string& kind) const {
  const MetricsPage::Labels labels = {{"pool", kind}};
  page.Histogram("tocsin_database_wait_seconds", "For a session of the pool to come free.", waits_,
                 labels);
  std::lock_guard lock(mutex_);
  page.Gauge("tocsin_database_sessions_used", "Sessions at work.", out_, labels);
  page.Gauge("tocsin_database_sessions_max", "Sessions there may be.", options_.size, labels);
  page.Gauge("tocsin_database_away", "1 while sessions cannot be opened.", failures_ > 0, labels);
}

void Pool::Return(std::unique_ptr<Connection> connection) {
  std::lock_guard lock(mutex_);
  --out_;
  if (connection->is_open()) idle_.push_back(std::move(connection));
  freed_.notify_one();
}

void Pool::Forget() {
  std::vector<std::unique_ptr<Connection>> dropped;
  std::lock_guard lock(mutex_);
  --out_;
  // Whatever broke one session has most likely broken those that wait.
  dropped.swap(idle_);
  freed_.notify_all();
}

}  // namespace tocsin::db
