#include "app/trunk_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/status_macros.h"

namespace tocsin {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSmallest[] =
    "name: carrier\nendpoint: http://127.0.0.1:8089\ncaller_numbers: \"+12085550100\"\n";

class TrunkFileTest : public ::testing::Test {
 protected:
  TrunkFileTest() : folder_(::testing::TempDir() + "trunk_file_test") {
    std::filesystem::create_directories(folder_);
  }
  ~TrunkFileTest() override { std::filesystem::remove_all(folder_); }

  absl::StatusOr<Trunk> Read(const std::string& text) {
    Write("trunk.yaml", text);
    return ReadFile("trunk.yaml");
  }

  absl::StatusOr<Trunk> ReadFile(const std::string& name) {
    return ReadTrunkFile(folder_ + "/" + name,
                         [](const std::string& variable) -> std::optional<std::string> {
                           if (variable != "CARRIER") return std::nullopt;
                           return "endpoint=https://contoso.example.com/;accesskey=a2V5";
                         });
  }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
  }

  const std::string folder_;
};

TEST_F(TrunkFileTest, TheExampleLacksNothingButItsKey) {
  Write("carrier.key", "c2l4dGVlbiBieXRlcyBvciBtb3Jl\n");
  std::filesystem::copy_file(std::string(TOCSIN_SOURCE_DIR) + "/deploy/trunk.example.yaml",
                             folder_ + "/example.yaml");

  const absl::StatusOr<Trunk> trunk = ReadFile("example.yaml");

  ASSERT_TRUE(trunk.ok()) << Message(trunk.status());
  EXPECT_EQ(trunk->name, "carrier");
  EXPECT_EQ(trunk->credential,
            (Credential{CredentialKind::kAccessKey, "file:" + folder_ + "/carrier.key"}));
  EXPECT_EQ(trunk->caller_numbers.size(), 2u);
  EXPECT_EQ(trunk->calls_per_second, 10);
  EXPECT_EQ(trunk->concurrent_max, 200);
  EXPECT_EQ(trunk->concurrent_max_per_caller, 2);
  EXPECT_FALSE(trunk->live_dialing);
  EXPECT_THAT(trunk->allowed_regions, ElementsAre("US", "CA"));
  EXPECT_EQ(trunk->spend_ceiling_calls, 10'000);
}

TEST_F(TrunkFileTest, TakesTheDefaultsOfATrunkForWhatIsNotSaid) {
  const absl::StatusOr<Trunk> trunk = Read(kSmallest);

  ASSERT_TRUE(trunk.ok()) << Message(trunk.status());
  EXPECT_EQ(trunk->calls_per_second, Trunk().calls_per_second);
  EXPECT_EQ(trunk->credential, Credential());
  EXPECT_EQ(trunk->spend_ceiling_calls, 0);
}

TEST_F(TrunkFileTest, TellsEverythingThatIsWrongWithItsPlaceAndQuotesNoNumber) {
  const absl::StatusOr<Trunk> trunk = Read(
      "name: carrier\n"
      "enpoint: http://127.0.0.1:8089\n"
      "endpoint: http://example.com\n"
      "caller_numbers: [\"+12085550100\", 2085550101]\n"
      "calls_per_second: fast\n"
      "concurrent_max: 0\n"
      "live_dialing: perhaps\n"
      "allowed_regions: [usa]\n");

  EXPECT_EQ(trunk.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(
      Message(trunk.status()),
      AllOf(HasSubstr("trunk.yaml:2:1: unknown key 'enpoint'; did you mean 'endpoint'?"),
            HasSubstr("trunk.yaml:3:1: 'endpoint' must be https"),
            HasSubstr("trunk.yaml:4:1: 'caller_numbers' must be numbers"), HasSubstr("number 2 is"),
            HasSubstr("trunk.yaml:5:1: 'calls_per_second' must be a number"),
            HasSubstr("trunk.yaml:6:1: 'concurrent_max' must be at least 1"),
            HasSubstr("trunk.yaml:7:1: 'live_dialing' must be true or false"),
            HasSubstr("trunk.yaml:8:1: 'allowed_regions' must be"), Not(HasSubstr("2085550101"))));
}

TEST_F(TrunkFileTest, MissesWhatATrunkCannotBeWithout) {
  EXPECT_THAT(Message(Read("dialect: 2021-05\n").status()),
              AllOf(HasSubstr("'name'"), HasSubstr("'endpoint'"), HasSubstr("'caller_numbers'")));
}

TEST_F(TrunkFileTest, RefusesAKeyThatIsTooShortWithoutQuotingIt) {
  Write("short.key", "c2hvcnQ=");

  EXPECT_THAT(
      Message(Read(std::string(kSmallest) + "access_key_file: short.key\n").status()),
      AllOf(HasSubstr("trunk.yaml:4:1"), HasSubstr("16 bytes"), Not(HasSubstr("c2hvcnQ="))));
}

TEST_F(TrunkFileTest, AConnectionStringSaysWhereTheEndpointIs) {
  const std::string rest = "name: carrier\ncaller_numbers: \"+12085550100\"\ndialect: 2021-04\n";
  const absl::StatusOr<Trunk> trunk = Read(rest + "connection_string_env: CARRIER\n");
  ASSERT_TRUE(trunk.ok()) << Message(trunk.status());
  EXPECT_EQ(trunk->endpoint, "https://contoso.example.com");
  EXPECT_EQ(trunk->credential, (Credential{CredentialKind::kConnectionString, "env:CARRIER"}));

  Write("connection", "endpoint=https://contoso.example.com;accesskey=a2V5\n");
  EXPECT_TRUE(Read(rest + "connection_string_file: connection\n"
                          "endpoint: https://contoso.example.com/\n")
                  .ok());
  EXPECT_THAT(Message(Read(rest + "connection_string_file: connection\n"
                                  "endpoint: https://other.example.com\n")
                          .status()),
              HasSubstr("trunk.yaml:5:1: connection string: it is for another endpoint"));
}

TEST_F(TrunkFileTest, SecretsAreElsewhereAndThereIsOne) {
  const auto wrong = [&](const char* lines) {
    return Message(Read(std::string(kSmallest) + lines).status());
  };
  EXPECT_THAT(wrong("access_key: c2l4dGVlbiBieXRlcyBvciBtb3Jl\n"),
              AllOf(HasSubstr("trunk.yaml:4:1: 'access_key' is a secret"),
                    HasSubstr("access_key_file"), Not(HasSubstr("c2l4"))));
  EXPECT_THAT(wrong("access_key_env: NOWHERE\n"), HasSubstr("NOWHERE is not set"));
  EXPECT_THAT(wrong("access_key_env: c2VjcmV0/a+==\n"),
              AllOf(HasSubstr("the name of an environment variable"), Not(HasSubstr("c2Vj"))));
  EXPECT_THAT(wrong("bearer_token_file: none\n"),
              AllOf(HasSubstr("'bearer_token_file' must be readable"), HasSubstr("No such file")));
  Write("token", "t0ken\n");
  Write("a.key", "c2l4dGVlbiBieXRlcyBvciBtb3Jl\n");
  EXPECT_THAT(wrong("bearer_token_file: token\naccess_key_file: a.key\n"),
              HasSubstr("trunk.yaml:5:1: 'access_key_file' is one credential too many"));
  EXPECT_THAT(wrong("connection_string_file: a.key\n"), HasSubstr("connection string: only"));
}

TEST_F(TrunkFileTest, TellsHowATrunkIsSpokenToAndWhatItsCallbacksMustSay) {
  Write("token", "t0ken\n");
  const absl::StatusOr<Trunk> trunk = Read(
      "name: ga\nendpoint: https://contoso.example.com\ndialect: ga\n"
      "caller_numbers: \"+12085550100\"\nbearer_token_file: token\napi_version: 2024-09-15\n"
      "source_user: 8:acs:a_b\nresource_id: r\ncallback_issuer: https://i.example.com\n"
      "jwks_url: https://i.example.com/keys\n");
  ASSERT_TRUE(trunk.ok()) << Message(trunk.status());
  EXPECT_EQ(trunk->credential.kind, CredentialKind::kBearerToken);
  EXPECT_EQ(trunk->api_version, "2024-09-15");
  EXPECT_EQ(trunk->source_user, "8:acs:a_b");
  EXPECT_EQ(ExpectedTokens(*trunk), (TokenExpectation{.issuer = "https://i.example.com",
                                                      .audience = "r",
                                                      .jwks_url = "https://i.example.com/keys"}));
  const absl::StatusOr<Trunk> may = Read(std::string(kSmallest) + "spelling: swagger\n");
  EXPECT_EQ(may->spelling, Spelling::kSwagger);
  EXPECT_THAT(Message(Read(std::string(kSmallest) + "spelling: french\napi_version: 7\n"
                                                    "resource_id: r\n")
                          .status()),
              AllOf(HasSubstr("trunk.yaml:4:1: 'spelling' must be overview or swagger"),
                    HasSubstr("trunk.yaml:5:1: 'api_version' must look like"),
                    HasSubstr("trunk.yaml:6:1: 'resource_id' only callbacks of ga")));
}

TEST_F(TrunkFileTest, NamesTheLineOfAFileThatIsNotYaml) {
  EXPECT_THAT(Message(Read("name: [carrier\nendpoint: x\n").status()), HasSubstr("trunk.yaml:2"));
}

}  // namespace
}  // namespace tocsin
