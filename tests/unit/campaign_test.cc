#include "core/campaign.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/facts.h"
#include "core/fold.h"
#include "core/trunk.h"

namespace tocsin {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

CampaignSpec Good() {
  CampaignSpec spec;
  spec.name = "Outage";
  spec.purpose = "outage";
  spec.flow.audio_uri = "https://example.com/outage.wav";
  return spec;
}

TEST(CampaignSpec, TheDefaultsAreGood) {
  EXPECT_THAT(CheckCampaignSpec(Good()), IsEmpty());
}

TEST(CampaignSpec, EveryFaultIsNamedAtOnce) {
  CampaignSpec spec = Good();
  spec.name.clear();
  spec.flow.plays = 0;
  spec.flow.keys = {{'9', KeyMeaning::kOptOut}};
  spec.retry.backoff = 0.5;
  spec.time_zone = "Nowhere";

  EXPECT_THAT(
      CheckCampaignSpec(spec),
      ElementsAre(Field(&FieldViolation::field, "name"), Field(&FieldViolation::field, "flow.keys"),
                  Field(&FieldViolation::field, "flow.plays"),
                  Field(&FieldViolation::field, "retry.backoff"),
                  Field(&FieldViolation::field, "window.time_zone")));
}

TEST(AfterCommand, ObeysAndRepeatsAndRefuses) {
  using S = CampaignState;
  using C = CampaignCommand;
  EXPECT_EQ(*AfterCommand(S::kDraft, C::kStart), S::kRunning);
  EXPECT_EQ(*AfterCommand(S::kRunning, C::kStart), S::kRunning);
  EXPECT_EQ(*AfterCommand(S::kRunning, C::kPause), S::kPaused);
  EXPECT_EQ(*AfterCommand(S::kPaused, C::kResume), S::kRunning);
  EXPECT_EQ(*AfterCommand(S::kDraft, C::kCancel), S::kCanceling);
  EXPECT_EQ(*AfterCommand(S::kCanceled, C::kCancel), S::kCanceled);
  for (const S ended : {S::kCanceled, S::kCanceling, S::kCompleted}) {
    EXPECT_FALSE(AfterCommand(ended, C::kStart).ok()) << Name(ended);
    EXPECT_FALSE(AfterCommand(ended, C::kResume).ok()) << Name(ended);
  }
  EXPECT_FALSE(AfterCommand(S::kDraft, C::kPause).ok());
}

template <class E>
void ExpectNamesRoundTrip(int count) {
  for (int i = 0; i < count; ++i) {
    const E value = static_cast<E>(i);
    EXPECT_EQ(FromName<E>(Name(value)), value);
  }
  EXPECT_EQ(FromName<E>("NO SUCH NAME"), std::nullopt);
}

TEST(Names, AreTheirOwnInverse) {
  ExpectNamesRoundTrip<Disposition>(12);
  ExpectNamesRoundTrip<Delivery>(4);
  ExpectNamesRoundTrip<AnsweredBy>(4);
  ExpectNamesRoundTrip<Outcome>(11);
  ExpectNamesRoundTrip<FactKind>(17);
  ExpectNamesRoundTrip<CampaignState>(6);
  ExpectNamesRoundTrip<KeyMeaning>(5);
  ExpectNamesRoundTrip<AttemptState>(4);
  ExpectNamesRoundTrip<Dialect>(3);
}

TEST(CampaignSpec, AnOperatorCanBeAskedForAndMayBeRung) {
  const auto faults = [](const char* number, bool synthetic, bool with_key) {
    CampaignSpec spec = Good();
    spec.synthetic = synthetic;
    if (!with_key) spec.flow.keys.erase('0');
    spec.flow.operator_line = OperatorLine{*PhoneNumber::Parse(number), "US"};
    return CheckCampaignSpec(spec);
  };
  EXPECT_THAT(faults("+12024561111", false, true), IsEmpty());
  EXPECT_THAT(faults("+12025550177", true, true), IsEmpty());
  const auto at_the_number = ElementsAre(Field(&FieldViolation::field, "flow.operator_number"));
  EXPECT_THAT(faults("+12024561111", false, false), at_the_number);
  EXPECT_THAT(faults("+12025550177", false, true), at_the_number);
  EXPECT_THAT(faults("+12024561111", true, true), at_the_number);
  EXPECT_THAT(faults("+19004561111", false, true), at_the_number);
}

}  // namespace
}  // namespace tocsin
