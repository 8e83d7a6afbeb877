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
    return ReadTrunkFile(folder_ + "/trunk.yaml");
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

  const absl::StatusOr<Trunk> trunk = ReadTrunkFile(folder_ + "/example.yaml");

  ASSERT_TRUE(trunk.ok()) << Message(trunk.status());
  EXPECT_EQ(trunk->name, "carrier");
  EXPECT_EQ(trunk->access_key.Reveal(), "c2l4dGVlbiBieXRlcyBvciBtb3Jl");
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
  EXPECT_TRUE(trunk->access_key.empty());
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

TEST_F(TrunkFileTest, NamesTheLineOfAFileThatIsNotYaml) {
  EXPECT_THAT(Message(Read("name: [carrier\nendpoint: x\n").status()), HasSubstr("trunk.yaml:2"));
}

}  // namespace
}  // namespace tocsin
