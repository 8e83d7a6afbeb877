// Whatever arrives at either side as a request or an answer of GA: decoded or
// refused, never a crash. The first byte picks the decoder.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "wire/calls_ga.h"

namespace tocsin::wire::ga {
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

void TryError(std::string_view body) {
  const Error error = DecodeError(body);
  TOCSIN_CHECK(DecodeError(Encode(error)) == error);
}

void Try(char which, std::string_view body) {
  switch (which) {
    case 'c': return TryBoth(body, DecodeCreateCallRequest);
    case 'C': return TryBoth(body, DecodeCallConnectionProperties);
    case 'p': return TryBoth(body, DecodePlayRequest);
    case 'r': return TryBoth(body, DecodeRecognizeRequest);
    case 'd': return TryBoth(body, DecodeContinuousDtmfRequest);
    case 's': return TryBoth(body, DecodeSendDtmfTonesRequest);
    case 'a': return TryBoth(body, DecodeAddParticipantRequest);
    case 'A': return TryBoth(body, DecodeAddParticipantResponse);
    case 'R': return TryBoth(body, DecodeRemoveParticipantRequest);
    case 'x': return TryBoth(body, DecodeCancelAddParticipantRequest);
    case 'X': return TryBoth(body, DecodeCancelAddParticipantResponse);
    case 't': return TryBoth(body, DecodeTransferRequest);
    case 'm': return TryBoth(body, DecodeMuteRequest);
    case 'o': return TryBoth(body, DecodeOperationResponse);
    case 'P': return TryBoth(body, DecodeCallParticipant);
    case 'l': return TryBoth(body, DecodeParticipantList);
    default: return TryError(body);
  }
}

}  // namespace
}  // namespace tocsin::wire::ga

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  tocsin::wire::ga::Try(text[0], text.substr(1));
  return 0;
}
