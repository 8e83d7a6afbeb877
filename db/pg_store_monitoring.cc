// What operators watch.
#include "db/fact_cache.h"
#include "db/pg_store.h"
#include "db/pool.h"
#include "db/row_reader.h"
#include "db/time_text.h"
#include "db/transaction.h"

namespace tocsin::db {

absl::StatusOr<std::vector<PgStore::Backlog>> PgStore::ReadBacklog(absl::Time now) {
  return Read(*reports_pool_, [&](Session& session) -> absl::StatusOr<std::vector<Backlog>> {
    std::vector<Backlog> all;
    for (const pqxx::row& raw : session.Run(query::kReadBacklog, TimeText(now))) {
      RowReader row(raw);
      Backlog& backlog = all.emplace_back();
      backlog.trunk = TrunkId(row.Int64());
      backlog.trunk_name = row.Text();
      backlog.live_calls = row.Int64();
      backlog.unresolved = row.Int64();
      backlog.unresolved_since = row.OptTime();
      backlog.due_people = row.Int64();
      backlog.due_since = row.OptTime();
      backlog.people = row.Int64();
      backlog.people_ended = row.Int64();
      backlog.acknowledged = row.Int64();
    }
    return all;
  });
}

absl::Status PgStore::Ping() {
  return Read(*reports_pool_, [&](Session& session) -> absl::Status {
    session.Run(query::kPing);
    return absl::OkStatus();
  });
}

void PgStore::WriteMetrics(MetricsPage& page) const {
  pool_->WriteMetrics(page, "calls");
  reports_pool_->WriteMetrics(page, "reports");
  lease_pool_->WriteMetrics(page, "lease");
  const FactCache::Counters logs = facts_->counters();
  const auto count = [&page](const char* from, std::uint64_t value) {
    page.Counter("tocsin_logs_taken_total",
                 "Logs of attempts that a batch of facts needed, by where they came from.",
                 static_cast<double>(value), {{"from", from}});
  };
  count("memory", logs.known);
  count("database", logs.read);
}

}  // namespace tocsin::db
