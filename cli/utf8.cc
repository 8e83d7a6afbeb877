#include "cli/utf8.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace tocsin {
namespace {

struct Decoded {
  char32_t character = 0;
  std::size_t size = 0;  // 0: not UTF-8.
};

Decoded DecodeAt(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + size > text.size()) return {};
  char32_t character = lead & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (!IsUtf8Continuation(text[at + i])) return {};
    character = (character << 6U) | (byte(at + i) & 0x3FU);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
  if (character < kSmallest[size] || surrogate || character > 0x10FFFF) return {};
  return {character, size};
}

struct Range {
  char32_t first;
  char32_t last;
};

// Marks that sit on the character before them, joiners and variation selectors.
constexpr Range kNoWidth[] = {
    {0x0300, 0x036F},   {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
    {0x0900, 0x0902},   {0x093C, 0x093C}, {0x0941, 0x0948}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A},
    {0x0E47, 0x0E4E},   {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x202A, 0x202E},
    {0x2060, 0x2064},   {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF},
    {0xE0100, 0xE01EF},
};

// East Asian wide and full-width forms, and emoji.
constexpr Range kTwoWide[] = {
    {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
    {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1FAFF}, {0x20000, 0x3FFFD},
};

template <std::size_t N>
bool In(const Range (&ranges)[N], char32_t character) {
  const Range* after =
      std::upper_bound(std::begin(ranges), std::end(ranges), character,
                       [](char32_t value, const Range& range) { return value < range.first; });
  return after != std::begin(ranges) && character <= std::prev(after)->last;
}

std::size_t WidthOf(char32_t character) {
  if (In(kNoWidth, character)) return 0;
  return In(kTwoWide, character) ? 2 : 1;
}

}  // namespace

std::optional<std::size_t> FindInvalidUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = DecodeAt(text, at).size;
    if (size == 0) return at;
    at += size;
  }
  return std::nullopt;
}

std::size_t DisplayWidth(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Decoded decoded = DecodeAt(text, at);
    width += decoded.size == 0 ? 1 : WidthOf(decoded.character);
    at += std::max<std::size_t>(decoded.size, 1);
  }
  return width;
}

std::string CutToWidth(std::string_view text, std::size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return "";
  std::size_t used = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const Decoded decoded = DecodeAt(text, at);
    const std::size_t next = decoded.size == 0 ? 1 : WidthOf(decoded.character);
    if (used + next > width - 1) break;
    used += next;
    at += std::max<std::size_t>(decoded.size, 1);
  }
  return std::string(text.substr(0, at)) + "…";
}

std::string Printable(std::string_view text) {
  std::string printable(text);
  for (std::size_t at = 0; at < printable.size(); ++at) {
    const auto byte = static_cast<unsigned char>(printable[at]);
    if (byte < 0x20 || byte == 0x7F) printable[at] = ' ';
    // C1 controls, which some terminals obey: U+0080 to U+009F.
    const bool c1 = byte == 0xC2 && at + 1 < printable.size() &&
                    static_cast<unsigned char>(printable[at + 1]) < 0xA0;
    if (c1) printable[at] = printable[at + 1] = ' ';
  }
  return printable;
}

}  // namespace tocsin
