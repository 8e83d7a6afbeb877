#include "wire/json_web_token.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "wire/digest.h"
#include "wire/json_reader.h"
#include "wire/json_text.h"

namespace tocsin::wire {
namespace {

using Json = nlohmann::json;

constexpr int kDepthMax = 8;
constexpr int kKeyBits = 2048;
// No issuer has more, and none has smaller ones.
constexpr std::size_t kKeysMax = 64;
constexpr int kModulusBitsMin = 2048;
constexpr int kModulusBitsMax = 8192;

template <auto kFree>
struct Freer {
  template <class Type>
  void operator()(Type* pointer) const {
    kFree(pointer);
  }
};
using PKey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using PKeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using BigNumber = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::optional<std::string> FromBase64Url(std::string_view text) {
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(absl::string_view(text.data(), text.size()), &bytes)) {
    return std::nullopt;
  }
  return bytes;
}

std::string Number(const EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  TOCSIN_CHECK(EVP_PKEY_get_bn_param(key, name, &raw) == 1);
  const BigNumber number(raw);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
  BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(bytes.data()));
  return Base64Url(bytes);
}

// Null if the numbers make no key.
PKey PublicKey(const std::string& modulus, const std::string& exponent) {
  const BigNumber n(BN_bin2bn(Bytes(modulus), static_cast<int>(modulus.size()), nullptr));
  const BigNumber e(BN_bin2bn(Bytes(exponent), static_cast<int>(exponent.size()), nullptr));
  if (!n || !e || BN_num_bits(n.get()) < kModulusBitsMin ||
      BN_num_bits(n.get()) > kModulusBitsMax || BN_num_bits(e.get()) > 64 || !BN_is_odd(e.get())) {
    return nullptr;
  }
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  TOCSIN_CHECK(builder != nullptr &&
               OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
               OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const PKeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* made = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return PKey(made);
}

bool IsSignatureOf(EVP_PKEY* key, std::string_view text, std::string_view signature) {
  const DigestContext context(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(text),
                          text.size()) == 1;
}

struct TokenParts {
  std::string_view signed_text;  // header.payload
  std::string header;
  std::string payload;
  std::string signature;
};

std::optional<TokenParts> SplitToken(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  auto header = FromBase64Url(token.substr(0, first));
  auto payload = FromBase64Url(token.substr(first + 1, second - first - 1));
  auto signature = FromBase64Url(token.substr(second + 1));
  if (!header || !payload || !signature) return std::nullopt;
  return TokenParts{token.substr(0, second), *std::move(header), *std::move(payload),
                    *std::move(signature)};
}

// The id of the key that a token says it was signed with.
absl::StatusOr<std::string> KeyIdIn(const std::string& header) {
  TOCSIN_ASSIGN_OR_RETURN(const Json json, ParseJson(header, "token header", kDepthMax));
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader, ObjectReader::Read(json, "token header"));
  TOCSIN_ASSIGN_OR_RETURN(const std::string algorithm, reader.String({"alg"}));
  // Whatever else a token names as its algorithm is an attempt.
  if (algorithm != "RS256") return InvalidArgument("{} must be RS256", reader.Place("alg"));
  // Extensions that must be understood, of which we know none.
  if (reader.Find({"crit"}) != nullptr) return InvalidArgument("{} is there", reader.Place("crit"));
  return reader.String({"kid"});
}

bool Names(const Json* member, std::string_view name) {
  if (member == nullptr) return false;
  if (member->is_string()) return member->get_ref<const std::string&>() == name;
  if (!member->is_array()) return false;
  for (const Json& element : *member) {
    if (element.is_string() && element.get_ref<const std::string&>() == name) return true;
  }
  return false;
}

absl::StatusOr<TokenVerdict> JudgeClaims(const std::string& payload, std::string_view issuer,
                                         std::string_view audience, absl::Time now) {
  TOCSIN_ASSIGN_OR_RETURN(const Json json, ParseJson(payload, "token", kDepthMax));
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader, ObjectReader::Read(json, "token"));
  if (!Names(reader.Find({"iss"}), issuer)) return TokenVerdict::kOtherIssuer;
  if (!Names(reader.Find({"aud"}), audience)) return TokenVerdict::kOtherAudience;
  TOCSIN_ASSIGN_OR_RETURN(const std::int64_t expires, reader.Integer({"exp"}));
  if (absl::FromUnixSeconds(expires) + kTokenSkew < now) return TokenVerdict::kExpired;
  TOCSIN_ASSIGN_OR_RETURN(const std::int64_t not_before, reader.IntegerOrZero({"nbf"}));
  if (absl::FromUnixSeconds(not_before) - kTokenSkew > now) return TokenVerdict::kNotYetValid;
  return TokenVerdict::kGood;
}

}  // namespace

std::optional<absl::Time> TokenExpiry(std::string_view token) {
  const std::optional<TokenParts> parts = SplitToken(token);
  if (!parts) return std::nullopt;
  const absl::StatusOr<Json> json = ParseJson(parts->payload, "token", kDepthMax);
  if (!json.ok()) return std::nullopt;
  const absl::StatusOr<ObjectReader> reader = ObjectReader::Read(*json, "token");
  if (!reader.ok()) return std::nullopt;
  const absl::StatusOr<std::int64_t> expires = reader->Integer({"exp"});
  if (!expires.ok()) return std::nullopt;
  return absl::FromUnixSeconds(*expires);
}

struct TokenSigner::Key {
  PKey pkey;
  std::string modulus;
  std::string exponent;
  std::string id;
};

TokenSigner::TokenSigner(std::unique_ptr<Key> key) : key_(std::move(key)) {}
TokenSigner::TokenSigner(TokenSigner&&) noexcept = default;
TokenSigner& TokenSigner::operator=(TokenSigner&&) noexcept = default;
TokenSigner::~TokenSigner() = default;

TokenSigner TokenSigner::Generate() {
  auto key = std::make_unique<Key>();
  key->pkey = PKey(EVP_RSA_gen(kKeyBits));
  TOCSIN_CHECK(key->pkey != nullptr);
  key->modulus = Number(key->pkey.get(), OSSL_PKEY_PARAM_RSA_N);
  key->exponent = Number(key->pkey.get(), OSSL_PKEY_PARAM_RSA_E);
  // The thumbprint of RFC 7638: the same key has the same id everywhere.
  key->id = Base64Url(
      Sha256(fmt::format(R"({{"e":"{}","kty":"RSA","n":"{}"}})", key->exponent, key->modulus)));
  return TokenSigner(std::move(key));
}

std::string TokenSigner::Sign(const TokenClaims& claims) const {
  JsonObject header;
  header.AddString("alg", "RS256");
  header.AddString("kid", key_->id);
  header.AddString("typ", "JWT");
  JsonObject payload;
  payload.AddString("iss", claims.issuer);
  payload.AddString("aud", claims.audience);
  payload.AddInteger("nbf", absl::ToUnixSeconds(claims.issued_at));
  payload.AddInteger("iat", absl::ToUnixSeconds(claims.issued_at));
  payload.AddInteger("exp", absl::ToUnixSeconds(claims.expires_at));
  const std::string text = fmt::format("{}.{}", Base64Url(std::move(header).Finish()),
                                       Base64Url(std::move(payload).Finish()));
  const DigestContext context(EVP_MD_CTX_new());
  std::size_t size = 0;
  TOCSIN_CHECK(
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pkey.get()) == 1 &&
      EVP_DigestSign(context.get(), nullptr, &size, Bytes(text), text.size()) == 1);
  std::string signature(size, '\0');
  TOCSIN_CHECK(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()),
                              &size, Bytes(text), text.size()) == 1);
  signature.resize(size);
  return fmt::format("{}.{}", text, Base64Url(signature));
}

std::string TokenSigner::KeySetJson() const {
  JsonObject key;
  key.AddString("kty", "RSA");
  key.AddString("use", "sig");
  key.AddString("alg", "RS256");
  key.AddString("kid", key_->id);
  key.AddString("n", key_->modulus);
  key.AddString("e", key_->exponent);
  JsonObject set;
  set.AddJson("keys", "[" + std::move(key).Finish() + "]");
  return std::move(set).Finish();
}

struct TokenKeys::Key {
  std::string id;
  PKey pkey;
};

absl::StatusOr<TokenKeys> TokenKeys::Parse(std::string_view text) {
  TOCSIN_ASSIGN_OR_RETURN(const Json json, ParseJson(text, "key set", kDepthMax));
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader, ObjectReader::Read(json, "key set"));
  TOCSIN_ASSIGN_OR_RETURN(const Json* const array, reader.ArrayOrNone({"keys"}));
  if (array == nullptr) return InvalidArgument("{} must be an array", reader.Place("keys"));
  if (array->size() > kKeysMax) {
    return InvalidArgument("{} must be at most {}", reader.Place("keys"), kKeysMax);
  }
  TokenKeys keys;
  for (int index = 0; const Json& element : *array) {
    TOCSIN_ASSIGN_OR_RETURN(const ObjectReader at, reader.Element(element, "keys", index++));
    TOCSIN_ASSIGN_OR_RETURN(const std::string kind, at.String({"kty"}));
    if (kind != "RSA") continue;
    auto key = std::make_shared<Key>();
    TOCSIN_ASSIGN_OR_RETURN(key->id, at.String({"kid"}));
    TOCSIN_ASSIGN_OR_RETURN(const std::string n, at.String({"n"}));
    TOCSIN_ASSIGN_OR_RETURN(const std::string e, at.String({"e"}));
    const auto modulus = FromBase64Url(n);
    const auto exponent = FromBase64Url(e);
    if (modulus && exponent) key->pkey = PublicKey(*modulus, *exponent);
    if (!key->pkey) {
      return InvalidArgument("{} must be an RSA key of {} bits or more", at.Place(""),
                             kModulusBitsMin);
    }
    keys.keys_.push_back(std::move(key));
  }
  return keys;
}

TokenVerdict TokenKeys::Verify(std::string_view token, std::string_view issuer,
                               std::string_view audience, absl::Time now) const {
  const std::optional<TokenParts> parts = SplitToken(token);
  if (!parts) return TokenVerdict::kMalformed;
  const absl::StatusOr<std::string> id = KeyIdIn(parts->header);
  if (!id.ok()) return TokenVerdict::kMalformed;
  bool known = false;
  bool signed_by_us = false;
  for (const auto& key : keys_) {
    if (key->id != *id) continue;
    known = true;
    signed_by_us |= IsSignatureOf(key->pkey.get(), parts->signed_text, parts->signature);
  }
  if (!known) return TokenVerdict::kUnknownKey;
  if (!signed_by_us) return TokenVerdict::kForged;
  return JudgeClaims(parts->payload, issuer, audience, now).value_or(TokenVerdict::kMalformed);
}

absl::StatusOr<OpenIdConfiguration> ParseOpenIdConfiguration(std::string_view text) {
  TOCSIN_ASSIGN_OR_RETURN(const Json json, ParseJson(text, "openid configuration", kDepthMax));
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader,
                          ObjectReader::Read(json, "openid configuration"));
  OpenIdConfiguration configuration;
  TOCSIN_ASSIGN_OR_RETURN(configuration.issuer, reader.String({"issuer"}));
  TOCSIN_ASSIGN_OR_RETURN(configuration.jwks_uri, reader.String({"jwks_uri"}));
  return configuration;
}

}  // namespace tocsin::wire
