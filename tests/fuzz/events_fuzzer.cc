// Whatever arrives as a callback: decoded or refused, never a crash. What is
// decoded keeps its key when delivered again, and survives encoding.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "wire/events.h"

namespace tocsin::wire {
namespace {

Event DecodedAgain(std::string_view body) {
  const auto events = DecodeEvents(body);
  TOCSIN_CHECK(events.ok() && events->size() == 1);
  return events->at(0);
}

void Try(std::string_view body) {
  const auto events = DecodeEvents(body);
  if (!events.ok()) {
    TOCSIN_CHECK(!events.status().message().empty());
    return;
  }
  for (const Event& event : *events) {
    TOCSIN_CHECK(EventKey(event).size() <= 128);
    TOCSIN_CHECK(event.canonical.find('\0') == std::string::npos);
    const Event redelivered = DecodedAgain(event.canonical);
    TOCSIN_CHECK(EventKey(redelivered) == EventKey(event));
    TOCSIN_CHECK(redelivered.body == event.body);
    if (std::holds_alternative<UnknownEvent>(event.body)) continue;
    TOCSIN_CHECK(DecodedAgain(EncodeEvent(event)).body == event.body);
  }
}

}  // namespace
}  // namespace tocsin::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tocsin::wire::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
