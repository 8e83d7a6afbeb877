#pragma once
#include <cstdint>
#include <optional>

#include "core/end_cause.h"
#include "wire/events_ga.h"

// What the codes at the end of a GA call mean, in one table.
namespace tocsin::wire::ga {

// Total: codes that stand in no table are kProviderError. What a cause makes of an
// attempt is core/end_cause.h's to say.
EndCause CauseOf(const ResultInformation& result);

// The SIP status of the far end in a subcode: 560486 -> 486. nullopt for others.
std::optional<int> SipStatusIn(std::int32_t subcode);

}  // namespace tocsin::wire::ga
