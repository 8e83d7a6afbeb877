#include "wire/tones.h"

#include "absl/strings/match.h"
#include "base/check.h"

namespace tocsin::wire {
namespace {

struct ToneSpelling {
  char tone;
  std::string_view name_2021;
  std::string_view name_ga;
};
constexpr ToneSpelling kTones[] = {
    {'0', "Tone0", "zero"},  {'1', "Tone1", "one"},     {'2', "Tone2", "two"},
    {'3', "Tone3", "three"}, {'4', "Tone4", "four"},    {'5', "Tone5", "five"},
    {'6', "Tone6", "six"},   {'7', "Tone7", "seven"},   {'8', "Tone8", "eight"},
    {'9', "Tone9", "nine"},  {'*', "Star", "asterisk"}, {'#', "Pound", "pound"},
    {'a', "A", "a"},         {'b', "B", "b"},           {'c', "C", "c"},
    {'d', "D", "d"},
};

bool SameName(std::string_view left, std::string_view right) {
  return absl::EqualsIgnoreCase({left.data(), left.size()}, {right.data(), right.size()});
}

const ToneSpelling* Find(char tone) {
  for (const ToneSpelling& known : kTones) {
    if (known.tone == tone) return &known;
  }
  return nullptr;
}

}  // namespace

std::optional<char> ToneNamed(std::string_view name) {
  if (name.size() == 1 && IsTone(name[0])) return name[0];
  // "ToneStar" is as good as "Star"; "tone7" is in the table already.
  constexpr std::string_view kTone = "tone";
  std::string_view rest = name;
  if (name.size() > kTone.size() && SameName(name.substr(0, kTone.size()), kTone)) {
    rest.remove_prefix(kTone.size());
  }
  for (const ToneSpelling& known : kTones) {
    for (const std::string_view word : {known.name_2021, known.name_ga}) {
      if (SameName(name, word) || SameName(rest, word)) return known.tone;
    }
  }
  return std::nullopt;
}

std::string_view ToneName2021(char tone) {
  const ToneSpelling* const found = Find(tone);
  TOCSIN_CHECK(found != nullptr);
  return found->name_2021;
}

std::string_view ToneNameGa(char tone) {
  const ToneSpelling* const found = Find(tone);
  TOCSIN_CHECK(found != nullptr);
  return found->name_ga;
}

std::optional<char> ToneNamedGa(std::string_view name) {
  for (const ToneSpelling& known : kTones) {
    if (known.name_ga == name) return known.tone;
  }
  return std::nullopt;
}

bool IsTone(char tone) {
  return Find(tone) != nullptr;
}

}  // namespace tocsin::wire
