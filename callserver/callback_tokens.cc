#include "callserver/callback_tokens.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "fmt/format.h"

namespace tocsin::callserver {

namespace {

constexpr std::size_t kKeysMax = 4;  // Published at once.

}  // namespace

CallbackTokens::CallbackTokens(Options options, const Clock& clock, Faults& faults)
    : options_(std::move(options)), clock_(clock), faults_(faults) {}

std::string CallbackTokens::AuthorizationFor(const Callback& callback) {
  if (!std::holds_alternative<wire::ga::CallEvent>(callback.event.body)) return {};
  absl::Time now = clock_.Now();
  if (faults_.Due(Fault::kTokenExpired)) now -= wire::kTokenLifetime + 2 * wire::kTokenSkew;
  return "Bearer " + SignerOfNext()->Sign({.issuer = options_.issuer,
                                           .audience = options_.audience,
                                           .issued_at = now,
                                           .expires_at = now + wire::kTokenLifetime});
}

std::string CallbackTokens::OpenIdConfiguration(std::string_view base_url) const {
  return nlohmann::json{{"issuer", options_.issuer},
                        {"jwks_uri", fmt::format("{}{}", base_url, kKeySetPath)},
                        {"id_token_signing_alg_values_supported", {"RS256"}}}
      .dump();
}

std::string CallbackTokens::KeySet() {
  std::lock_guard lock(mutex_);
  if (signers_.empty()) Renew();
  auto keys = nlohmann::json::array();
  for (const Signer& signer : signers_) {
    const auto set = nlohmann::json::parse(signer->KeySetJson());
    for (const auto& key : set["keys"]) keys.push_back(key);
  }
  return nlohmann::json{{"keys", keys}}.dump();
}

CallbackTokens::Signer CallbackTokens::SignerOfNext() {
  std::lock_guard lock(mutex_);
  if (signers_.empty()) Renew();
  const Signer old = signers_.front();
  if (faults_.Due(Fault::kKeyWithdrawn)) {
    signers_.clear();
    Renew();
    return old;
  }
  if (faults_.Due(Fault::kKeyRotated)) Renew();
  return signers_.front();
}

void CallbackTokens::Renew() {
  signers_.push_front(std::make_shared<wire::TokenSigner>(wire::TokenSigner::Generate()));
  if (signers_.size() > kKeysMax) signers_.pop_back();
}

}  // namespace tocsin::callserver
