#include "wire/callback_url.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "wire/digest.h"

namespace tocsin::wire {
namespace {

constexpr std::size_t kSecretMinBytes = 16;
constexpr std::size_t kKeyIdMaxLength = 32;
// 192 bits are more than anybody will guess, and 24 bytes are 32 characters.
constexpr std::size_t kSignatureBytes = 24;
constexpr std::string_view kCallbacks = "callbacks";

bool IsKeyIdCharacter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// The prefix keeps these signatures apart from any other use of the secret.
std::string Signature(const CallbackKey& key, const SignedCallback& callback) {
  std::string text = fmt::format("tocsin callback 1\n{}/{}", callback.attempt.campaign.value(),
                                 callback.attempt.attempt.value());
  if (callback.token_trunk.is_set()) text += fmt::format("\n{}", callback.token_trunk.value());
  const std::string mac = HmacSha256(key.secret.Reveal(), text);
  return Base64Url(std::string_view(mac).substr(0, kSignatureBytes));
}

// Takes the last segment off `path`; empty if there is none.
std::string_view TakeLastSegment(std::string_view& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view segment = path.substr(slash + 1);
  path = path.substr(0, slash);
  return segment;
}

// Only the spelling that Sign() uses: no sign, no leading zero.
std::optional<std::int64_t> ParseId(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || text[0] == '-' || text[0] == '0') return std::nullopt;
  return value;
}

// The value of the first parameter of that name, still percent-encoded: ours
// need no encoding.
std::string_view RawParameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return {};
}

}  // namespace

absl::StatusOr<CallbackSigner> CallbackSigner::Create(std::vector<CallbackKey> keys) {
  if (keys.empty()) return InvalidArgument("callback keys: at least one is needed");
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string& id = keys[i].id;
    if (id.empty() || id.size() > kKeyIdMaxLength ||
        !std::all_of(id.begin(), id.end(), IsKeyIdCharacter)) {
      return InvalidArgument("callback keys: the id of key {} must be 1 to {} of A-Z a-z 0-9 _ -",
                             i + 1, kKeyIdMaxLength);
    }
    if (keys[i].secret.Reveal().size() < kSecretMinBytes) {
      return InvalidArgument("callback keys: the secret of '{}' must have at least {} bytes", id,
                             kSecretMinBytes);
    }
    const auto same_id = [&id](const CallbackKey& other) { return other.id == id; };
    if (std::any_of(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(i), same_id)) {
      return InvalidArgument("callback keys: '{}' comes twice", id);
    }
  }
  return CallbackSigner(std::move(keys));
}

CallbackSigner::CallbackSigner(std::vector<CallbackKey> keys) : keys_(std::move(keys)) {}

std::string CallbackSigner::Sign(const SignedCallback& callback, std::string_view base_url) const {
  if (base_url.ends_with('/')) base_url.remove_suffix(1);
  const std::string trunk =
      callback.token_trunk.is_set() ? fmt::format("t={}&", callback.token_trunk.value()) : "";
  return fmt::format("{}/{}/{}/{}?{}k={}&s={}", base_url, kCallbacks,
                     callback.attempt.campaign.value(), callback.attempt.attempt.value(), trunk,
                     keys_[0].id, Signature(keys_[0], callback));
}

absl::StatusOr<SignedCallback> CallbackSigner::Verify(std::string_view raw_path,
                                                      std::string_view raw_query) const {
  SignedCallback callback;
  TOCSIN_ASSIGN_OR_RETURN(callback.attempt, ParseCallbackPath(raw_path));
  const std::string_view key_id = RawParameter(raw_query, "k");
  const std::string_view signature = RawParameter(raw_query, "s");
  const std::string_view trunk = RawParameter(raw_query, "t");
  if (key_id.empty() || signature.empty()) {
    return InvalidArgument("callback URL: the query must have k and s");
  }
  if (!trunk.empty()) {
    const std::optional<std::int64_t> id = ParseId(trunk);
    if (!id) return InvalidArgument("callback URL: t must be the number of a trunk");
    callback.token_trunk = TrunkId(*id);
  }
  for (const CallbackKey& key : keys_) {
    if (key.id == key_id && EqualInConstantTime(Signature(key, callback), signature)) {
      return callback;
    }
  }
  return absl::UnauthenticatedError("callback URL: wrong signature or unknown key");
}

absl::StatusOr<AttemptKey> ParseCallbackPath(std::string_view raw_path) {
  const std::string_view attempt = TakeLastSegment(raw_path);
  const std::string_view campaign = TakeLastSegment(raw_path);
  const std::optional<std::int64_t> attempt_id = ParseId(attempt);
  const std::optional<std::int64_t> campaign_id = ParseId(campaign);
  if (TakeLastSegment(raw_path) != kCallbacks || !attempt_id || !campaign_id) {
    return InvalidArgument("callback URL: the path must end in /{}/<campaign>/<attempt>",
                           kCallbacks);
  }
  return AttemptKey{CampaignId(*campaign_id), AttemptId(*attempt_id)};
}

std::string_view WithoutQuery(std::string_view uri) {
  return uri.substr(0, uri.find('?'));
}

}  // namespace tocsin::wire
