#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

// The tokens (JWT, RS256) that GA signs its callbacks with, both directions.
namespace tocsin::wire {

struct TokenClaims {
  std::string issuer;
  std::string audience;  // The immutable id of the resource that is called back.
  absl::Time issued_at;
  absl::Time expires_at;
};

// How long the provider's tokens are valid. It makes one for every callback.
inline constexpr absl::Duration kTokenLifetime = absl::Minutes(5);

// How far the two clocks may be apart.
inline constexpr absl::Duration kTokenSkew = absl::Minutes(1);

// When a token says that it expires; unset if it is none, or does not say. Checks
// no signature: for tokens that are ours to show, not to trust.
std::optional<absl::Time> TokenExpiry(std::string_view token);

// A private key and its public half. Any thread.
class TokenSigner {
 public:
  // Makes a new key of 2048 bits: takes a tenth of a second.
  static TokenSigner Generate();
  TokenSigner(TokenSigner&&) noexcept;
  TokenSigner& operator=(TokenSigner&&) noexcept;
  ~TokenSigner();

  // header.payload.signature
  std::string Sign(const TokenClaims& claims) const;

  // {"keys":[...]}: what a verifier needs.
  std::string KeySetJson() const;

 private:
  struct Key;
  explicit TokenSigner(std::unique_ptr<Key> key);
  std::unique_ptr<Key> key_;
};

// What there is to say of a token. Its claims are looked at only where its
// signature is good.
enum class TokenVerdict {
  kGood,
  kMalformed,   // Not a token, not of RS256, or without what it must say.
  kUnknownKey,  // Signed with a key that is not here, which may be new.
  kForged,      // Not signed with the key that it names.
  kOtherIssuer,
  kOtherAudience,
  kExpired,
  kNotYetValid,
};

// The public keys of an issuer. A value that is cheap to copy; any thread.
class TokenKeys {
 public:
  // Reads a key set. Keys of other kinds than RSA are passed over.
  // kInvalidArgument, naming the place, if it is none.
  static absl::StatusOr<TokenKeys> Parse(std::string_view json);

  std::size_t size() const { return keys_.size(); }

  // Whether one of these keys signed the token for that audience and it is valid
  // at `now`.
  TokenVerdict Verify(std::string_view token, std::string_view issuer, std::string_view audience,
                      absl::Time now) const;

 private:
  struct Key;
  std::vector<std::shared_ptr<const Key>> keys_;
};

// What an issuer says of itself, as far as it is needed to verify its tokens.
struct OpenIdConfiguration {
  std::string issuer;
  std::string jwks_uri;  // Where its keys are.
};

// kInvalidArgument, naming the place, if it is none.
absl::StatusOr<OpenIdConfiguration> ParseOpenIdConfiguration(std::string_view json);

}  // namespace tocsin::wire
