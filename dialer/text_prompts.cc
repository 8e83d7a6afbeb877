#include "dialer/text_prompts.h"

#include <charconv>
#include <cstdint>

#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "wire/digest.h"

namespace tocsin::dialer {
namespace {

constexpr std::string_view kPrefix = "t.";
// As of callback URLs.
constexpr std::size_t kSignatureBytes = 24;

// The prefix keeps these signatures apart from any other use of the secret.
std::string Signature(const wire::CallbackKey& key, CampaignId campaign, TextId text) {
  const std::string mac =
      wire::HmacSha256(key.secret.Reveal(),
                       fmt::format("tocsin text prompt 1\n{}/{}", campaign.value(), text.value()));
  return wire::Base64Url(std::string_view(mac).substr(0, kSignatureBytes));
}

// Only the spelling that NameOf() uses.
std::optional<std::int64_t> ReadId(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value <= 0 || text.front() == '0') return std::nullopt;
  return value;
}

}  // namespace

std::string TextPrompts::NameOf(CampaignId campaign, TextId text) const {
  return fmt::format("{}{}.{}.{}.{}.wav", kPrefix, campaign.value(), text.value(), keys_[0].id,
                     Signature(keys_[0], campaign, text));
}

bool TextPrompts::IsOne(std::string_view name) {
  return name.starts_with(kPrefix);
}

std::optional<TextPrompts::Named> TextPrompts::Verify(std::string_view name) const {
  const std::vector<std::string> parts =
      absl::StrSplit(absl::string_view(name.data(), name.size()), '.');
  if (!IsOne(name) || parts.size() != 6 || parts[5] != "wav") return std::nullopt;
  const auto campaign = ReadId(parts[1]);
  const auto text = ReadId(parts[2]);
  if (!campaign || !text) return std::nullopt;
  const Named named{CampaignId(*campaign), TextId(*text)};
  for (const wire::CallbackKey& key : keys_) {
    if (key.id == parts[3] &&
        wire::EqualInConstantTime(Signature(key, named.campaign, named.text), parts[4])) {
      return named;
    }
  }
  return std::nullopt;
}

absl::StatusOr<SharedWav> TextPrompts::Find(std::string_view name) const {
  const auto named = Verify(name);
  if (!named) return NotFound("no such prompt");
  TOCSIN_ASSIGN_OR_RETURN(const SpokenMessage message,
                          store_.GetText(named->campaign, named->text));
  auto wav = speak_(message);
  // What cannot be said here now may be said elsewhere, or later.
  if (!wav.ok()) return Unavailable("{}", Message(wav.status()));
  return wav;
}

}  // namespace tocsin::dialer
