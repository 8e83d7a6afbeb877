#include "app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>

namespace tocsin {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    sources_.command = Command::kUp;
    sources_.flags["data_dir"] = "/tmp/x";
  }

  void WriteFile(const std::string& text) {
    sources_.file = ::testing::TempDir() + "config_test.yaml";
    std::ofstream(sources_.file) << text;
  }

  ConfigSources sources_;
};

TEST_F(ConfigTest, FlagsBeatTheEnvironmentAndThatTheFileAndThatTheDefault) {
  WriteFile("cps: 1\nseed: 1\nmax_concurrent: 1\n");
  sources_.environment = {"TOCSIN_CPS=2", "TOCSIN_SEED=2", "PATH=/bin"};
  sources_.flags["cps"] = "3";

  const LoadedConfig loaded = LoadConfig(sources_);

  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.config.cps, 3);
  EXPECT_EQ(loaded.config.seed, 2u);
  EXPECT_EQ(loaded.config.max_concurrent, 1);
  EXPECT_EQ(loaded.config.api_port, Config().api_port);
}

TEST_F(ConfigTest, ReportsEverythingThatIsWrongAtOnceWithItsPlace) {
  WriteFile("cps: 1\napi_prot: 1\nmax_concurrent: many\n");
  sources_.environment = {"TOCSIN_API_PORT=70000"};
  sources_.flags["time_scale"] = "0";

  const LoadedConfig loaded = LoadConfig(sources_);

  EXPECT_THAT(loaded.problems,
              ElementsAre(AllOf(HasSubstr("config_test.yaml:2"), HasSubstr("api_prot"),
                                HasSubstr("did you mean api_port?")),
                          AllOf(HasSubstr("config_test.yaml:3"), HasSubstr("1 to 1000000")),
                          AllOf(HasSubstr("TOCSIN_API_PORT"), HasSubstr("0 to 65535")),
                          AllOf(HasSubstr("--time-scale"), HasSubstr("1 to 10000"))));
}

// An orchestrator that runs a service called tocsin makes TOCSIN_PORT for everybody.
TEST_F(ConfigTest, WarnsOfVariablesOfTheEnvironmentThatAreNoSettings) {
  sources_.environment = {"TOCSIN_SEEED=2", "TOCSIN_WEATHER_OF_TODAY=sun", "TOCSIN_CPS=5"};

  const LoadedConfig loaded = LoadConfig(sources_);

  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(loaded.warnings,
              ElementsAre(AllOf(HasSubstr("TOCSIN_SEEED"), HasSubstr("did you mean TOCSIN_SEED?")),
                          AllOf(HasSubstr("TOCSIN_WEATHER_OF_TODAY"), HasSubstr("--help"))));
  EXPECT_EQ(loaded.config.cps, 5);
}

TEST_F(ConfigTest, NamesTheLineOfAFileThatIsNotYaml) {
  WriteFile("cps: 1\nseed: [1\n");

  EXPECT_THAT(LoadConfig(sources_).problems, ElementsAre(HasSubstr("config_test.yaml:3")));
}

TEST_F(ConfigTest, MissesAFileThatIsNotThere) {
  sources_.file = "/nowhere/tocsin.yaml";

  EXPECT_THAT(LoadConfig(sources_).problems, ElementsAre(HasSubstr("/nowhere/tocsin.yaml")));
}

TEST_F(ConfigTest, LetsSettingsOfOtherCommandsPass) {
  WriteFile("roles: [api]\n");

  EXPECT_THAT(LoadConfig(sources_).problems, IsEmpty());
}

TEST_F(ConfigTest, SecretsComeFromTheEnvironmentOrFilesAndAreNeverQuoted) {
  sources_.command = Command::kServe;
  sources_.flags = {{"database_url", "postgresql://me:hunter2@db/tocsin"}};
  sources_.environment = {"TOCSIN_CALLBACK_KEYS=hunter2"};
  WriteFile("callback_keys: hunter2\n");

  const LoadedConfig loaded = LoadConfig(sources_);

  EXPECT_THAT(loaded.problems, SizeIs(5));
  for (const std::string& problem : loaded.problems) {
    EXPECT_THAT(problem, ::testing::Not(HasSubstr("hunter2")));
  }
}

TEST_F(ConfigTest, TakesAPasswordFromTheEnvironment) {
  sources_.command = Command::kServe;
  sources_.flags.clear();
  sources_.environment = {"TOCSIN_DATABASE_URL=postgresql://me:hunter2@db/tocsin",
                          "TOCSIN_CALLBACK_KEYS=new:MDEyMzQ1Njc4OWFiY2RlZg==,"
                          "old:MDEyMzQ1Njc4OWFiY2RlZg=="};

  const LoadedConfig loaded = LoadConfig(sources_);

  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(loaded.config.callback_keys, SizeIs(2));
}

TEST_F(ConfigTest, ReadsLists) {
  WriteFile("caller_numbers:\n  - +12065550100\n  - \"+12065550101\"\n");

  const LoadedConfig loaded = LoadConfig(sources_);

  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(loaded.config.caller_numbers, ElementsAre("+12065550100", "+12065550101"));
}

TEST_F(ConfigTest, ReadsTheExampleThatIsDeployed) {
  const std::string keys = ::testing::TempDir() + "config_test.keys";
  std::ofstream(keys) << "k1:MDEyMzQ1Njc4OWFiY2RlZg==\n";
  sources_.command = Command::kServe;
  sources_.flags = {{"callback_keys_file", keys}};
  std::ifstream example(TOCSIN_SOURCE_DIR "/deploy/tocsin.example.yaml");
  std::stringstream text;
  text << example.rdbuf();
  WriteFile(text.str());

  const LoadedConfig loaded = LoadConfig(sources_);

  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.config.callback_url, "https://calls.example.com");
}

TEST(Settings, EachDefaultThatIsShownCanBeSet) {
  for (const Setting& setting : Settings()) {
    Config config;
    const std::string text = setting.default_text;
    // Told in words: what is taken where nothing is set.
    const bool in_words = text.find(' ') != std::string::npos;
    if (text.empty() || text == "none" || text.starts_with("http") || in_words) continue;
    EXPECT_FALSE(setting.set(config, text).has_value()) << setting.key;
  }
}

TEST_F(ConfigTest, RefusesAPasswordInAFlagHoweverItIsWritten) {
  sources_.command = Command::kMigrate;
  for (const char* url :
       {"postgresql://tocsin:swordfish@db/tocsin", "host=db password=swordfish",
        "host=db password = 'swordfish'", "postgresql://db/t?password=swordfish"}) {
    sources_.flags = {{"database_url", url}};
    EXPECT_THAT(LoadConfig(sources_).problems, Contains(HasSubstr("--database-url: a password")))
        << url;
  }
  sources_.flags = {{"database_url", "host=db user=tocsin passfile=/etc/tocsin/pgpass"}};
  EXPECT_THAT(LoadConfig(sources_).problems, IsEmpty());
}

}  // namespace
}  // namespace tocsin
