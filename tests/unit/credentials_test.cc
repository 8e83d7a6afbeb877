#include "dialer/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/status_macros.h"
#include "dialer/provider_request.h"
#include "tests/support/fake_clock.h"
#include "wire/digest.h"
#include "wire/json_text.h"

namespace tocsin::dialer {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

// The key of the real SDK's test vector, and another.
constexpr char kKey[] = "YnVsay1kaWFsZXItdGVzdC1rZXktMDEyMzQ1Njc4OSE=";
constexpr char kOtherKey[] = "c2l4dGVlbiBieXRlcyBvciBtb3Jl";
constexpr char kEndpoint[] = "https://contoso.communication.azure.com";
const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

// As an issuer of tokens makes them; nobody here looks at the signature.
std::string TokenUntil(absl::Time expires) {
  wire::JsonObject payload;
  payload.AddInteger("exp", absl::ToUnixSeconds(expires));
  return fmt::format("{}.{}.{}", wire::Base64Url("{}"),
                     wire::Base64Url(std::move(payload).Finish()), wire::Base64Url("s"));
}

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest()
      : path_(testing::TempDir() + "credentials_test." +
              testing::UnitTest::GetInstance()->current_test_info()->name()) {}
  ~CredentialsTest() override { std::filesystem::remove(path_); }

  void Write(const std::string& text) { std::ofstream(path_, std::ios::trunc) << text; }
  absl::StatusOr<Authority> Get(CredentialKind kind) {
    return credentials_.Get({kind, "file:" + path_}, kEndpoint);
  }

  const std::string path_;
  FakeClock clock_{kNow};
  Credentials credentials_{[](const std::string& name) -> std::optional<std::string> {
                             if (name != "CARRIER_KEY") return std::nullopt;
                             return kKey;
                           },
                           clock_};
};

TEST_F(CredentialsTest, ASecretIsInAFileOrInTheEnvironment) {
  Write(std::string(kKey) + "\n");
  EXPECT_EQ(Get(CredentialKind::kAccessKey)->access_key.Reveal(),
            "bulk-dialer-test-key-0123456789!");
  EXPECT_EQ(credentials_.Get({CredentialKind::kAccessKey, "env:CARRIER_KEY"}, kEndpoint)
                ->access_key.Reveal(),
            "bulk-dialer-test-key-0123456789!");
  EXPECT_TRUE(credentials_.Get({}, kEndpoint)->access_key.empty());
}

TEST_F(CredentialsTest, AConnectionStringIsForTheTrunksEndpointOnly) {
  Write(fmt::format("endpoint={}/;accesskey={}\n", kEndpoint, kKey));
  EXPECT_EQ(Get(CredentialKind::kConnectionString)->access_key.Reveal(),
            "bulk-dialer-test-key-0123456789!");

  const auto elsewhere = credentials_.Get({CredentialKind::kConnectionString, "file:" + path_},
                                          "https://elsewhere.example.com");
  EXPECT_EQ(elsewhere.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(elsewhere.status()),
              AllOf(HasSubstr(path_), HasSubstr("another endpoint"), Not(HasSubstr(kKey))));
}

TEST_F(CredentialsTest, WhatCannotBeUsedIsNamedWithItsPlaceAndNotQuoted) {
  EXPECT_THAT(Message(Get(CredentialKind::kAccessKey).status()),
              AllOf(HasSubstr(path_), HasSubstr("No such file")));
  const auto unset = credentials_.Get({CredentialKind::kAccessKey, "env:NOTHING"}, kEndpoint);
  EXPECT_THAT(Message(unset.status()), HasSubstr("NOTHING is not set"));

  const std::pair<CredentialKind, std::string> cases[] = {
      {CredentialKind::kAccessKey, "c2hvcnQ="},
      {CredentialKind::kAccessKey, "no base64!"},
      {CredentialKind::kConnectionString, kKey},
      {CredentialKind::kBearerToken, "Bearer token"},
      {CredentialKind::kBearerToken, ""},
      {CredentialKind::kBearerToken, "token\r\nX-Injected: yes"},
      {CredentialKind::kBearerToken, std::string(1 << 17, 'x')},
  };
  for (const auto& [kind, text] : cases) {
    Write(text);
    clock_.Advance(absl::Seconds(1));
    const auto got = Get(kind);
    EXPECT_EQ(got.status().code(), absl::StatusCode::kFailedPrecondition) << text.substr(0, 40);
    EXPECT_THAT(Message(got.status()), HasSubstr(path_));
    if (!text.empty()) {
      EXPECT_THAT(Message(got.status()), Not(HasSubstr(text)));
    }
  }
}

TEST_F(CredentialsTest, AKeyThatIsReplacedIsTakenUpASecondLater) {
  Write(kKey);
  const std::string first = Get(CredentialKind::kAccessKey)->access_key.Reveal();
  Write(kOtherKey);
  EXPECT_EQ(Get(CredentialKind::kAccessKey)->access_key.Reveal(), first);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Get(CredentialKind::kAccessKey)->access_key.Reveal(), "sixteen bytes or more");
}

TEST_F(CredentialsTest, WhileAFileIsBeingWrittenTheLastGoodKeyHolds) {
  Write(kKey);
  const std::string first = Get(CredentialKind::kAccessKey)->access_key.Reveal();
  for (const char* half : {"", "c2l4"}) {
    Write(half);
    clock_.Advance(absl::Seconds(2));
    ASSERT_TRUE(Get(CredentialKind::kAccessKey).ok());
    EXPECT_EQ(Get(CredentialKind::kAccessKey)->access_key.Reveal(), first);
  }
}

TEST_F(CredentialsTest, ATokenServesUntilItExpiresAndItsSuccessorAfterwards) {
  Write(TokenUntil(kNow + absl::Minutes(60)));
  EXPECT_TRUE(Get(CredentialKind::kBearerToken).ok());
  clock_.Advance(absl::Minutes(60));
  const auto expired = Get(CredentialKind::kBearerToken);
  EXPECT_EQ(expired.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(expired.status()), HasSubstr("has expired"));

  const std::string next = TokenUntil(kNow + absl::Minutes(120));
  Write(next);
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(Get(CredentialKind::kBearerToken).ok());
  EXPECT_EQ(Get(CredentialKind::kBearerToken)->bearer_token.Reveal(), next);
}

TEST_F(CredentialsTest, ATokenThatSaysNothingOfItsEndServesForEver) {
  Write("opaque-token");
  clock_.Advance(absl::Hours(10'000));
  EXPECT_EQ(Get(CredentialKind::kBearerToken)->bearer_token.Reveal(), "opaque-token");
}

TEST_F(CredentialsTest, ATokenStandsInTheHeaderOfARequestButNotOverPlainHttpToElsewhere) {
  Write("opaque-token");
  TrunkAddress trunk;
  trunk.credential = {CredentialKind::kBearerToken, "file:" + path_};
  for (const char* endpoint : {kEndpoint, "http://127.0.0.1:8089", "http://[::1]:8089"}) {
    trunk.endpoint = endpoint;
    const auto order = SignedOrder(trunk, {"POST", "/calls", "{}"}, credentials_, kNow);
    ASSERT_TRUE(order.ok()) << order.status();
    EXPECT_THAT(order->headers, ElementsAre(Pair("Authorization", "Bearer opaque-token")));
  }
  trunk.endpoint = "http://contoso.communication.azure.com";
  const auto refused = SignedOrder(trunk, {"POST", "/calls", "{}"}, credentials_, kNow);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(refused.status()), AllOf(HasSubstr("plain http"), Not(HasSubstr("opaque"))));
}

TEST_F(CredentialsTest, TheApiVersionOfATrunkIsPartOfWhatIsSigned) {
  TrunkAddress trunk;
  trunk.endpoint = kEndpoint;
  trunk.api_version = "2026-03-12";
  trunk.credential = {CredentialKind::kAccessKey, "env:CARRIER_KEY"};
  const std::string body =
      R"({"targets":[{"kind":"phoneNumber","rawId":"4:+14255550123","phoneNumber":)"
      R"({"value":"+14255550123"}}],"sourceCallerIdNumber":{"value":"+18005550100"},)"
      R"("callbackUri":"https://dialer.example.com/cb?c=1"})";
  absl::Time then;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, "2021-05-05T20:08:39Z", &then, nullptr));

  // The vector of the real SDK, which was made with this version.
  const auto order =
      SignedOrder(trunk, {"POST", "/calling/callConnections?api-version=2024-09-15&x=1", body},
                  credentials_, then);
  ASSERT_TRUE(order.ok()) << order.status();
  EXPECT_EQ(order->path_and_query, "/calling/callConnections?api-version=2026-03-12&x=1");
  const auto vector = SignedOrder(
      trunk, {"POST", "/calling/callConnections?api-version=2024-09-15", body}, credentials_, then);
  EXPECT_THAT(vector->headers,
              testing::Contains(
                  Pair("Authorization",
                       "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="
                       "wUwwf1qSTUKwvLmwurvZoirKvX9ulZc+WYhb4icC5XY=")));
}

}  // namespace
}  // namespace tocsin::dialer
