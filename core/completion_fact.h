#pragma once
#include "core/facts.h"
#include "core/gateway.h"

namespace tocsin {

// What the log keeps of a create-call's completion. A send has one result, so
// the key is made of the kind and the send's number.
Fact FactOf(const CreateCallCompletion& completion);

}  // namespace tocsin
