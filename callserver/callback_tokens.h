#pragma once
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "callserver/call_simulation.h"
#include "wire/json_web_token.h"

namespace tocsin::callserver {

// Signs the callbacks of GA calls as the provider does: a token for each, with
// a key of this process's own that it offers to whoever wants to check.
//
// Thread-safe. The key is made when it is first needed.
class CallbackTokens {
 public:
  struct Options {
    std::string issuer;
    std::string audience;
  };
  CallbackTokens(Options options, const Clock& clock);

  // The Authorization header of a callback; empty for the dialects of 2021,
  // which have none.
  std::string AuthorizationFor(const Callback& callback);

  // What stands at /calling/.well-known/acsopenidconfiguration and, where that
  // refers to, at /calling/keys. `base_url` is how the asker reached us.
  std::string OpenIdConfiguration(std::string_view base_url) const;
  std::string KeySet();

 private:
  const wire::TokenSigner& Signer();

  const Options options_;
  const Clock& clock_;
  std::once_flag made_;
  std::optional<wire::TokenSigner> signer_;
};

inline constexpr std::string_view kOpenIdPath = "/calling/.well-known/acsopenidconfiguration";
inline constexpr std::string_view kKeySetPath = "/calling/keys";

}  // namespace tocsin::callserver
