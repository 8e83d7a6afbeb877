#include "speech/english_voice.h"

#include <flite/flite.h>

#include <cstdint>

#include "base/check.h"

// Voices are libraries of their own, without a header.
extern "C" cst_voice* register_cmu_us_kal16(const char* voxdir);

namespace tocsin::speech {
namespace {

// U+00C0 to U+017F without what stands on, under or through the letter.
constexpr std::string_view kPlainLetters =
    "AAAAAAACEEEEIIIIDNOOOOO OUUUUYTsaaaaaaaceeeeiiiidnooooo ouuuuyty"
    "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlLlLlNnNnNnnNn"
    "OoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

// What else is common in messages.
std::string_view SignInEnglish(std::uint32_t code) {
  switch (code) {
    case 0x00A3: return " pounds ";
    case 0x20AC: return " euros ";
    case 0x00B0: return " degrees ";
    case 0x2018:
    case 0x2019: return "'";
    case 0x2013:
    case 0x2014: return ", ";
    case 0x2026: return ". ";
    default: return " ";
  }
}

// The character that begins at `at`, which moves on behind it. The text is UTF-8.
std::uint32_t NextCode(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  std::uint32_t code = lead < 0xE0 ? lead & 0x1FU : lead < 0xF0 ? lead & 0x0FU : lead & 0x07U;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) {
    code = code << 6U | (static_cast<unsigned char>(text[at++]) & 0x3FU);
  }
  return code;
}

}  // namespace

std::string InEnglishLetters(std::string_view text) {
  constexpr std::uint32_t kFirst = 0xC0;
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t code = NextCode(text, at);
    if (code < 0x20 || code == 0x7F) {
      plain += ' ';
    } else if (code < 0x80) {
      plain += static_cast<char>(code);
    } else if (code >= kFirst && code < kFirst + kPlainLetters.size()) {
      plain += kPlainLetters[code - kFirst];
    } else {
      plain += SignInEnglish(code);
    }
  }
  return plain;
}

Samples SayInEnglish(const std::string& text) {
  static cst_voice* const voice = [] {
    flite_init();
    return register_cmu_us_kal16(nullptr);
  }();
  TOCSIN_CHECK(voice != nullptr);
  Samples samples;
  cst_wave* const wave = flite_text_to_wave(InEnglishLetters(text).c_str(), voice);
  if (wave == nullptr) return samples;
  samples.rate = wave->sample_rate;
  samples.values.assign(wave->samples, wave->samples + wave->num_samples);
  delete_wave(wave);
  return Resampled(samples);
}

}  // namespace tocsin::speech
