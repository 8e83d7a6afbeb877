#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "wire/identifier.h"
#include "wire/json_reader.h"
#include "wire/json_text.h"

// Values that several bodies share. For the .cc files of wire/ only.
namespace tocsin::wire {

// Deeper than any request or answer of this API by far.
inline constexpr int kBodyDepthMax = 16;

// Whether `text` is an absolute http or https URL without anything that would
// break a request line.
bool IsHttpUrl(std::string_view text);

// The member as such a URL.
absl::StatusOr<std::string> ReadUrl(const ObjectReader& reader, Names names);
// The same; empty if it is missing or null.
absl::StatusOr<std::string> ReadUrlOrEmpty(const ObjectReader& reader, Names names);

// {"value": "+1..."}; empty if there is none. Some clients send a whole party.
absl::StatusOr<std::string> ReadNumber(const ObjectReader& reader, Names names);
// The same, written.
std::string NumberJson(std::string_view number);

// The member as a party that has an id; kInvalidArgument if it is missing.
absl::StatusOr<Identifier> ReadParty(const ObjectReader& reader, Names names);

// The member as an integer from `min` to `max`; `missing` if it is not there.
absl::StatusOr<int> ReadIntegerIn(const ObjectReader& reader, Names names, int min, int max,
                                  int missing);

// Adds the member unless `value` is empty.
void AddUnlessEmpty(JsonObject& object, std::string_view name, std::string_view value);

}  // namespace tocsin::wire
