// The stores that the conformance suite runs over.
#include "tests/store/pg_store_kind.h"
#include "tests/store/store_conformance.h"
#include "tests/support/in_memory_store.h"

namespace tocsin::testing {
namespace {

class InMemoryFixture final : public StoreFixture {
 public:
  InMemoryFixture() { store_.SetLeaseClock(lease_now_); }

  CampaignStore& campaigns() override { return store_; }
  DialStore& dial() override { return store_; }
  void PassLeaseTime(absl::Duration time) override {
    lease_now_ += time;
    store_.SetLeaseClock(lease_now_);
  }

 private:
  InMemoryStore store_;
  absl::Time lease_now_ = kNoon;
};

StoreKind InMemoryKind() {
  return {"InMemory", [] { return std::make_unique<InMemoryFixture>(); }};
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreTest, ::testing::Values(PgStoreKind(), InMemoryKind()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace tocsin::testing
