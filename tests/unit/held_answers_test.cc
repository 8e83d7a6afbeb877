#include "callserver/held_answers.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/http_answer.h"

namespace tocsin::callserver {
namespace {

class HeldAnswersTest : public testing::Test {
 protected:
  std::future<HttpResponse> Hold(absl::Duration length, const std::string& call_id = "") {
    auto [reply, answer] = AskedByTest::Ask();
    held_.Hold(std::move(reply), {.body = "held"},
               clock_.Steady() + absl::ToChronoNanoseconds(length), call_id);
    return std::move(answer);
  }

  FakeClock clock_{absl::UnixEpoch()};
  HeldAnswers held_{clock_};
};

TEST_F(HeldAnswersTest, AnAnswerComesWhenItsTimeHas) {
  auto late = Hold(absl::Seconds(20)), soon = Hold(absl::Seconds(10));
  EXPECT_FALSE(IsReady(soon));

  clock_.Advance(absl::Seconds(10));

  EXPECT_EQ(soon.get().body, "held");
  EXPECT_FALSE(IsReady(late));
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(late.get().body, "held");
}

TEST_F(HeldAnswersTest, ACallbackOfItsCallSetsItFree) {
  held_.Expect("a");
  held_.Expect("b");
  auto a = Hold(absl::Hours(1), "a"), b = Hold(absl::Hours(1), "b");

  held_.NoteTaken("a");
  held_.NoteTaken("a");
  held_.NoteTaken("of another call");

  EXPECT_TRUE(IsReady(a));
  EXPECT_FALSE(IsReady(b));
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(b.get().body, "held");
}

TEST_F(HeldAnswersTest, NothingIsHeldForACallbackThatWasFaster) {
  held_.Expect("a");
  held_.NoteTaken("a");
  EXPECT_TRUE(IsReady(Hold(absl::Hours(1), "a")));
}

TEST_F(HeldAnswersTest, NobodyWaitsForAServerThatStops) {
  held_.Expect("a");
  auto a = Hold(absl::Hours(1), "a"), b = Hold(absl::Hours(1));

  held_.Stop();

  EXPECT_TRUE(IsReady(a) && IsReady(b));
  EXPECT_TRUE(IsReady(Hold(absl::Hours(1))));
}

}  // namespace
}  // namespace tocsin::callserver
