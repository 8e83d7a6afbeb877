#include "core/facts.h"

#include "core/named_enum.h"
#include "fmt/format.h"

namespace tocsin {

TOCSIN_DEFINE_ENUM_NAMES(FactKind, "CREATE_ACCEPTED", "CREATE_REFUSED", "CREATE_THROTTLED",
                         "CREATE_NOT_SENT", "CREATE_UNKNOWN", "CREATE_REPEATED", "RINGING",
                         "ANSWERED", "ENDING", "ENDED", "TONE", "PLAY_STARTED", "PLAY_ENDED",
                         "JOINED", "TRANSFERRED", "TRANSFER_FAILED", "OTHER_EVENT",
                         "ACTION_ACCEPTED", "ACTION_REFUSED", "HANG_UP_ORDERED", "GONE", "LOST")

std::string OwnFactKey(FactKind kind, int number) {
  return fmt::format("{}/{}", Name(kind), number);
}

Fact WithoutRaw(const Fact& fact) {
  return {.kind = fact.kind,
          .at = fact.at,
          .received_at = fact.received_at,
          .key = fact.key,
          .number = fact.number,
          .code = fact.code,
          .subcode = fact.subcode,
          .sip = fact.sip,
          .q850 = fact.q850,
          .cause = fact.cause,
          .tone = fact.tone,
          .call = fact.call,
          .text = fact.text,
          .raw = {}};
}

}  // namespace tocsin
