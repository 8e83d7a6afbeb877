#include "callserver/callback_tokens.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "fmt/format.h"

namespace tocsin::callserver {

CallbackTokens::CallbackTokens(Options options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

std::string CallbackTokens::AuthorizationFor(const Callback& callback) {
  if (!std::holds_alternative<wire::ga::CallEvent>(callback.event.body)) return {};
  const absl::Time now = clock_.Now();
  return "Bearer " + Signer().Sign({.issuer = options_.issuer,
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
  return Signer().KeySetJson();
}

const wire::TokenSigner& CallbackTokens::Signer() {
  std::call_once(made_, [this] { signer_.emplace(wire::TokenSigner::Generate()); });
  return *signer_;
}

}  // namespace tocsin::callserver
