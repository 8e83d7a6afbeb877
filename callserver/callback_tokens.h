#pragma once
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "callserver/call_simulation.h"
#include "callserver/faults.h"
#include "wire/json_web_token.h"

namespace tocsin::callserver {

// Signs the callbacks of GA calls as the provider does: a token for each, with
// a key of this process's own that it offers to whoever wants to check. Its
// faults are those of tokens and keys.
//
// Thread-safe. A key is made when it is first needed.
class CallbackTokens {
 public:
  struct Options {
    std::string issuer;
    std::string audience;
  };
  // Both must outlive it.
  CallbackTokens(Options options, const Clock& clock, Faults& faults);

  // The Authorization header of a callback; empty for the dialects of 2021,
  // which have none.
  std::string AuthorizationFor(const Callback& callback);

  // What stands at /calling/.well-known/acsopenidconfiguration and, where that
  // refers to, at /calling/keys. `base_url` is how the asker reached us.
  std::string OpenIdConfiguration(std::string_view base_url) const;
  std::string KeySet();

 private:
  using Signer = std::shared_ptr<const wire::TokenSigner>;

  Signer SignerOfNext();
  void Renew();

  const Options options_;
  const Clock& clock_;
  Faults& faults_;
  std::mutex mutex_;            // Guards the next, and is held while a key is made.
  std::deque<Signer> signers_;  // Those published, the newest first.
};

inline constexpr std::string_view kOpenIdPath = "/calling/.well-known/acsopenidconfiguration";
inline constexpr std::string_view kKeySetPath = "/calling/keys";

}  // namespace tocsin::callserver
