#pragma once
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "db/pg_store.h"

namespace tocsin {

// What waits in the database, asked at most every five seconds however often it
// is scraped. While the database is away the page says so and shows nothing old.
//
// Thread-safe; a scrape in five seconds waits for the database.
class BacklogWatch {
 public:
  BacklogWatch(db::PgStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  void WriteMetrics(MetricsPage& page);

  // A trunk's name, by the last answer; its number while there is none.
  std::string NameOf(TrunkId trunk) const;

 private:
  void Refresh();

  db::PgStore& store_;
  const Clock& clock_;
  mutable std::mutex mutex_;  // Guards the rest.
  SteadyTime asked_at_{};
  bool answered_ = false;
  std::vector<db::PgStore::Backlog> trunks_;
};

}  // namespace tocsin
