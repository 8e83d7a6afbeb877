#pragma once
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "core/ids.h"
#include "db/transaction.h"

namespace tocsin::db {

// The result that an operation had the first time; unset if it is new.
std::optional<std::string> FindOperation(Session& session, OperationId operation);

// Keeps it for about an hour. In the transaction that has the effect.
void KeepOperation(Session& session, OperationId operation, const std::string& result,
                   absl::Time now);

}  // namespace tocsin::db
