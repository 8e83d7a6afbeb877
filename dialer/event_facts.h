#pragma once
#include "absl/time/time.h"
#include "core/facts.h"
#include "wire/events.h"

namespace tocsin::dialer {

// What the log keeps of a provider's event. Total: an event that says nothing
// to us becomes kOtherEvent with its type as text. Its time is the provider's,
// or `received_at` if it has none or an absurd one.
Fact FactOf(const wire::Event& event, absl::Time received_at);

}  // namespace tocsin::dialer
