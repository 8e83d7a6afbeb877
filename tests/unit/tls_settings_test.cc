#include "app/tls_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/certificates.h"

namespace tocsin {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class TlsSettingsTest : public ::testing::Test {
 protected:
  TlsSettingsTest() {
    sources_.command = Command::kUp;
    sources_.flags["data_dir"] = "/tmp/x";
    sources_.now = SystemClock().Now();
    files_ = authority_.Issue("server");
    chmod(files_.key.c_str(), 0600);
  }

  void Serve() {
    sources_.command = Command::kServe;
    sources_.flags = {{"database_url", "host=/tmp"}};
    sources_.environment = {"TOCSIN_CALLBACK_KEYS=k:MDEyMzQ1Njc4OWFiY2RlZg=="};
  }

  const TestAuthority authority_;
  TlsFiles files_;
  ConfigSources sources_;
};

TEST_F(TlsSettingsTest, EveryListenerMayHaveItsOwnCertificate) {
  for (const char* listener : {"api", "receiver", "admin", "call_server"}) {
    sources_.flags[fmt::format("{}_tls_certificate_file", listener)] = files_.certificate;
    sources_.flags[fmt::format("{}_tls_key_file", listener)] = files_.key;
  }
  sources_.flags["api_tls_client_ca_file"] = authority_.ca_file();
  sources_.flags["tls_ca_file"] = authority_.ca_file();

  const LoadedConfig loaded = LoadConfig(sources_);

  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(loaded.warnings, IsEmpty());
  const auto opened = OpenCertificates(Command::kUp, loaded.config, SystemClock());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_TRUE(opened->api->asks_clients());
  EXPECT_FALSE(opened->receiver->asks_clients());
  EXPECT_NE(opened->admin, nullptr);
  EXPECT_NE(opened->call_server, nullptr);
}

TEST_F(TlsSettingsTest, WithoutAnyThereIsNoTls) {
  const LoadedConfig loaded = LoadConfig(sources_);

  EXPECT_THAT(loaded.warnings, IsEmpty());
  const auto opened = OpenCertificates(Command::kUp, loaded.config, SystemClock());
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->api, nullptr);
  EXPECT_EQ(opened->call_server, nullptr);
}

TEST_F(TlsSettingsTest, ACertificateNeedsItsKeyAndTheOtherWayRound) {
  sources_.flags["api_tls_certificate_file"] = files_.certificate;
  sources_.flags["receiver_tls_key_file"] = files_.key;
  sources_.flags["admin_tls_client_ca_file"] = authority_.ca_file();

  EXPECT_THAT(LoadConfig(sources_).problems,
              ElementsAre(AllOf(HasSubstr("--api-tls-key-file"), HasSubstr("is needed as well")),
                          AllOf(HasSubstr("--receiver-tls-certificate-file"), HasSubstr("as well")),
                          AllOf(HasSubstr("--admin-tls-certificate-file"), HasSubstr("as well"))));
}

TEST_F(TlsSettingsTest, WhatCannotBeServedIsReportedWithItsSetting) {
  const TlsFiles old =
      authority_.Issue("old", {.begins = -absl::Hours(2), .ends = -absl::Hours(1)});
  sources_.flags["api_tls_certificate_file"] = old.certificate;
  sources_.flags["api_tls_key_file"] = old.key;
  sources_.flags["tls_ca_file"] = files_.key;

  EXPECT_THAT(
      LoadConfig(sources_).problems,
      ElementsAre(AllOf(HasSubstr("--api-tls-certificate-file"), HasSubstr("expired at")),
                  AllOf(HasSubstr("--tls-ca-file"), HasSubstr("no certificate of an authority"))));
}

TEST_F(TlsSettingsTest, WarnsOfWhatTheNetworkReachesWithoutTls) {
  sources_.flags["receiver_host"] = "0.0.0.0";
  sources_.flags["admin_host"] = "::1";
  sources_.flags["api_host"] = "localhost";
  sources_.flags["call_server_host"] = "10.0.0.7";
  sources_.flags["call_server_tls_certificate_file"] = files_.certificate;
  sources_.flags["call_server_tls_key_file"] = files_.key;

  EXPECT_THAT(LoadConfig(sources_).warnings,
              ElementsAre(AllOf(HasSubstr("the receiver is reached at 0.0.0.0 without TLS"),
                                HasSubstr("--receiver-tls-certificate-file"))));
}

// One file of settings may serve nodes that do different things.
TEST_F(TlsSettingsTest, AListenerThatANodeDoesNotHaveIsNoneOfItsBusiness) {
  Serve();
  sources_.flags["roles"] = "scheduler";
  sources_.flags["api_host"] = "0.0.0.0";
  sources_.flags["api_tls_certificate_file"] = "/nowhere.pem";
  sources_.flags["receiver_host"] = "0.0.0.0";

  const LoadedConfig loaded = LoadConfig(sources_);

  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(loaded.warnings, ElementsAre(HasSubstr("the receiver")));
  EXPECT_TRUE(OpenCertificates(Command::kServe, loaded.config, SystemClock()).ok());
}

TEST_F(TlsSettingsTest, WarnsOfSecretsThatEverybodyMayRead) {
  const std::string access_key = authority_.folder() + "/access.key";
  std::ofstream(access_key) << "MDEyMzQ1Njc4OWFiY2RlZg==\n";
  chmod(access_key.c_str(), 0640);
  sources_.flags["access_key_file"] = access_key;
  sources_.flags["api_tls_certificate_file"] = files_.certificate;
  sources_.flags["api_tls_key_file"] = files_.key;
  EXPECT_THAT(LoadConfig(sources_).warnings, IsEmpty());

  chmod(access_key.c_str(), 0644);
  chmod(files_.key.c_str(), 0604);

  const std::vector<std::string> warnings = LoadConfig(sources_).warnings;
  EXPECT_THAT(warnings, ElementsAre(AllOf(HasSubstr(access_key), HasSubstr("chmod o=")),
                                    HasSubstr(files_.key)));
  EXPECT_THAT(warnings, Each(Not(HasSubstr("MDEyMzQ1"))));
}

TEST_F(TlsSettingsTest, WarnsOfASettingsFileWithAPasswordThatEverybodyMayRead) {
  Serve();
  sources_.flags.clear();
  sources_.file = authority_.folder() + "/tocsin.yaml";
  std::ofstream(sources_.file) << "database_url: postgresql://tocsin:swordfish@db/tocsin\n";
  chmod(sources_.file.c_str(), 0644);

  const LoadedConfig loaded = LoadConfig(sources_);

  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(loaded.warnings,
              ElementsAre(AllOf(HasSubstr(sources_.file), Not(HasSubstr("swordfish")))));
}

}  // namespace
}  // namespace tocsin
