#include "core/disposition.h"

#include "core/named_enum.h"

namespace tocsin {

TOCSIN_DEFINE_ENUM_NAMES(Disposition, "ANSWERED", "BUSY", "NO_ANSWER", "DECLINED", "INVALID_NUMBER",
                         "UNREACHABLE", "NETWORK_BLOCKED", "CONGESTION", "CONFIG_ERROR",
                         "PROVIDER_ERROR", "CANCELED", "LOST")
TOCSIN_DEFINE_ENUM_NAMES(DispositionSource, "OBSERVED", "INFERRED")
TOCSIN_DEFINE_ENUM_NAMES(Delivery, "NONE", "PARTIAL", "FULL", "UNKNOWN")
TOCSIN_DEFINE_ENUM_NAMES(AnsweredBy, "NOBODY", "UNKNOWN", "HUMAN", "MACHINE")
TOCSIN_DEFINE_ENUM_NAMES(Outcome, "CONFIRMED", "DELIVERED_UNCONFIRMED", "PARTIAL", "NOT_REACHED",
                         "REFUSED", "OPTED_OUT", "NO_USABLE_NUMBER", "SUPPRESSED", "EXPIRED",
                         "CANCELED", "UNKNOWN")

}  // namespace tocsin
