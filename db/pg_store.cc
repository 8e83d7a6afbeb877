#include "db/pg_store.h"

#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "db/campaign_rows.h"
#include "db/fact_cache.h"
#include "db/live_tally.h"
#include "db/pool.h"
#include "db/transaction.h"

namespace tocsin::db {
namespace {

constexpr int kReportSessions = 2;
constexpr int kLeaseSessions = 2;  // One for the lease, one for signs of life.
// About 30 MB: the logs of some 15,000 calls under way.
constexpr std::size_t kCachedFactsMax = 100'000;

Pool::Options PoolOf(const PgStore::Options& options, SessionKind kind, int size) {
  Pool::Options pool;
  pool.url = options.database_url;
  pool.kind = kind;
  pool.size = size;
  return pool;
}

}  // namespace

PgStore::PgStore(Options options, const Clock& clock)
    : pool_(std::make_unique<Pool>(PoolOf(options, SessionKind::kHot, options.pool_size), clock)),
      reports_pool_(
          std::make_unique<Pool>(PoolOf(options, SessionKind::kReports, kReportSessions), clock)),
      lease_pool_(
          std::make_unique<Pool>(PoolOf(options, SessionKind::kLease, kLeaseSessions), clock)),
      campaigns_(std::make_unique<CampaignCache>()),
      facts_(std::make_unique<FactCache>(kCachedFactsMax)),
      live_(std::make_unique<LiveTally>()),
      clock_(clock) {}

PgStore::~PgStore() = default;

absl::StatusOr<std::unique_ptr<PgStore>> PgStore::Open(Options options, const Clock& clock) {
  if (options.pool_size < 1)
    return InvalidArgument("pool_size is {}; it must be at least 1", options.pool_size);
  auto store = std::unique_ptr<PgStore>(new PgStore(std::move(options), clock));
  const auto loan = store->pool_->Borrow();
  if (!loan.ok()) return loan.status();
  return store;
}

// Best effort: the planner manages without, only worse, and autovacuum follows.
void PgStore::Analyze(bool due_queue) {
  auto loan = reports_pool_->Borrow();
  if (!loan.ok()) return;
  bool broken = false;
  auto analyze = [&](Session& session) {
    session.Run(query::kAnalyzeRecipients);
    if (due_queue) session.Run(query::kAnalyzeDueQueue);
    return absl::OkStatus();
  };
  const absl::Status analyzed = TransactOn(**loan, broken, analyze);
  if (broken) loan->Discard();
  if (!analyzed.ok()) Log(LogLevel::kWarn, "analyze_failed", {{"error", Message(analyzed)}});
}

}  // namespace tocsin::db
