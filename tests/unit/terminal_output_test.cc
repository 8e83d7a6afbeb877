#include "cli/json_output.h"
#include "cli/progress.h"
#include "cli/spelling.h"
#include "cli/table.h"
#include "cli/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tocsin {
namespace {

using testing::HasSubstr;

v1::CampaignProgress Progress(int second, int done, int sends) {
  v1::CampaignProgress progress;
  progress.set_name("campaigns/7");
  progress.set_state(v1::CAMPAIGN_STATE_RUNNING);
  progress.mutable_as_of()->set_seconds(1'800'000'000 + second);
  progress.set_people(10'000);
  progress.set_done(done);
  progress.set_sends(sends);
  progress.set_live(213);
  progress.set_acknowledged(1'204);
  progress.set_calls_per_second_max(500);
  return progress;
}

TEST(Utf8, FindsTheFirstByteThatIsNot) {
  EXPECT_EQ(FindInvalidUtf8(""), std::nullopt);
  EXPECT_EQ(FindInvalidUtf8("aé黒😀"), std::nullopt);
  EXPECT_EQ(FindInvalidUtf8("a\x80"), 1U);
  EXPECT_EQ(FindInvalidUtf8("\xC0\xAF"), 0U) << "overlong";
  EXPECT_EQ(FindInvalidUtf8("\xE0\x80\xAF"), 0U) << "overlong";
  EXPECT_EQ(FindInvalidUtf8("ab\xED\xA0\x80"), 2U) << "surrogate";
  EXPECT_EQ(FindInvalidUtf8("\xF4\x90\x80\x80"), 0U) << "beyond Unicode";
  EXPECT_EQ(FindInvalidUtf8("\xE9\xBB"), 0U) << "cut off";
}

TEST(Utf8, CountsTheCellsOfATerminal) {
  EXPECT_EQ(DisplayWidth("abc"), 3U);
  EXPECT_EQ(DisplayWidth("Žofie"), 5U);
  EXPECT_EQ(DisplayWidth("Z\xCC\x8Cofie"), 5U) << "a combining mark";
  EXPECT_EQ(DisplayWidth("黒田"), 4U);
  EXPECT_EQ(DisplayWidth("😀"), 2U);
  EXPECT_EQ(CutToWidth("黒田さん", 5), "黒田…");
  EXPECT_EQ(CutToWidth("黒田さん", 4), "黒…");
  EXPECT_EQ(CutToWidth("abc", 3), "abc");
}

TEST(Utf8, TakesControlCharactersOut) {
  EXPECT_EQ(Printable("a\x1B[2Jb\nc"), "a [2Jb c");
  EXPECT_EQ(Printable("a\xC2\x9B"
                      "2Jé"),
            "a  2Jé");
}

TEST(Table, AlignsWordsLeftAndNumbersRight) {
  EXPECT_EQ(DrawTable({"NAME", "PEOPLE"}, {{"黒田", "7"}, {"Žofie", "10,000"}, {"x", "-"}}),
            "NAME   PEOPLE\n"
            "黒田        7\n"
            "Žofie  10,000\n"
            "x           -\n");
}

TEST(Table, DrawsTheHeadingsOfAnEmptyOne) {
  EXPECT_EQ(DrawTable({"NAME", "STATE"}, {}), "NAME  STATE\n");
}

TEST(Table, PutsCommasBetweenThousands) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(12345678), "12,345,678");
  EXPECT_EQ(WithCommas(-123), "-123");
  EXPECT_EQ(WithCommas(-1234), "-1,234");
}

TEST(Spelling, FindsWhatWasMeant) {
  const std::vector<std::string> names = {"phone", "phone2", "name", "priority"};
  EXPECT_EQ(NearestName("fone", names), "phone");
  EXPECT_EQ(NearestName("nmae", names), "name");
  EXPECT_EQ(NearestName("prio", names), "");
  EXPECT_EQ(NearestName("", names), "");
  EXPECT_EQ(NearestName("shoe_size", names), "");
}

TEST(Progress, ReckonsRateAndTimeLeft) {
  CampaignSpeed speed;
  EXPECT_EQ(speed.calls_per_second(), std::nullopt);
  for (int second = 0; second <= 20; ++second) {
    speed.Add(Progress(second, 100 * second, second < 15 ? 0 : 500 * (second - 15)));
  }

  EXPECT_NEAR(*speed.calls_per_second(), 500 * 5 / 6.0, 1) << "over the last seconds only";
  EXPECT_EQ(absl::ToInt64Seconds(*speed.time_left()), 80);
}

TEST(Progress, DrawsABarThatFits) {
  CampaignSpeed speed;
  speed.Add(Progress(0, 0, 0));
  speed.Add(Progress(1, 4'831, 499));

  const std::string bar = ProgressBar(Progress(1, 4'831, 499), speed, 200);

  EXPECT_EQ(bar,
            "[#########-----------]  48.3 %  4,831 of 10,000 done | 213 live | "
            "499 of 500 calls/s | 1,204 acknowledged | ETA 0:01");
  EXPECT_EQ(DisplayWidth(ProgressBar(Progress(1, 4'831, 499), speed, 40)), 40U);
}

TEST(Progress, SaysInPlainLinesWhyItStands) {
  CampaignSpeed speed;
  v1::CampaignProgress progress = Progress(1, 0, 0);
  progress.set_state(v1::CAMPAIGN_STATE_PAUSED);
  progress.set_state_reason("operator");
  speed.Add(progress);

  const std::string line = ProgressLine(progress, speed);

  EXPECT_THAT(line, HasSubstr(" PAUSED done=0/10000 live=213 calls_per_second=-/500 "));
  EXPECT_THAT(line, HasSubstr("reason=\"operator\""));
}

TEST(JsonOutput, PrintsOneLineForEachProgress) {
  v1::CampaignProgress progress = Progress(1, 5, 7);
  (*progress.mutable_outcomes())["CONFIRMED"] = 5;

  const std::string line = ToJsonLine(progress);

  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_THAT(line, HasSubstr(R"("state":"RUNNING")"));
  EXPECT_THAT(line, HasSubstr(R"("outcomes":{"CONFIRMED":5})"));
  EXPECT_THAT(line, HasSubstr(R"("as_of":"2027-01-15T08:00:01Z")"));
}

}  // namespace
}  // namespace tocsin
