#pragma once
#include <string>

#include "absl/status/status.h"
#include "tests/store/store_fixture.h"

namespace tocsin::testing {

// For TestDatabase: db's migrator.
absl::Status MigrateToNewest(const std::string& connection_string);

// The store over a database of the test's own.
StoreKind PgStoreKind();

}  // namespace tocsin::testing
