#include "core/phone_number.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(PhoneNumber, TakesE164AndNothingElse) {
  EXPECT_TRUE(PhoneNumber::Parse("+4930123456").ok());
  for (const char* wrong : {"", "+", "4930123456", "+0301234567", "+1234567", "+1234567890123456",
                            "+49 30123456", "+4930x23456", "++493012345"}) {
    EXPECT_FALSE(PhoneNumber::Parse(wrong).ok()) << wrong;
  }
}

TEST(PhoneNumber, RefusesWithoutQuotingTheInput) {
  EXPECT_THAT(std::string(PhoneNumber::Parse("030 1234567").status().message()),
              Not(HasSubstr("1234")));
}

TEST(PhoneNumber, MaskedKeepsTheEnds) {
  EXPECT_EQ(PhoneNumber::Parse("+4930123456")->Masked(), "+49******56");
}

TEST(LibPhoneNumberReader, ReadsNumbersAsPeopleWriteThem) {
  const PhoneNumberReader& reader = LibPhoneNumberReader();
  EXPECT_EQ(reader.Read("(202) 555-0123", "US")->e164(), "+12025550123");
  EXPECT_EQ(reader.Read("202.555.0123", "US")->e164(), "+12025550123");
  EXPECT_EQ(reader.Read("+44 20 7946 0000", "US")->e164(), "+442079460000");
  EXPECT_EQ(reader.Read("020 7946 0000", "GB")->e164(), "+442079460000");
}

TEST(LibPhoneNumberReader, SaysWhatIsWrong) {
  const PhoneNumberReader& reader = LibPhoneNumberReader();
  const auto why = [&](const char* text) {
    return std::string(reader.Read(text, "US").status().message());
  };
  EXPECT_THAT(why("call me"), HasSubstr("not a telephone number"));
  EXPECT_THAT(why("555-0123"), HasSubstr("no such number"));
  EXPECT_THAT(why("+999 123456789"), HasSubstr("country code"));
  EXPECT_THAT(why("202-555-0123 ext. 4"), HasSubstr("extension"));
}

TEST(LibPhoneNumberReader, TellsTheCountriesOfTheNanpApart) {
  const PhoneNumberReader& reader = LibPhoneNumberReader();
  EXPECT_EQ(reader.RegionOf(*PhoneNumber::Parse("+12025550123")), "US");
  EXPECT_EQ(reader.RegionOf(*PhoneNumber::Parse("+18765000100")), "JM");
  EXPECT_EQ(reader.RegionOf(*PhoneNumber::Parse("+14165550123")), "CA");
}

}  // namespace
}  // namespace tocsin
