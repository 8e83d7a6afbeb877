#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/phone_number.h"

namespace tocsin {

// A PhoneNumberReader that remembers what another one has said of blocks of a
// thousand numbers of the North American plan, and then need not ask it again:
// there, whether a number can exist is decided by its first seven digits
// (tests/unit/block_number_reader_test.cc holds the library beneath to that).
// Libraries of numbers read 80,000 a second; a list has many more, and most of
// them are of a few blocks.
//
// Reads exactly what the other one reads: whatever is not plainly ten digits
// of the plan, and every number that cannot exist, goes to it. 1.25 MB.
// Thread-safe; `reader` must outlive it.
class BlockNumberReader final : public PhoneNumberReader {
 public:
  explicit BlockNumberReader(const PhoneNumberReader& reader);

  absl::StatusOr<PhoneNumber> Read(std::string_view text,
                                   std::string_view default_region) const override;
  std::string RegionOf(const PhoneNumber& number) const override;

 private:
  // A bit for each seven digits: a number of the block has been found to exist.
  using Bits = std::array<std::atomic<std::uint64_t>, 10'000'000 / 64>;

  const PhoneNumberReader& reader_;
  std::unique_ptr<Bits> known_;
};

}  // namespace tocsin
