#include "core/trunk.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tocsin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Trunk Local() {
  Trunk trunk;
  trunk.name = "local";
  trunk.endpoint = "http://127.0.0.1:8089";
  trunk.caller_numbers = {*PhoneNumber::Parse("+12085550100")};
  return trunk;
}

Trunk AtAcs(Dialect dialect) {
  Trunk trunk = Local();
  trunk.endpoint = "https://contoso.communication.azure.com";
  trunk.dialect = dialect;
  if (dialect == Dialect::kPreview202105) trunk.source_user = "8:acs:resource_user";
  if (dialect == Dialect::kGa) trunk.resource_id = "c8b5b4c2-0000-4000-8000-000000000001";
  return trunk;
}

std::vector<std::string> Wrong(const Trunk& trunk) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : CheckTrunk(trunk)) fields.push_back(violation.field);
  return fields;
}

TEST(Trunk, OfEachDialectIsGoodHereAndElsewhere) {
  for (const Dialect dialect : {Dialect::kPreview202104, Dialect::kPreview202105, Dialect::kGa}) {
    Trunk local = Local();
    local.dialect = dialect;
    EXPECT_THAT(Wrong(local), IsEmpty()) << Name(dialect);
    EXPECT_THAT(Wrong(AtAcs(dialect)), IsEmpty()) << Name(dialect);
  }
}

TEST(Trunk, ApiVersionsAreDatesAndThe2021OnesMayBePreviews) {
  Trunk trunk = Local();
  for (const char* good : {"", "2021-04-15-preview1", "2021-06-15-preview", "2026-03-12"}) {
    trunk.api_version = good;
    EXPECT_THAT(Wrong(trunk), IsEmpty()) << good;
  }
  for (const char* bad : {"1", "2021-4-15", "1999-01-01", "2021-04-15-beta", "2021-04-15&x=y",
                          "2021-04-15-previewx", "2021-04-15 "}) {
    trunk.api_version = bad;
    EXPECT_THAT(Wrong(trunk), ElementsAre("api_version")) << bad;
  }
  trunk.dialect = Dialect::kPreview202104;
  trunk.api_version = "2021-04-15-preview1";
  EXPECT_THAT(Wrong(trunk), ElementsAre("api_version"));
}

TEST(Trunk, TheMayDialectHasToSayAsWhomItCallsUnlessItRehearses) {
  Trunk trunk = AtAcs(Dialect::kPreview202105);
  trunk.source_user = "";
  EXPECT_THAT(Wrong(trunk), ElementsAre("source_user"));
  for (const char* bad : {"+12085550100", "8:acs:", "4:+12085550100", "8:acs:a b", "8:acs:a\n"}) {
    trunk.source_user = bad;
    EXPECT_THAT(Wrong(trunk), ElementsAre("source_user")) << bad;
  }
  Trunk april = AtAcs(Dialect::kPreview202104);
  april.source_user = "8:acs:resource_user";
  EXPECT_THAT(Wrong(april), ElementsAre("source_user"));
}

TEST(Trunk, OnlyGaSpeaksAndOnlyWithAServiceForIt) {
  Trunk trunk = AtAcs(Dialect::kGa);
  EXPECT_FALSE(ProviderSpeaks(trunk));
  trunk.cognitive_services_endpoint = "https://speech.cognitiveservices.azure.com/";
  EXPECT_THAT(Wrong(trunk), IsEmpty());
  EXPECT_TRUE(ProviderSpeaks(trunk));
  trunk.cognitive_services_endpoint = "http://speech.example.com/";
  EXPECT_THAT(Wrong(trunk), ElementsAre("cognitive_services_endpoint"));
  trunk.dialect = Dialect::kPreview202105;
  trunk.source_user = "8:acs:resource_user";
  trunk.resource_id = "";
  EXPECT_THAT(Wrong(trunk), ElementsAre("cognitive_services_endpoint"));
  EXPECT_FALSE(ProviderSpeaks(trunk));
}

TEST(Trunk, ASecretIsNamedByItsPlaceAndATokenByItsFile) {
  Trunk trunk = Local();
  const auto wrong = [&](CredentialKind kind, const char* source) {
    trunk.credential = {kind, source};
    return !Wrong(trunk).empty();
  };
  EXPECT_FALSE(wrong(CredentialKind::kAccessKey, "file:/etc/tocsin/carrier.key"));
  EXPECT_FALSE(wrong(CredentialKind::kConnectionString, "env:CARRIER"));
  EXPECT_FALSE(wrong(CredentialKind::kBearerToken, "file:/run/token"));
  EXPECT_TRUE(wrong(CredentialKind::kBearerToken, "env:TOKEN"));
  EXPECT_TRUE(wrong(CredentialKind::kAccessKey, "c2VjcmV0"));
  EXPECT_TRUE(wrong(CredentialKind::kAccessKey, "file:carrier.key"));
  EXPECT_TRUE(wrong(CredentialKind::kAccessKey, "env:"));
  EXPECT_TRUE(wrong(CredentialKind::kAccessKey, ""));
  EXPECT_TRUE(wrong(CredentialKind::kNone, "env:CARRIER"));
}

TEST(Trunk, CallbacksOfGaAreHeldToAcsUnlessTheTrunkSaysOtherwise) {
  Trunk trunk = AtAcs(Dialect::kGa);
  EXPECT_EQ(ExpectedTokens(trunk),
            (TokenExpectation{
                .issuer = "https://acscallautomation.communication.azure.com",
                .audience = "c8b5b4c2-0000-4000-8000-000000000001",
                .jwks_url = "https://acscallautomation.communication.azure.com/calling/keys"}));
  trunk.callback_issuer = "https://issuer.example.com";
  trunk.openid_configuration_url = "https://issuer.example.com/openid";
  EXPECT_EQ(ExpectedTokens(trunk),
            (TokenExpectation{.issuer = "https://issuer.example.com",
                              .audience = "c8b5b4c2-0000-4000-8000-000000000001",
                              .openid_configuration_url = "https://issuer.example.com/openid"}));
}

TEST(Trunk, AnEndpointOnThisMachineHasItsOwnKeysAndTheRehearsalsResource) {
  Trunk trunk = Local();
  trunk.dialect = Dialect::kGa;
  EXPECT_EQ(ExpectedTokens(trunk),
            (TokenExpectation{.issuer = kAcsIssuer,
                              .audience = kRehearsalResourceId,
                              .jwks_url = "http://127.0.0.1:8089/calling/keys"}));
}

TEST(Trunk, TokenSettingsThatCannotBeTrustedAreNamed) {
  Trunk trunk = AtAcs(Dialect::kGa);
  trunk.resource_id = "";
  EXPECT_THAT(Wrong(trunk), ElementsAre("resource_id"));
  trunk = AtAcs(Dialect::kGa);
  for (const char* bad : {"http://issuer.example.com/keys", "https://issuer.example.com", "keys",
                          "https://127.0.0.1@evil.example.com/keys"}) {
    trunk.jwks_url = bad;
    EXPECT_THAT(Wrong(trunk), ElementsAre("jwks_url")) << bad;
  }
  trunk.jwks_url = "http://127.0.0.1:1/keys";
  EXPECT_THAT(Wrong(trunk), IsEmpty());
  trunk.openid_configuration_url = "https://issuer.example.com/openid";
  EXPECT_THAT(Wrong(trunk), ElementsAre("openid_configuration_url"));

  Trunk may = AtAcs(Dialect::kPreview202105);
  may.resource_id = "r";
  EXPECT_THAT(Wrong(may), ElementsAre("resource_id"));
}

}  // namespace
}  // namespace tocsin
