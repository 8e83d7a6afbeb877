#include "callserver/repeated_answers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace tocsin::callserver {
namespace {

TEST(RepeatedAnswers, TheFirstAnswerStays) {
  RepeatedAnswers answers;
  int asked = 0;
  const auto first = [&] { return HttpResponse{.status = 201, .body = std::to_string(++asked)}; };

  EXPECT_FALSE(answers.Once("a", first).repeated);
  const RepeatedAnswers::Given again = answers.Once("a", first);
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.answer.body, "1");
  EXPECT_EQ(answers.Once("b", first).answer.body, "2");
  EXPECT_EQ(asked, 2);
}

TEST(RepeatedAnswers, WhatMayBeTriedAgainIsNotBound) {
  RepeatedAnswers answers;
  for (const int status : {429, 500, 503}) {
    EXPECT_FALSE(answers.Once("a", [&] { return HttpResponse{.status = status}; }).repeated);
  }
  EXPECT_FALSE(answers.Once("a", [] { return HttpResponse{.status = 404}; }).repeated);
  EXPECT_TRUE(answers.Once("a", [] { return HttpResponse{.status = 201}; }).repeated);
}

TEST(RepeatedAnswers, TheOldestAreForgotten) {
  RepeatedAnswers answers(2);
  const auto created = [] { return HttpResponse{.status = 201}; };
  for (const char* key : {"a", "b", "c"}) answers.Once(key, created);

  EXPECT_TRUE(answers.Once("b", created).repeated);
  EXPECT_TRUE(answers.Once("c", created).repeated);
  EXPECT_FALSE(answers.Once("a", created).repeated);
}

TEST(RepeatedAnswers, WhoAsksMeanwhileWaitsForTheFirst) {
  RepeatedAnswers answers;
  std::atomic<int> carried_out = 0;
  std::atomic<int> repeated = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        const auto given = answers.Once("a", [&] {
          ++carried_out;
          return HttpResponse{.status = 201};
        });
        if (given.repeated) ++repeated;
      });
    }
  }
  EXPECT_EQ(carried_out, 1);
  EXPECT_EQ(repeated, 7);
}

}  // namespace
}  // namespace tocsin::callserver
