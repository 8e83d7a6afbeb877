#pragma once
#include <compare>
#include <cstdint>
#include <functional>

#include "base/strong_id.h"

namespace tocsin {

// Time-ordered: the creation time in milliseconds since 1970 shifted left by
// 16 bits, plus 16 random bits. Partitions are ranges of it.
using CampaignId = StrongId<struct CampaignIdTag>;

// A person in a campaign. Unique within the campaign only.
using RecipientId = StrongId<struct RecipientIdTag>;

// One try to reach somebody. Unique within the campaign only; see AttemptKey.
using AttemptId = StrongId<struct AttemptIdTag>;

using TenantId = StrongId<struct TenantIdTag>;
using TrunkId = StrongId<struct TrunkIdTag>;
using ImportId = StrongId<struct ImportIdTag>;
using PromptId = StrongId<struct PromptIdTag>;
// What somebody is told in words, within the campaign; see TextIdOf().
using TextId = StrongId<struct TextIdTag>;

// Our name for a call: what stands in the callback URL, in every log line and
// in front of every row. Never the provider's call id.
struct AttemptKey {
  CampaignId campaign;
  AttemptId attempt;

  friend auto operator<=>(const AttemptKey&, const AttemptKey&) = default;
};

// Names one wish of a caller, so that wishing again after a lost answer gives
// the first answer instead of a second effect. 128 random bits.
struct OperationId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend auto operator<=>(const OperationId&, const OperationId&) = default;
};

}  // namespace tocsin

template <>
struct std::hash<tocsin::AttemptKey> {
  std::size_t operator()(const tocsin::AttemptKey& key) const noexcept {
    // Attempt ids are dense: the multiplication spreads campaigns apart.
    return static_cast<std::size_t>(key.campaign.value()) * 0x9E3779B97F4A7C15ULL ^
           static_cast<std::size_t>(key.attempt.value());
  }
};
