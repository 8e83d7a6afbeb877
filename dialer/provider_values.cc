#include "dialer/provider_values.h"

#include <charconv>
#include <utility>

#include "dialer/provider_text.h"
#include "fmt/format.h"
#include "wire/digest.h"

namespace tocsin::dialer {
namespace {

constexpr std::size_t kCallIdBytesMax = 256;

}  // namespace

bool IsCallId(std::string_view id) {
  return !id.empty() && id.size() <= kCallIdBytesMax;
}

std::string LocaleOf(std::string_view language) {
  constexpr std::pair<std::string_view, std::string_view> kUsual[] = {
      {"ar", "ar-EG"}, {"cs", "cs-CZ"}, {"da", "da-DK"}, {"de", "de-DE"}, {"el", "el-GR"},
      {"en", "en-US"}, {"es", "es-ES"}, {"fi", "fi-FI"}, {"fr", "fr-FR"}, {"he", "he-IL"},
      {"hi", "hi-IN"}, {"hu", "hu-HU"}, {"it", "it-IT"}, {"ja", "ja-JP"}, {"ko", "ko-KR"},
      {"nb", "nb-NO"}, {"nl", "nl-NL"}, {"pl", "pl-PL"}, {"pt", "pt-BR"}, {"ro", "ro-RO"},
      {"ru", "ru-RU"}, {"sv", "sv-SE"}, {"th", "th-TH"}, {"tr", "tr-TR"}, {"uk", "uk-UA"},
      {"vi", "vi-VN"}, {"zh", "zh-CN"}};
  for (const auto& [bare, locale] : kUsual) {
    if (language == bare) return std::string(locale);
  }
  return std::string(language);
}

std::string GuidOf(std::string_view text) {
  std::string bytes = wire::Sha256(text).substr(0, 16);
  // Version 8, made by a rule of one's own, and the variant that all GUIDs have.
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | 0x80);
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);
  const std::string hex = wire::Hex(bytes);
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20, 12));
}

ProviderError ErrorOf(std::string_view code, std::string_view message) {
  ProviderError error;
  if (code.empty() && message.empty()) return error;
  const auto [end, failed] = std::from_chars(code.data(), code.data() + code.size(), error.subcode);
  if (failed != std::errc() || end != code.data() + code.size()) error.subcode = 0;
  error.text = Scrubbed(fmt::format("{}: {}", code, message));
  return error;
}

}  // namespace tocsin::dialer
