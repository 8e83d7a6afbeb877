#include "dialer/provider_text.h"

#include <cstddef>

namespace tocsin::dialer {
namespace {

constexpr std::size_t kCharactersMax = 200;
// Result codes have six digits, the shortest numbers worth hiding seven.
constexpr std::size_t kDigitsShown = 6;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsSeparator(char c) {
  return c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/';
}

// The end of the run of digits that begins at `begin`, and how many there are.
// A separator belongs to the run only if a digit follows it.
std::size_t EndOfDigits(std::string_view text, std::size_t begin, std::size_t& digits) {
  std::size_t end = begin;
  for (std::size_t i = begin; i < text.size(); ++i) {
    if (IsDigit(text[i])) {
      ++digits;
      end = i + 1;
    } else if (!IsSeparator(text[i])) {
      break;
    }
  }
  return end;
}

}  // namespace

std::string Scrubbed(std::string_view text) {
  std::string scrubbed;
  for (std::size_t i = 0; i < text.size() && scrubbed.size() < kCharactersMax;) {
    if (IsDigit(text[i])) {
      std::size_t digits = 0;
      const std::size_t end = EndOfDigits(text, i, digits);
      if (digits > kDigitsShown) {
        scrubbed += "***";
      } else {
        scrubbed += text.substr(i, end - i);
      }
      i = end;
      continue;
    }
    scrubbed += text[i] >= 0x20 && text[i] < 0x7F ? text[i] : '?';
    ++i;
  }
  if (scrubbed.size() > kCharactersMax) scrubbed.resize(kCharactersMax);
  return scrubbed;
}

}  // namespace tocsin::dialer
