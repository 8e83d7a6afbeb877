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

TEST(TimeTextTest, ATimeThatNoCalendarHoldsIsMovedIntoIt) {
  EXPECT_EQ(TimeText(absl::FromUnixSeconds(1'000'000'000'000)), "9999-12-31 23:59:59.999999+00");
  EXPECT_EQ(TimeText(absl::FromUnixSeconds(-1'000'000'000'000)), "0001-01-01 00:00:00.000000+00");
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
  ArrayLiteral mixed;
  mixed.Add("plain, \"quoted\" na\u00efve \\ end");
  EXPECT_EQ(std::move(mixed).Take(), "{\"plain, \\\"quoted\\\" na\u00efve \\\\ end\"}");
}

TEST(ArrayLiteralTest, WhatIsNotUtf8IsReplaced) {
  const struct {
    std::string_view text;
    std::string_view literal;
  } kCases[] = {
      {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x93\x9e", "{\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x93\x9e\"}"},
      {"a\xff\xfe", "{\"a??\"}"},          // No lead bytes.
      {"\xc3", "{\"?\"}"},                 // Cut short.
      {"\xe2\x82", "{\"??\"}"},            // Cut short.
      {"\xc0\xaf", "{\"??\"}"},            // Overlong.
      {"\xe0\x80\xaf", "{\"???\"}"},       // Overlong.
      {"\xed\xa0\x80", "{\"???\"}"},       // A surrogate.
      {"\xf4\x90\x80\x80", "{\"????\"}"},  // Beyond Unicode.
      {"\xc3(", "{\"?(\"}"},
  };
  for (const auto& [text, expected] : kCases) {
    ArrayLiteral literal;
    literal.Add(text);
    EXPECT_EQ(std::move(literal).Take(), expected);
  }
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
