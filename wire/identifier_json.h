#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "wire/calls_2021.h"
#include "wire/json_reader.h"

// How parties, statuses and results stand in JSON, in requests and in events
// alike. For the .cc files of wire/ only.
namespace tocsin::wire {

// 2021 writes requests in camelCase and event data in PascalCase; GA writes
// camelCase everywhere and names the kind of a party.
enum class Casing { kCamel, kPascal, kGa };

std::string IdentifierJson(const Identifier& identifier, Casing casing);
std::string IdentifiersJson(const std::vector<Identifier>& identifiers, Casing casing);
// "null" if there is none.
std::string ResultInfoJson(const std::optional<ResultInfo>& info, Casing casing);
std::string_view StatusName(OperationStatus status, Casing casing);

// The kind follows from the member that is there, or else from the raw id; of
// several members of that sort the party is refused.
absl::StatusOr<Identifier> ReadIdentifier(const ObjectReader& reader);
// Every element of the array `json`, which is called `name` in messages.
// Null elements, which the published samples contain, are skipped.
absl::StatusOr<std::vector<Identifier>> ReadIdentifiers(const ObjectReader& outer,
                                                        const nlohmann::json& json,
                                                        std::string_view name);
absl::StatusOr<std::optional<ResultInfo>> ReadResultInfo(const ObjectReader& outer);
absl::StatusOr<OperationStatus> ReadStatus(const ObjectReader& outer);

}  // namespace tocsin::wire
