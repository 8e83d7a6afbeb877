#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/store.h"

namespace tocsin::testing {

// A store of a test's own, empty but for what every store has: tenant 1.
class StoreFixture {
 public:
  virtual ~StoreFixture() = default;
  virtual CampaignStore& campaigns() = 0;
  virtual DialStore& dial() = 0;
  // Lets the lease's clock run on; a store by the database's clock waits.
  virtual void PassLeaseTime(absl::Duration time) = 0;
};

// One kind of store for the conformance suite; the name appears in the test's.
struct StoreKind {
  const char* name;
  std::function<std::unique_ptr<StoreFixture>()> make;
};

}  // namespace tocsin::testing
