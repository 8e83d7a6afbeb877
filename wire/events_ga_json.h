#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "wire/events_ga.h"
#include "wire/json_reader.h"

// How GA's events stand in JSON. For the .cc files of wire/ only.
namespace tocsin::wire::ga {

// Also under the names that the documentation has and the SDK has not. In any
// case; nullopt if there is no such type.
std::optional<EventType> EventTypeNamed(std::string_view name);

// The event whose "data" is `data`. Unset for a tone that we do not know.
absl::StatusOr<std::optional<CallEvent>> ReadCallEvent(EventType type, const ObjectReader& data,
                                                       std::string call_connection_id);

// The "data" of an event.
std::string DataJson(const CallEvent& event);

}  // namespace tocsin::wire::ga
