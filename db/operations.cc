#include "db/operations.h"

#include "db/time_text.h"
#include "fmt/format.h"

namespace tocsin::db {
namespace {

constexpr absl::Duration kRepeatableFor = absl::Hours(1);

std::string UuidText(OperationId id) {
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", id.high >> 32, (id.high >> 16) & 0xffff,
                     id.high & 0xffff, id.low >> 48, id.low & 0xffffffffffffULL);
}

}  // namespace

std::optional<std::string> FindOperation(Session& session, OperationId operation) {
  const pqxx::result found = session.Run(query::kFindOperation, UuidText(operation));
  if (found.empty()) return std::nullopt;
  return std::string(found.front()[0].c_str());
}

void KeepOperation(Session& session, OperationId operation, const std::string& result,
                   absl::Time now) {
  session.Run(query::kInsertOperation, UuidText(operation), TimeText(now), result,
              TimeText(now - kRepeatableFor));
}

}  // namespace tocsin::db
