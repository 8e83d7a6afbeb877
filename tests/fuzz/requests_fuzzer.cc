// Whatever arrives at either side as a request, an answer or a URL: decoded or
// refused, never a crash. The first byte picks the decoder.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "wire/callback_url.h"
#include "wire/calls_2021.h"
#include "wire/identifier.h"
#include "wire/json_web_token.h"
#include "wire/owned_numbers.h"
#include "wire/paths.h"
#include "wire/paths_ga.h"
#include "wire/request_signing.h"
#include "wire/tones.h"

namespace tocsin::wire {
namespace {

// What was decoded must encode to something that decodes to the same.
template <class Decode>
void TryBoth(std::string_view body, Decode decode) {
  const auto decoded = decode(body);
  if (!decoded.ok()) {
    TOCSIN_CHECK(!decoded.status().message().empty());
    return;
  }
  const auto again = decode(Encode(*decoded));
  TOCSIN_CHECK(again.ok() && *again == *decoded);
}

void TryUrls(std::string_view text) {
  const std::string_view query = text.substr(std::min(text.find('?'), text.size()));
  static const CallbackSigner signer = *CallbackSigner::Create({{"k", Secret("0123456789abcdef")}});
  TOCSIN_CHECK(!signer.Verify(WithoutQuery(text), query).ok());
  for (const std::string_view method : {"POST", "DELETE", "GET"}) {
    static_cast<void>(ParseRoute(method, text));
    const auto route = ga::ParseRoute(method, text);
    if (!route) continue;
    const std::string path = ga::Path(*route);
    TOCSIN_CHECK(ga::ParseRoute(method, WithoutQuery(path)) == route);
  }
  static_cast<void>(ParseConnectionString(text).ok());
  static_cast<void>(ParseRfc1123(text).ok());
}

void TryToken(std::string_view text) {
  static_cast<void>(TokenKeys::Parse(text).ok());
  TOCSIN_CHECK(TokenKeys().Verify(text, "i", "a", absl::UnixEpoch()) != TokenVerdict::kGood);
  TokenExpiry(text);
  static_cast<void>(ParseOpenIdConfiguration(text));
}

void TryIdentifier(std::string_view text) {
  TOCSIN_CHECK(RawId(ParseRawId(text)) == text);
  static_cast<void>(ToneNamed(text));
  static_cast<void>(ToneNamedGa(text));
}

void TryOwnedNumbers(std::string_view body) {
  const auto numbers = DecodeOwnedNumbers(body);
  TOCSIN_CHECK(numbers.ok() || !numbers.status().message().empty());
}

void Try(char which, std::string_view body) {
  switch (which) {
    case 'c': return TryBoth(body, DecodeCreateCallRequest);
    case 'C': return TryBoth(body, DecodeCreateCallResponse);
    case 'p': return TryBoth(body, DecodePlayAudioRequest);
    case 'm': return TryBoth(body, DecodeCancelMediaRequest);
    case 'i': return TryBoth(body, DecodeInviteParticipantsRequest);
    case 'j': return TryBoth(body, DecodeJoinRequest);
    case 'o': return TryBoth(body, DecodeOperationResult);
    case 'k': return TryToken(body);
    case 'I': return TryIdentifier(body);
    case 'O': return TryOwnedNumbers(body);
    case 'e': static_cast<void>(DecodeErrorBody(body)); return;
    default: return TryUrls(body);
  }
}

}  // namespace
}  // namespace tocsin::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  tocsin::wire::Try(text[0], text.substr(1));
  return 0;
}
