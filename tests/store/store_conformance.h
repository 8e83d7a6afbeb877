#pragma once
#include <memory>

#include "gtest/gtest.h"
#include "tests/store/store_fixture.h"
#include "tests/store/store_harness.h"

namespace tocsin::testing {

// What every store must do, whatever it keeps its rows in.
class StoreTest : public ::testing::TestWithParam<StoreKind> {
 protected:
  StoreTest() : fixture_(GetParam().make()), h_(fixture_->campaigns(), fixture_->dial()) {}

  std::unique_ptr<StoreFixture> fixture_;
  StoreHarness h_;
};

}  // namespace tocsin::testing
