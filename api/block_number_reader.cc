#include "api/block_number_reader.h"

#include <optional>
#include <string>

namespace tocsin {
namespace {

constexpr std::size_t kE164Size = 12;  // "+12025550123"

bool IsPunctuation(char c) {
  return c == ' ' || c == '-' || c == '.' || c == '(' || c == ')';
}

// The number that a text stands for if it is plainly one of the North American
// plan as people there write it: "+1" or "1" or nothing, ten digits, and
// punctuation.
std::optional<std::string> PlainNanp(std::string_view text, std::string_view region) {
  std::string digits;
  bool international = false;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      if (digits.size() == kE164Size) return std::nullopt;
      digits += c;
    } else if (c == '+' && digits.empty() && !international) {
      international = true;
    } else if (!IsPunctuation(c)) {
      return std::nullopt;
    }
  }
  const bool local = !international && (region == "US" || region == "CA");
  if (digits.size() == 11 && digits.front() == '1' && (international || local)) {
    return "+" + digits;
  }
  if (digits.size() == 10 && local) return "+1" + digits;
  return std::nullopt;
}

// The seven digits behind "+1". REQUIRES: `e164` is of PlainNanp().
std::size_t BlockOf(std::string_view e164) {
  std::size_t block = 0;
  for (const char c : e164.substr(2, 7)) block = 10 * block + static_cast<std::size_t>(c - '0');
  return block;
}

}  // namespace

BlockNumberReader::BlockNumberReader(const PhoneNumberReader& reader)
    : reader_(reader), known_(std::make_unique<Bits>()) {}

absl::StatusOr<PhoneNumber> BlockNumberReader::Read(std::string_view text,
                                                    std::string_view default_region) const {
  const std::optional<std::string> plain = PlainNanp(text, default_region);
  if (!plain) return reader_.Read(text, default_region);

  const std::size_t block = BlockOf(*plain);
  std::atomic<std::uint64_t>& word = (*known_)[block / 64];
  const std::uint64_t bit = std::uint64_t{1} << (block % 64);
  // Relaxed: a bit says all by itself, and not to see it costs only time.
  if ((word.load(std::memory_order_relaxed) & bit) != 0) return PhoneNumber::Parse(*plain);

  absl::StatusOr<PhoneNumber> number = reader_.Read(text, default_region);
  if (number.ok() && number->e164() == *plain) word.fetch_or(bit, std::memory_order_relaxed);
  return number;
}

std::string BlockNumberReader::RegionOf(const PhoneNumber& number) const {
  return reader_.RegionOf(number);
}

}  // namespace tocsin
