#pragma once
#include <compare>
#include <cstdint>
#include <functional>

namespace tocsin {

// A 64-bit id that cannot be passed where another kind of id is meant.
//
//   using CampaignId = StrongId<struct CampaignIdTag>;
//
// Default-constructed it is 0, which no row ever has.
template <class Tag>
class StrongId {
 public:
  constexpr StrongId() = default;
  constexpr explicit StrongId(std::int64_t value) : value_(value) {}

  constexpr std::int64_t value() const { return value_; }
  constexpr bool is_set() const { return value_ != 0; }

  friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;

 private:
  std::int64_t value_ = 0;
};

}  // namespace tocsin

template <class Tag>
struct std::hash<tocsin::StrongId<Tag>> {
  std::size_t operator()(const tocsin::StrongId<Tag>& id) const noexcept {
    return std::hash<std::int64_t>{}(id.value());
  }
};
