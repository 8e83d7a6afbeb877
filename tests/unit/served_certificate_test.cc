#include "base/served_certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "base/status_macros.h"
#include "tests/support/certificates.h"

namespace tocsin {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ServedCertificateTest : public ::testing::Test {
 protected:
  std::shared_ptr<ServedCertificate> Open(const TlsFiles& files) {
    auto opened = ServedCertificate::Open("receiver", files, SystemClock());
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }

  std::string Complaint(const TlsFiles& files) {
    const auto read = ReadTlsIdentity(files, SystemClock().Now());
    EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument);
    return Message(read.status());
  }

  std::string FileOf(const std::string& name, const std::string& text) {
    const std::string path = authority_.folder() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  const TestAuthority authority_;
};

std::string Page(ServedCertificate& certificate) {
  MetricsPage page;
  certificate.WriteMetrics(page);
  return page.Text();
}

TEST_F(ServedCertificateTest, ServesWhatStandsInItsFiles) {
  const auto certificate = Open(authority_.Issue("a"));

  const auto first = certificate->Current();

  EXPECT_EQ(first, certificate->Current());
  EXPECT_GT(first->expires, SystemClock().Now());
  EXPECT_NE(first->context, nullptr);
}

TEST_F(ServedCertificateTest, TakesANewOneUpAtTheNextHandshake) {
  const auto certificate = Open(authority_.Issue("a"));
  const std::string first = SerialOf(certificate->Current()->certificate);

  authority_.Issue("a", {.ends = absl::Hours(48)});

  const auto second = certificate->Current();
  EXPECT_NE(SerialOf(second->certificate), first);
  EXPECT_GT(second->expires, SystemClock().Now() + absl::Hours(47));
  EXPECT_THAT(Page(*certificate),
              HasSubstr("tocsin_tls_certificate_reloads_total{listener=\"receiver\"} 1"));
}

TEST_F(ServedCertificateTest, NoticesItAtTheNextScrapeToo) {
  const auto certificate = Open(authority_.Issue("a"));
  authority_.Issue("a");

  EXPECT_THAT(Page(*certificate),
              HasSubstr("tocsin_tls_certificate_reloads_total{listener=\"receiver\"} 1"));
}

// Certificate and key are two files, and seldom change at the same instant.
TEST_F(ServedCertificateTest, KeepsTheOldOneWhileTheNewFilesDoNotGoTogether) {
  const TlsFiles files = authority_.Issue("a");
  const TlsFiles next = authority_.Issue("b");
  const auto certificate = Open(files);
  const auto first = certificate->Current();

  std::filesystem::rename(next.certificate, files.certificate);

  EXPECT_EQ(certificate->Current(), first);
  EXPECT_THAT(Page(*certificate),
              HasSubstr("tocsin_tls_certificate_not_taken{listener=\"receiver\"} 1"));

  std::filesystem::rename(next.key, files.key);

  EXPECT_NE(certificate->Current(), first);
  EXPECT_THAT(Page(*certificate),
              HasSubstr("tocsin_tls_certificate_not_taken{listener=\"receiver\"} 0"));
}

TEST_F(ServedCertificateTest, KeepsTheOldOneWhenTheNewOneIsBrokenExpiredOrGone) {
  const TlsFiles files = authority_.Issue("a");
  const auto certificate = Open(files);
  const auto first = certificate->Current();

  FileOf("a.pem", "no certificate");
  EXPECT_EQ(certificate->Current(), first);
  authority_.Issue("a", {.begins = -absl::Hours(2), .ends = -absl::Hours(1)});
  EXPECT_EQ(certificate->Current(), first);
  std::filesystem::remove(files.certificate);
  EXPECT_EQ(certificate->Current(), first);
}

TEST_F(ServedCertificateTest, TellsWhenItExpires) {
  const auto certificate = Open(authority_.Issue("a", {.ends = absl::Hours(24)}));
  const double expires = absl::ToDoubleSeconds(certificate->Current()->expires - absl::UnixEpoch());

  EXPECT_NEAR(expires, absl::ToDoubleSeconds(SystemClock().Now() - absl::UnixEpoch()) + 86'400, 60);
  EXPECT_THAT(Page(*certificate),
              HasSubstr(fmt::format("tocsin_tls_certificate_expires_timestamp_seconds{{listener="
                                    "\"receiver\"}} {}",
                                    static_cast<std::int64_t>(expires))));
}

TEST_F(ServedCertificateTest, SaysWhichFileCannotBeRead) {
  const TlsFiles good = authority_.Issue("a");

  EXPECT_THAT(Complaint({.certificate = "/nowhere/a.pem", .key = good.key}),
              HasSubstr("/nowhere/a.pem cannot be read: No such file or directory"));
  EXPECT_THAT(Complaint({.certificate = good.certificate, .key = "/nowhere/a.key"}),
              HasSubstr("/nowhere/a.key cannot be read"));
  EXPECT_THAT(Complaint({.certificate = authority_.folder(), .key = good.key}),
              HasSubstr("cannot be read"));
  TlsFiles asks = good;
  asks.client_ca = "/nowhere/ca.pem";
  EXPECT_THAT(Complaint(asks), HasSubstr("/nowhere/ca.pem cannot be read"));
}

TEST_F(ServedCertificateTest, SaysWhichFileHoldsSomethingElse) {
  const TlsFiles good = authority_.Issue("a");

  EXPECT_THAT(Complaint({.certificate = good.key, .key = good.key}),
              AllOf(HasSubstr(good.key), HasSubstr("holds no certificate")));
  EXPECT_THAT(Complaint({.certificate = good.certificate, .key = good.certificate}),
              AllOf(HasSubstr(good.certificate), HasSubstr("holds no private key"),
                    HasSubstr("passphrase")));
  TlsFiles asks = good;
  asks.client_ca = good.key;
  EXPECT_THAT(Complaint(asks), AllOf(HasSubstr(good.key), HasSubstr("no certificate of an")));
}

TEST_F(ServedCertificateTest, SaysThatTheKeyIsAnotherOnes) {
  const TlsFiles a = authority_.Issue("a"), b = authority_.Issue("b");

  EXPECT_THAT(Complaint({.certificate = a.certificate, .key = b.key}),
              AllOf(HasSubstr(a.certificate), HasSubstr(b.key), HasSubstr("is not that of")));
}

TEST_F(ServedCertificateTest, SaysThatACertificateHasExpiredOrIsNotValidYet) {
  const TlsFiles old =
      authority_.Issue("old", {.begins = -absl::Hours(2), .ends = -absl::Hours(1)});
  const TlsFiles young =
      authority_.Issue("young", {.begins = absl::Hours(1), .ends = absl::Hours(2)});

  EXPECT_THAT(Complaint(old), AllOf(HasSubstr(old.certificate), HasSubstr("expired at 20"),
                                    HasSubstr("put a new one in its place")));
  EXPECT_THAT(Complaint(young), AllOf(HasSubstr("valid from"), HasSubstr("clock")));
}

TEST_F(ServedCertificateTest, NeverQuotesWhatStandsInAFile) {
  const std::string secret = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg";
  const std::string file = FileOf("key", "-----BEGIN THING-----\n" + secret + "\n");

  EXPECT_THAT(Complaint({.certificate = file, .key = file}), Not(HasSubstr(secret)));
}

}  // namespace
}  // namespace tocsin
