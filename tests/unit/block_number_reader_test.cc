#include "api/block_number_reader.h"

#include <random>
#include <vector>

#include "base/status_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tocsin {
namespace {

constexpr unsigned kSeed = 20260101;

std::string Say(const absl::StatusOr<PhoneNumber>& number) {
  return number.ok() ? number->e164() : Message(number.status());
}

// Counts how often it is asked.
class CountingReader final : public PhoneNumberReader {
 public:
  absl::StatusOr<PhoneNumber> Read(std::string_view text,
                                   std::string_view default_region) const override {
    ++reads;
    return LibPhoneNumberReader().Read(text, default_region);
  }
  std::string RegionOf(const PhoneNumber& number) const override {
    return LibPhoneNumberReader().RegionOf(number);
  }
  mutable int reads = 0;
};

TEST(BlockNumberReader, AsksOnceForABlock) {
  const CountingReader counting;
  const BlockNumberReader reader(counting);

  for (const char* text : {"+12025550123", "(202) 555-0124", "202.555.0125", "1 202 555 0126"}) {
    EXPECT_EQ(Say(reader.Read(text, "US")), Say(LibPhoneNumberReader().Read(text, "US"))) << text;
  }

  EXPECT_EQ(counting.reads, 1);
  EXPECT_EQ(Say(reader.Read("+12025551123", "US")), "+12025551123");
  EXPECT_EQ(counting.reads, 2) << "another thousand";
}

TEST(BlockNumberReader, AsksAlwaysForWhatIsNotPlain) {
  const CountingReader counting;
  const BlockNumberReader reader(counting);
  reader.Read("+12025550123", "US").IgnoreError();

  int reads = counting.reads;
  for (const char* text : {"202 555 0123 ext 5", "1-800-FLOWERS", "+442071838750", "5550123", "",
                           "+", "2025550123 / 2025550124", "+2025550123", "++12025550123",
                           "22025550123", "120255501234", "202555012", "２０２5550123"}) {
    EXPECT_EQ(Say(reader.Read(text, "US")), Say(LibPhoneNumberReader().Read(text, "US"))) << text;
    EXPECT_EQ(counting.reads, ++reads) << text;
  }
  EXPECT_EQ(Say(reader.Read("2025550123", "GB")),
            Say(LibPhoneNumberReader().Read("2025550123", "GB")));
  EXPECT_EQ(counting.reads, reads + 1) << "no national format of there";
}

// Two numbers of a block must have the same fate, or a remembered one would let
// in what cannot exist. Run with every block and seven lines each for the
// distribution's version 8.12.57; here, random blocks of all area codes.
TEST(BlockNumberReader, SaysWhatTheLibrarySaysAllOverThePlan) {
  std::mt19937 random(kSeed);
  const BlockNumberReader reader(LibPhoneNumberReader());
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto block = random() % 10'000'000;
    for (int line = 0; line < 3; ++line) {
      const std::string text = fmt::format("+1{:07}{:03}", block, random() % 1000);
      const std::string said = Say(LibPhoneNumberReader().Read(text, "US"));
      ASSERT_EQ(Say(reader.Read(text, "US")), said) << "seed " << kSeed << " block " << block;
      accepted += said == text ? 1 : 0;
    }
  }
  EXPECT_GT(accepted, 1000);
}

// Every way of writing that the shortcut takes must mean the same to the library.
TEST(BlockNumberReader, ReadsPunctuationAsTheLibraryDoes) {
  std::mt19937 random(kSeed);
  const BlockNumberReader reader(LibPhoneNumberReader());
  reader.Read("+12025550123", "US").IgnoreError();
  const std::vector<std::string> digits = {"2025550123",  "12025550123", "+12025550123",
                                           "+1202555012", "02025550123", "+2025550123"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text = digits[random() % digits.size()];
    for (auto marks = random() % 8; marks > 0; --marks) {
      text.insert(random() % (text.size() + 1), 1, " -.()+"[random() % 6]);
    }
    ASSERT_EQ(Say(reader.Read(text, "US")), Say(LibPhoneNumberReader().Read(text, "US")))
        << "seed " << kSeed << " text " << text;
  }
}

}  // namespace
}  // namespace tocsin
