#include "app/backlog_watch.h"

#include <chrono>
#include <optional>
#include <utility>

namespace tocsin {
namespace {

constexpr std::chrono::seconds kApart{5};

double SecondsSince(const std::optional<absl::Time>& then, absl::Time now) {
  return then ? std::max(absl::ToDoubleSeconds(now - *then), 0.0) : 0;
}

}  // namespace

void BacklogWatch::Refresh() {
  const SteadyTime now = clock_.Steady();
  if (asked_at_ != SteadyTime{} && now < asked_at_ + kApart) return;
  asked_at_ = now;
  auto read = store_.ReadBacklog(clock_.Now());
  answered_ = read.ok();
  if (answered_) trunks_ = *std::move(read);
}

void BacklogWatch::WriteMetrics(MetricsPage& page) {
  const std::lock_guard lock(mutex_);
  Refresh();
  page.Gauge("tocsin_database_up", "1 while the database answers.", answered_);
  if (!answered_) return;
  const absl::Time now = clock_.Now();
  for (const db::PgStore::Backlog& trunk : trunks_) {
    const auto gauge = [&](std::string_view name, std::string_view help, double value) {
      page.Gauge(name, help, value, {{"trunk", trunk.trunk_name}});
    };
    gauge("tocsin_live_calls", "Attempts that are in a call or may be.",
          static_cast<double>(trunk.live_calls));
    gauge("tocsin_unresolved_attempts", "Attempts that may have been placed; nobody can tell.",
          static_cast<double>(trunk.unresolved));
    gauge("tocsin_unresolved_oldest_seconds", "Since the oldest of these was sent.",
          SecondsSince(trunk.unresolved_since, now));
    gauge("tocsin_due_people", "People who are due and wait for a slot; counted to 10,000.",
          static_cast<double>(trunk.due_people));
    gauge("tocsin_due_oldest_seconds", "Since the first of these was due.",
          SecondsSince(trunk.due_since, now));
    gauge("tocsin_campaign_people", "People in the campaigns that are not over.",
          static_cast<double>(trunk.people));
    gauge("tocsin_campaign_people_ended", "Of these, those who have their outcome.",
          static_cast<double>(trunk.people_ended));
    gauge("tocsin_campaign_acknowledgements", "Acknowledgements in these campaigns.",
          static_cast<double>(trunk.acknowledged));
  }
}

std::string BacklogWatch::NameOf(TrunkId trunk) const {
  // Called while a page is written, after WriteMetrics().
  const std::lock_guard lock(mutex_);
  for (const db::PgStore::Backlog& known : trunks_) {
    if (known.trunk == trunk) return known.trunk_name;
  }
  return std::to_string(trunk.value());
}

}  // namespace tocsin
