#include "core/dial_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin {
namespace {

using ::testing::HasSubstr;

PhoneNumber Number(std::string_view text) {
  return *PhoneNumber::Parse(text);
}

TEST(RefusedDestination, KnowsTheRangesThatAreNobodysTelephone) {
  for (const char* refused :
       {"+19005550100", "+12029765555", "+12025551212", "+19115550100", "+12029115550",
        "+870773111632", "+8816123456789", "+88216123456", "+8835100123456", "+97912345678",
        "+87812345678", "+8881234567", "+449061234567", "+448431234567", "+447612345678",
        "+4990012345678", "+33891234567", "+1202555010"}) {
    EXPECT_TRUE(RefusedDestination(Number(refused))) << refused;
  }
}

TEST(RefusedDestination, LetsOrdinaryNumbersPass) {
  for (const char* passed : {"+12025550100", "+442079460000", "+4930123456", "+33142685300"}) {
    EXPECT_FALSE(RefusedDestination(Number(passed))) << passed;
  }
}

class DialGuardTest : public testing::Test {
 protected:
  DialGuardTest() {
    campaign_.spec.synthetic = true;
    campaign_.spec.window = {0, 24 * 60};
    trunk_.name = "local";
    trunk_.endpoint = "http://127.0.0.1:8089";
    trunk_.caller_numbers = {Number("+12025550199")};
  }
  void MakeLive() {
    campaign_.spec.synthetic = false;
    trunk_.endpoint = "https://contoso.communication.azure.com";
    trunk_.live_dialing = true;
    trunk_.allowed_regions = {"US"};
    trunk_.spend_ceiling_calls = 100;
  }
  GuardVerdict Guard(std::string_view to, std::string_view region = "US",
                     std::int64_t sends = 0) const {
    const PhoneNumber number = Number(to);
    return GuardDial(campaign_, trunk_, {number, region, zone_, sends}, now_);
  }
  static std::string Reason(const GuardVerdict& verdict) {
    if (const auto* wrong = std::get_if<GuardMisconfigured>(&verdict)) return wrong->reason;
    if (const auto* refusal = std::get_if<GuardRefusal>(&verdict)) return refusal->reason;
    return "";
  }

  Campaign campaign_;
  Trunk trunk_;
  std::string zone_;
  absl::Time now_ = absl::FromCivil(absl::CivilSecond(2026, 6, 1, 15, 0, 0), absl::UTCTimeZone());
};

TEST_F(DialGuardTest, ARehearsalOnThisMachinePasses) {
  EXPECT_TRUE(std::holds_alternative<GuardPass>(Guard("+12025550100")));
}

TEST_F(DialGuardTest, ASyntheticListLeavesThisMachineNever) {
  MakeLive();
  campaign_.spec.synthetic = true;

  EXPECT_THAT(Reason(Guard("+12025550100")), HasSubstr("synthetic"));
}

TEST_F(DialGuardTest, ALookAlikeOfLoopbackIsNotLoopback) {
  for (const char* endpoint : {"http://127.0.0.1.example.com", "http://127.evil.com:80",
                               "http://localhost.example.com", "http://127.0.0.1@evil.com"}) {
    EXPECT_FALSE(IsLoopbackEndpoint(endpoint)) << endpoint;
  }
  EXPECT_TRUE(IsLoopbackEndpoint("http://[::1]:8080"));
}

TEST_F(DialGuardTest, EachSettingForLiveDialingIsAskedFor) {
  MakeLive();
  EXPECT_TRUE(std::holds_alternative<GuardPass>(Guard("+12022560100")));
  trunk_.live_dialing = false;
  EXPECT_THAT(Reason(Guard("+12022560100")), HasSubstr("live_dialing"));
  MakeLive();
  trunk_.allowed_regions.clear();
  EXPECT_THAT(Reason(Guard("+12022560100")), HasSubstr("allowed_regions"));
  MakeLive();
  trunk_.spend_ceiling_calls = 0;
  EXPECT_THAT(Reason(Guard("+12022560100")), HasSubstr("spend_ceiling"));
  MakeLive();
  EXPECT_THAT(Reason(Guard("+12022560100", "US", 100)), HasSubstr("used up"));
}

TEST_F(DialGuardTest, CountriesAreAllowedByNameAlsoInsideTheNanp) {
  MakeLive();

  EXPECT_THAT(Reason(Guard("+18765000100", "JM")), HasSubstr("country"));
}

TEST_F(DialGuardTest, OurOwnNumbersAreNotRung) {
  EXPECT_THAT(Reason(Guard("+12025550199")), HasSubstr("own caller"));
}

TEST_F(DialGuardTest, ACallThatCouldStillRingWhenTheWindowClosesWaits) {
  campaign_.spec.window = {8 * 60, 15 * 60};
  zone_ = "UTC";
  now_ -= absl::Seconds(29);
  const GuardVerdict verdict = Guard("+12025550100");

  ASSERT_TRUE(std::holds_alternative<GuardWait>(verdict));
  EXPECT_EQ(std::get<GuardWait>(verdict).until,
            absl::FromCivil(absl::CivilSecond(2026, 6, 2, 8, 0, 0), absl::UTCTimeZone()));
  now_ -= absl::Seconds(1);
  EXPECT_TRUE(std::holds_alternative<GuardPass>(Guard("+12025550100")));
}

TEST_F(DialGuardTest, AnUnknownZoneIsRefused) {
  zone_ = "Mars/Olympus";

  EXPECT_THAT(Reason(Guard("+12025550100")), HasSubstr("time zone"));
}

TEST_F(DialGuardTest, ATransferIsHeldToTheSameButForTheHour) {
  const auto refused = [this](const char* to, const char* region = "US", std::int64_t sends = 0) {
    return GuardTransfer(campaign_, trunk_, OperatorLine{Number(to), region}, sends).value_or("");
  };
  campaign_.spec.window = {0, 1};
  EXPECT_EQ(refused("+12025550177"), "");
  EXPECT_THAT(refused("+12024561111"), HasSubstr("not a synthetic number"));
  EXPECT_THAT(refused("+12025550199"), HasSubstr("our own"));

  MakeLive();
  EXPECT_EQ(refused("+12024561111"), "");
  EXPECT_THAT(refused("+19004561111"), HasSubstr("premium"));
  EXPECT_THAT(refused("+442079460000", "GB"), HasSubstr("country"));
  EXPECT_THAT(refused("+12024561111", "US", 100), HasSubstr("spend_ceiling_calls"));
  trunk_.live_dialing = false;
  EXPECT_THAT(refused("+12024561111"), HasSubstr("live_dialing"));
}

}  // namespace
}  // namespace tocsin
