#include "app/config_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace tocsin {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

Config GoodServe() {
  Config config;
  config.callback_keys = {{"k1", Secret("0123456789abcdef")}};
  return config;
}

TEST(ConfigCheck, WhatIsDefaultContradictsNothing) {
  EXPECT_THAT(FindContradictions(Command::kServe, GoodServe()), IsEmpty());
  EXPECT_THAT(FindContradictions(Command::kCallServer, Config()), IsEmpty());
  Config up;
  up.data_dir = ::testing::TempDir() + "not/yet/there";
  EXPECT_THAT(FindContradictions(Command::kUp, up), IsEmpty());
}

TEST(ConfigCheck, TwoListenersOnOnePort) {
  Config config = GoodServe();
  config.admin_port = config.receiver_port;

  EXPECT_THAT(FindContradictions(Command::kServe, config),
              ElementsAre(StartsWith("admin_port: is 7234, and so is receiver_port")));
  config.admin_port = config.receiver_port = 0;  // Any free one, for each.
  EXPECT_THAT(FindContradictions(Command::kServe, config), IsEmpty());
}

TEST(ConfigCheck, AListenerThatThisNodeDoesNotOpenHasNoPort) {
  Config config = GoodServe();
  config.roles = {"receiver"};
  config.admin_port = config.api_port;

  EXPECT_THAT(FindContradictions(Command::kServe, config), IsEmpty());
}

TEST(ConfigCheck, AnAddressThatNobodyCanListenAt) {
  Config config = GoodServe();
  config.receiver_host = "no such host";

  EXPECT_THAT(FindContradictions(Command::kServe, config),
              ElementsAre(AllOf(StartsWith("receiver_host: "), HasSubstr("like 127.0.0.1"))));
}

TEST(ConfigCheck, CallbackKeysOfOneName) {
  Config config = GoodServe();
  config.callback_keys.push_back(config.callback_keys[0]);

  EXPECT_THAT(FindContradictions(Command::kServe, config),
              ElementsAre(AllOf(StartsWith("callback_keys_file: "), HasSubstr("twice"),
                                Not(HasSubstr("0123456789")))));
}

TEST(ConfigCheck, EverythingThatIsWrongWithAnUpAtOnce) {
  const std::string file = ::testing::TempDir() + "config_check.txt";
  std::ofstream(file) << "rings: {nonsense: 1}\n";
  Config config;
  config.data_dir = file;
  config.population_file = file;
  config.ledger_file = "/nowhere/at/all/ledger.jsonl";
  config.caller_numbers = {"+12085550100", "+12085550100", "+1"};

  EXPECT_THAT(FindContradictions(Command::kUp, config),
              ElementsAre(StartsWith("population: "), StartsWith("ledger: "),
                          "caller_numbers: number 2 comes twice",
                          AllOf(StartsWith("caller_numbers: number 3: "), Not(HasSubstr("+1"))),
                          StartsWith("data_dir: ")));
}

}  // namespace
}  // namespace tocsin
