#pragma once
#include <optional>

#include "core/facts.h"
#include "core/gateway.h"

namespace tocsin {

// What the log keeps of a create-call's completion. A send has one result, so
// the key is made of the kind and the send's number. Nothing of a repetition that
// never left.
std::optional<Fact> FactOf(const CreateCallCompletion& completion);

}  // namespace tocsin
