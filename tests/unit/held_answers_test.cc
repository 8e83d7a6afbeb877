#include "callserver/held_answers.h"

#include <gtest/gtest.h>

#include <thread>

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

  // The loop rests between two looks, by this clock as well.
  HttpResponse AnswerAfter(absl::Duration length, std::future<HttpResponse>& answer) {
    for (clock_.Advance(length); !IsReady(answer); clock_.Advance(absl::Milliseconds(1))) {
      std::this_thread::yield();
    }
    return answer.get();
  }

  FakeClock clock_{absl::UnixEpoch()};
  HeldAnswers held_{clock_};
};

TEST_F(HeldAnswersTest, AnAnswerComesWhenItsTimeHas) {
  auto late = Hold(absl::Hours(1000)), soon = Hold(absl::Seconds(10));
  EXPECT_FALSE(IsReady(soon));

  EXPECT_EQ(AnswerAfter(absl::Seconds(10), soon).body, "held");
  EXPECT_FALSE(IsReady(late));
  EXPECT_EQ(AnswerAfter(absl::Hours(1000), late).body, "held");
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
  EXPECT_EQ(AnswerAfter(absl::Hours(1), b).body, "held");
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
