#include "dialer/provider_text.h"

#include <algorithm>
#include <cstddef>

namespace tocsin::dialer {
namespace {

constexpr std::size_t kCharactersMax = 200;
// Result codes have six digits, the shortest numbers worth hiding seven.
constexpr std::size_t kDigitsShown = 6;
// A signature of ours has 32 characters; tokens and what providers call a context
// have hundreds.
constexpr std::size_t kWordShown = 31;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsSeparator(char c) {
  return c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/';
}

bool IsWordCharacter(char c) {
  return IsDigit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("-_.~+=").find(c) != std::string_view::npos;
}

// 8-4-4-4-12: what a provider's support asks for.
bool IsUuid(std::string_view word) {
  return word.size() == 36 && word[8] == '-' && word[13] == '-' && word[18] == '-' &&
         word[23] == '-';
}

// Names of hosts, events and errors are long too, and have no digits.
bool MayBeSecret(std::string_view word) {
  return word.size() > kWordShown && std::any_of(word.begin(), word.end(), IsDigit) &&
         !IsUuid(word);
}

std::string WithoutSecrets(std::string_view text) {
  std::string kept;
  // No more than can be shown at the end, and what a word may be cut to there.
  while (!text.empty() && kept.size() <= kCharactersMax) {
    const auto end = std::find_if_not(text.begin(), text.end(), IsWordCharacter);
    const std::string_view word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    kept += MayBeSecret(word) ? "***" : word;
    text.remove_prefix(word.size());
    if (text.empty()) break;
    kept += text.front();
    text.remove_prefix(1);
  }
  return kept;
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

std::string Scrubbed(std::string_view said) {
  const std::string text = WithoutSecrets(said);
  std::string scrubbed;
  for (std::size_t i = 0; i < text.size() && scrubbed.size() < kCharactersMax;) {
    if (IsDigit(text[i])) {
      std::size_t digits = 0;
      const std::size_t end = EndOfDigits(text, i, digits);
      if (digits > kDigitsShown) {
        scrubbed += "***";
      } else {
        scrubbed.append(text, i, end - i);
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
