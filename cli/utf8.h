#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

// Whether a byte goes on with a character that an earlier one began.
inline bool IsUtf8Continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// Where a text stops being UTF-8 (overlong forms and surrogates are none);
// nullopt if it is all right.
std::optional<std::size_t> FindInvalidUtf8(std::string_view text);

// How many cells of a terminal a text takes: two for East Asian wide characters
// and emoji, none for combining marks. What is not UTF-8 counts one a byte.
std::size_t DisplayWidth(std::string_view text);

// The beginning of `text` that is at most `width` cells wide; with an ellipsis
// in the last one if anything was cut.
std::string CutToWidth(std::string_view text, std::size_t width);

// `text` without control characters, which could move the cursor: each becomes
// a space.
std::string Printable(std::string_view text);

}  // namespace tocsin
