// How values travel: times and array literals.
#include "absl/time/time.h"
#include "db/array_literal.h"
#include "db/time_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tocsin::db {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

TEST(TimeTextTest, ATimeComesBackAsItWentToTheMicrosecond) {
  for (const std::int64_t micros : {0LL, 1LL, 999'999LL, 1'795'262'400'000'001LL,
                                    951'826'000'123'456LL, 4'102'444'799'999'999LL}) {
    const absl::Time time = absl::FromUnixMicros(micros);
    EXPECT_THAT(ParseTimeText(TimeText(time)), Optional(time)) << TimeText(time);
  }
  EXPECT_EQ(TimeText(absl::FromUnixMicros(1'795'262'400'000'001)), "2026-11-21 12:00:00.000001+00");
  EXPECT_THAT(ParseTimeText(TimeText(absl::InfiniteFuture())), Optional(absl::InfiniteFuture()));
  EXPECT_THAT(ParseTimeText(TimeText(absl::InfinitePast())), Optional(absl::InfinitePast()));
}

TEST(TimeTextTest, PostgresLeavesOutZeroesAtTheEnd) {
  EXPECT_THAT(ParseTimeText("2026-11-21 12:00:00+00"),
              Optional(absl::FromUnixSeconds(1'795'262'400)));
  EXPECT_THAT(ParseTimeText("2026-11-21 12:00:00.5+00"),
              Optional(absl::FromUnixSeconds(1'795'262'400) + absl::Milliseconds(500)));
}

TEST(TimeTextTest, AnythingElseIsRefusedAtEveryLength) {
  const std::string whole = "2026-11-21 12:00:00.123456+00";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(ParseTimeText(whole.substr(0, length)), std::nullopt) << length;
  }
  for (const char* text : {"2026-11-21 12:00:00+01", "2026-11-21 12:00:00.+00", "-026-11-21 1",
                           "2026-11-21T12:00:00+00", "2026-11-21 12:00:00.1234567+00"}) {
    EXPECT_EQ(ParseTimeText(text), std::nullopt) << text;
  }
}

TEST(ArrayLiteralTest, ElementsAreQuotedWhereTheyMustBe) {
  ArrayLiteral literal;
  literal.Add(-5);
  literal.AddNull();
  literal.Add("a\"b\\c,{}");
  literal.Add(std::optional<std::string>());
  literal.AddBool(true);
  literal.AddOrNull("");
  literal.Add(std::string_view("x\0y", 3));
  EXPECT_EQ(literal.size(), 7);
  EXPECT_EQ(std::move(literal).Take(), R"({-5,NULL,"a\"b\\c,{}",NULL,t,NULL,"xy"})");
  EXPECT_EQ(ArrayLiteral().Take(), "{}");
}

TEST(ArrayLiteralTest, AListComesBackAsItWent) {
  const std::vector<std::string> texts = {"", "plain", "a b", "\"", "\\", "{,}", "NULL?", "ünï"};
  EXPECT_THAT(ParseTextArray(ArrayOf(texts)), Optional(texts));
  EXPECT_THAT(ParseTextArray("{}"), Optional(IsEmpty()));
  EXPECT_THAT(ParseTextArray("{a,NULL,\"b c\"}"), Optional(ElementsAre("a", "", "b c")));
}

TEST(ArrayLiteralTest, ATruncatedArrayIsNone) {
  const std::string whole = R"({a,"b\"c",d})";
  ASSERT_TRUE(ParseTextArray(whole).has_value());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(ParseTextArray(whole.substr(0, length)), std::nullopt) << length;
  }
  for (const char* text : {"a", "{a}b}", "{\"a\"b}", "{a", "a}"}) {
    EXPECT_EQ(ParseTextArray(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace tocsin::db
