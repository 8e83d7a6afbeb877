#include "tests/store/pg_store_kind.h"

#include "base/check.h"
#include "base/clock.h"
#include "db/migrator.h"
#include "db/pg_store.h"
#include "tests/support/postgres.h"

namespace tocsin::testing {
namespace {

class PgFixture final : public StoreFixture {
 public:
  PgFixture() : database_(MigrateToNewest) {
    db::PgStore::Options options;
    options.database_url = Secret(database_.ConnectionString());
    options.pool_size = 4;
    auto store = db::PgStore::Open(std::move(options));
    TOCSIN_CHECK(store.ok());
    store_ = *std::move(store);
  }

  CampaignStore& campaigns() override { return *store_; }
  DialStore& dial() override { return *store_; }
  void PassLeaseTime(absl::Duration time) override {
    const Clock& clock = SystemClock();
    clock.SleepUntil(clock.Steady() + absl::ToChronoNanoseconds(time), {});
  }

 private:
  TestDatabase database_;
  std::unique_ptr<db::PgStore> store_;
};

}  // namespace

absl::Status MigrateToNewest(const std::string& connection_string) {
  return db::MigrateUp(Secret(connection_string)).status();
}

StoreKind PgStoreKind() {
  return {"PostgreSQL", [] { return std::make_unique<PgFixture>(); }};
}

}  // namespace tocsin::testing
