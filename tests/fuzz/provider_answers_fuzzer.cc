// Whatever a provider answers or tells: taken or not, never a crash, and what is kept
// of its words has neither a number nor a control character in it. The first byte
// picks the dialect.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "dialer/event_facts.h"
#include "dialer/protocol.h"
#include "dialer/provider_text.h"
#include "wire/events.h"
#include "wire/owned_numbers.h"

namespace tocsin::dialer {
namespace {

void MustBeScrubbed(std::string_view text) {
  TOCSIN_CHECK(text.size() <= 200);
  std::size_t digits = 0;
  for (const char c : text) {
    TOCSIN_CHECK(c >= 0x20 && c < 0x7F);
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    TOCSIN_CHECK(digits <= 6);
  }
}

void Try(char which, std::string_view body) {
  const Dialect dialect = which == 'g'   ? Dialect::kGa
                          : which == '4' ? Dialect::kPreview202104
                                         : Dialect::kPreview202105;
  const Protocol& protocol = ProtocolFor(dialect, Spelling{});
  const auto call = protocol.ReadCallId(body);
  TOCSIN_CHECK(!call || !call->empty());
  MustBeScrubbed(protocol.ReadError(body).text);
  MustBeScrubbed(Scrubbed(body));
  static_cast<void>(wire::DecodeOwnedNumbers(body).ok());
  const auto events = wire::DecodeEvents(body);
  if (!events.ok()) return;
  const absl::Time now = absl::FromUnixSeconds(1'764'000'000);
  for (const wire::Event& event : *events) {
    const Fact fact = FactOf(event, now);
    MustBeScrubbed(fact.text);
    TOCSIN_CHECK(fact.received_at == now && fact.key.size() <= 128);
  }
}

}  // namespace
}  // namespace tocsin::dialer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  tocsin::dialer::Try(text[0], text.substr(1));
  return 0;
}
