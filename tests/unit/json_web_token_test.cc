#include "wire/json_web_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/digest.h"

namespace tocsin::wire {
namespace {

using testing::HasSubstr;

constexpr char kIssuer[] = "https://acscallautomation.communication.azure.com";
constexpr char kAudience[] = "c8b5b4c2-0000-4000-8000-000000000001";
const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

// One key for all tests: making one takes its time.
const TokenSigner& Signer() {
  static const TokenSigner signer = TokenSigner::Generate();
  return signer;
}

TokenKeys Keys(const TokenSigner& signer = Signer()) {
  auto keys = TokenKeys::Parse(signer.KeySetJson());
  EXPECT_TRUE(keys.ok()) << keys.status();
  return *std::move(keys);
}

std::string Token(const TokenSigner& signer = Signer()) {
  return signer.Sign({.issuer = kIssuer,
                      .audience = kAudience,
                      .issued_at = kNow,
                      .expires_at = kNow + kTokenLifetime});
}

TokenVerdict VerdictOn(std::string_view token, absl::Time now = kNow) {
  return Keys().Verify(token, kIssuer, kAudience, now);
}

TEST(JsonWebToken, WhatIsSignedIsVerified) {
  EXPECT_EQ(VerdictOn(Token()), TokenVerdict::kGood);
}

TEST(JsonWebToken, IsForOneIssuerAndOneAudience) {
  EXPECT_EQ(Keys().Verify(Token(), kIssuer, "x", kNow), TokenVerdict::kOtherAudience);
  EXPECT_EQ(Keys().Verify(Token(), "x", kAudience, kNow), TokenVerdict::kOtherIssuer);
}

TEST(JsonWebToken, HoldsForItsFiveMinutesAndTheClocksSkew) {
  const absl::Duration longest = kTokenLifetime + kTokenSkew;
  EXPECT_EQ(VerdictOn(Token(), kNow + longest), TokenVerdict::kGood);
  EXPECT_EQ(VerdictOn(Token(), kNow + longest + absl::Seconds(1)), TokenVerdict::kExpired);
  EXPECT_EQ(VerdictOn(Token(), kNow - kTokenSkew), TokenVerdict::kGood);
  EXPECT_EQ(VerdictOn(Token(), kNow - kTokenSkew - absl::Seconds(1)), TokenVerdict::kNotYetValid);
}

TEST(JsonWebToken, AKeyThatIsNotThereMayBeNew) {
  const TokenSigner rotated = TokenSigner::Generate();
  EXPECT_EQ(VerdictOn(Token(rotated)), TokenVerdict::kUnknownKey);
  EXPECT_EQ(Keys(rotated).Verify(Token(rotated), kIssuer, kAudience, kNow), TokenVerdict::kGood);
}

TEST(JsonWebToken, EveryTruncationAndEveryChangeIsRefused) {
  const std::string token = Token();
  for (std::size_t size = 0; size < token.size(); ++size) {
    EXPECT_NE(VerdictOn(std::string_view(token).substr(0, size)), TokenVerdict::kGood) << size;
  }
  // The last character of base64 has bits that mean nothing.
  for (std::size_t i = 0; i + 1 < token.size(); i += 7) {
    std::string damaged = token;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(VerdictOn(damaged), TokenVerdict::kGood) << i;
  }
}

// The two classical attacks: no algorithm at all, and the public key as the
// secret of a symmetric one.
TEST(JsonWebToken, OtherAlgorithmsAreRefused) {
  const std::string token = Token();
  const std::string kid =
      nlohmann::json::parse(Signer().KeySetJson())["keys"][0]["kid"].get<std::string>();
  const std::string payload = token.substr(token.find('.'), token.rfind('.') - token.find('.'));
  for (const char* algorithm : {"none", "HS256", "RS512", ""}) {
    const std::string header =
        Base64Url(R"({"alg":")" + std::string(algorithm) + R"(","kid":")" + kid + R"("})");
    const std::string text = header + payload;
    EXPECT_EQ(VerdictOn(text + "."), TokenVerdict::kMalformed) << algorithm;
    EXPECT_EQ(VerdictOn(text + "." + Base64Url(HmacSha256(Signer().KeySetJson(), text))),
              TokenVerdict::kMalformed);
  }
}

TEST(JsonWebToken, AForgedSignatureIsNotTakenForAnOldToken) {
  const std::string token = Token();
  std::string damaged = token;
  damaged[token.rfind('.') + 5] = token[token.rfind('.') + 5] == 'A' ? 'B' : 'A';
  EXPECT_EQ(VerdictOn(damaged, kNow + absl::Hours(1)), TokenVerdict::kForged);
  EXPECT_EQ(VerdictOn(token, kNow + absl::Hours(1)), TokenVerdict::kExpired);
}

TEST(JsonWebToken, ExtensionsThatMustBeUnderstoodAreNot) {
  const std::string token = Token();
  const std::string rest = token.substr(token.find('.'));
  const std::string kid =
      nlohmann::json::parse(Signer().KeySetJson())["keys"][0]["kid"].get<std::string>();
  const auto with = [&](const std::string& more) {
    return Base64Url(R"({"alg":"RS256","kid":")" + kid + "\"" + more + "}") + rest;
  };
  EXPECT_EQ(VerdictOn(with("")), TokenVerdict::kForged);
  EXPECT_EQ(VerdictOn(with(R"(,"crit":["b64"])")), TokenVerdict::kMalformed);
}

TEST(JsonWebToken, SaysWhenItExpiresToItsOwner) {
  EXPECT_EQ(TokenExpiry(Token()), kNow + kTokenLifetime);
  for (const char* text : {"", "opaque", "a.b.c", "e30.e30.e30"}) {
    EXPECT_EQ(TokenExpiry(text), std::nullopt) << text;
  }
}

TEST(JsonWebToken, AnIssuersConfigurationSaysWhereItsKeysAre) {
  const auto read = ParseOpenIdConfiguration(
      R"({"issuer":"https://i.example.com","jwks_uri":"https://i.example.com/keys","x":1})");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->issuer, "https://i.example.com");
  EXPECT_EQ(read->jwks_uri, "https://i.example.com/keys");
  EXPECT_THAT(std::string(ParseOpenIdConfiguration(R"({"issuer":"i"})").status().message()),
              HasSubstr("openid configuration.jwks_uri must be a string"));
  EXPECT_FALSE(ParseOpenIdConfiguration("<html>").ok());
}

TEST(JsonWebToken, WhatIsNoTokenIsRefused) {
  for (const char* token : {"", ".", "..", "a.b.c", "e30.e30.e30", "!.!.!"}) {
    EXPECT_EQ(VerdictOn(token), TokenVerdict::kMalformed) << token;
  }
}

TEST(JsonWebToken, KeySetsNameWhatIsWrongWithThem) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "key set: not JSON"},
      {"{}", "key set.keys must be an array"},
      {R"({"keys":{}})", "key set.keys must be an array"},
      {R"({"keys":[3]})", "key set.keys[0] must be an object"},
      {R"({"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"}]})", "key set.keys[0].kid must be a string"},
      {R"({"keys":[{"kty":"RSA","kid":"k","n":"AQ","e":"AQAB"}]})", "RSA key of 2048 bits"},
      {R"({"keys":[{"kty":"RSA","kid":"k","n":"!","e":"AQAB"}]})", "RSA key of 2048 bits"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_THAT(std::string(TokenKeys::Parse(text).status().message()), HasSubstr(expected))
        << text;
  }
  EXPECT_EQ(TokenKeys::Parse(R"({"keys":[{"kty":"EC","kid":"k"}]})")->size(), 0U);
  const std::string good = Signer().KeySetJson();
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(TokenKeys::Parse(std::string_view(good).substr(0, size)).ok());
  }
}

}  // namespace
}  // namespace tocsin::wire
