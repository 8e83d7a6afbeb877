#include "core/facts.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(Facts, WithoutItsRawTextAFactSaysTheSame) {
  Fact fact{.kind = FactKind::kEnded,
            .at = absl::FromUnixSeconds(1),
            .received_at = absl::FromUnixSeconds(2),
            .key = "key",
            .number = 3,
            .code = 4,
            .subcode = 5,
            .sip = 6,
            .q850 = 7,
            .cause = EndCause::kBusy,
            .tone = '8',
            .call = "call",
            .text = "text",
            .raw = "raw"};
  const Fact without = WithoutRaw(fact);
  EXPECT_EQ(without.raw, "");
  fact.raw.clear();
  EXPECT_EQ(without, fact);
}

}  // namespace
}  // namespace tocsin
