#include "wire/result_codes.h"

#include <gtest/gtest.h>

#include <string>

namespace tocsin::wire::ga {
namespace {

constexpr OurSide kNotAnswered;
constexpr OurSide kWeEndedIt{.ended_by_us = true};

ResultInformation Result(int code, int subcode, int q850 = 0, std::string message = "") {
  ResultInformation result{.code = code, .subcode = subcode, .message = std::move(message)};
  if (q850 != 0) result.q850 = Cause{.code = q850};
  return result;
}

Meaning MeaningOf(const ResultInformation& result, const OurSide& ours) {
  return tocsin::MeaningOf(CauseOf(result), ours);
}

struct Row {
  ResultInformation result;
  Disposition disposition;
  Remedy remedy;
};

TEST(ResultCodes, EveryRowOfTheTable) {
  using enum Disposition;
  const Row rows[] = {
      {Result(200, 0), kAnswered, Remedy::kNone},
      {Result(0, 0), kAnswered, Remedy::kNone},
      {Result(0, 560000), kAnswered, Remedy::kNone},
      {Result(0, 540000), kAnswered, Remedy::kNone},
      {Result(0, 7000), kAnswered, Remedy::kNone},
      {Result(200, 7000), kAnswered, Remedy::kNone},
      {Result(486, 560486), kBusy, Remedy::kTryAgain},
      {Result(486, 540486), kBusy, Remedy::kTryAgain},
      {Result(400, 8539), kBusy, Remedy::kTryAgain},
      {Result(400, 8540), kBusy, Remedy::kTryAgain},
      {Result(480, 560480), kNoAnswer, Remedy::kTryAgain},
      {Result(480, 560480, 18), kNoAnswer, Remedy::kTryAgain},
      {Result(480, 560480, 19), kNoAnswer, Remedy::kTryAgain},
      {Result(480, 560480, 20), kUnreachable, Remedy::kTryAgain},
      {Result(480, 8541), kUnreachable, Remedy::kTryAgain},
      {Result(480, 8544), kUnreachable, Remedy::kTryAgain},
      {Result(408, 560408), kNoAnswer, Remedy::kTryAgain},
      {Result(408, 500001), kNoAnswer, Remedy::kTryAgain},
      {Result(408, 4506), kNoAnswer, Remedy::kTryAgain},
      {Result(487, 10004), kNoAnswer, Remedy::kTryAgain},
      {Result(487, 0), kNoAnswer, Remedy::kTryAgain},
      {Result(487, 540487), kNoAnswer, Remedy::kTryAgain},
      {Result(487, 560487), kNoAnswer, Remedy::kTryAgain},
      {Result(497, 560487), kNoAnswer, Remedy::kTryAgain},
      {Result(0, 5003), kDeclined, Remedy::kNone},
      {Result(487, 10024), kDeclined, Remedy::kNone},
      {Result(404, 560404), kInvalidNumber, Remedy::kNone},
      {Result(404, 511404), kInvalidNumber, Remedy::kNone},
      {Result(484, 560484), kInvalidNumber, Remedy::kNone},
      {Result(403, 560403), kDeclined, Remedy::kNone},
      {Result(403, 510403), kConfigError, Remedy::kPauseCampaign},
      {Result(403, 511532), kConfigError, Remedy::kPauseCampaign},
      {Result(403, 10124), kConfigError, Remedy::kPauseCampaign},
      {Result(403, 7504), kConfigError, Remedy::kPauseCampaign},
      {Result(401, 7509), kConfigError, Remedy::kPauseCampaign},
      {Result(410, 531004), kUnreachable, Remedy::kTryAgain},
      {Result(410, 301004), kUnreachable, Remedy::kTryAgain},
      {Result(410, 301005), kUnreachable, Remedy::kTryAgain},
      {Result(410, 3100), kUnreachable, Remedy::kTryAgain},
      {Result(410, 3112), kUnreachable, Remedy::kTryAgain},
      {Result(500, 560500), kProviderError, Remedy::kTryAgain},
      {Result(500, 560500, 41), kCongestion, Remedy::kTryAgain},
      {Result(503, 560503), kCongestion, Remedy::kTryAgain},
      {Result(504, 560504), kProviderError, Remedy::kTryAgain},
      {Result(504, 560504, 34), kCongestion, Remedy::kTryAgain},
      {Result(408, 8537), kLost, Remedy::kTryAgain},
      {Result(500, 9999), kProviderError, Remedy::kTryAgain},
      {Result(-7, -7), kProviderError, Remedy::kTryAgain},
  };
  for (const Row& row : rows) {
    const Meaning meaning = MeaningOf(row.result, kNotAnswered);
    EXPECT_EQ(meaning, (Meaning{row.disposition, row.remedy}))
        << row.result.code << '/' << row.result.subcode;
  }
}

TEST(ResultCodes, ThrottlingReachedNobody) {
  EXPECT_EQ(MeaningOf(Result(429, 8516), kNotAnswered),
            (Meaning{Disposition::kCongestion, Remedy::kGiveBack}));
  EXPECT_EQ(MeaningOf(Result(429, 8530), kNotAnswered),
            (Meaning{Disposition::kCongestion, Remedy::kGiveBack}));
  EXPECT_EQ(MeaningOf(Result(429, 0), kNotAnswered),
            (Meaning{Disposition::kCongestion, Remedy::kGiveBack}));
  EXPECT_EQ(MeaningOf(Result(429, 8529), kNotAnswered),
            (Meaning{Disposition::kCongestion, Remedy::kPauseTrunk}));
}

TEST(ResultCodes, A603IsThreeThings) {
  for (const ResultInformation& declined :
       {Result(603, 560603), Result(603, 0), Result(403, 8538)}) {
    EXPECT_EQ(MeaningOf(declined, kNotAnswered),
              (Meaning{Disposition::kDeclined, Remedy::kTryAgainOnce, true}));
    EXPECT_EQ(MeaningOf(declined, {.caller_at_limit = true}),
              (Meaning{Disposition::kCongestion, Remedy::kGiveBack}));
  }
  ResultInformation blocked = Result(603, 560603);
  blocked.sip = Cause{603, "Network Blocked"};
  // The network's word outweighs what we think of ourselves.
  EXPECT_EQ(MeaningOf(blocked, {.caller_at_limit = true}),
            (Meaning{Disposition::kNetworkBlocked, Remedy::kTryAgainOnce}));
  EXPECT_EQ(MeaningOf(Result(603, 0, 0, "call was network blocked"), kNotAnswered).disposition,
            Disposition::kNetworkBlocked);
}

TEST(ResultCodes, AnEndThatWeAskedForIsACancellation) {
  for (const ResultInformation& ended : {Result(487, 0), Result(487, 560487), Result(200, 7000)}) {
    EXPECT_EQ(MeaningOf(ended, kWeEndedIt), Meaning{Disposition::kCanceled});
  }
  // The telephone was quicker than we.
  EXPECT_EQ(MeaningOf(Result(486, 560486), kWeEndedIt).disposition, Disposition::kBusy);
}

TEST(ResultCodes, WhatWasAnsweredStaysAnswered) {
  for (const ResultInformation& ended :
       {Result(410, 3100), Result(500, 9999), Result(487, 0), Result(603, 560603)}) {
    EXPECT_EQ(MeaningOf(ended, {.answered = true, .ended_by_us = true}),
              Meaning{Disposition::kAnswered});
  }
}

TEST(ResultCodes, EveryCodeMeansSomething) {
  for (int code = -1; code < 1'000; ++code) {
    for (const int subcode : {-1, 0, 8500, 560000, 560000 + code, 9999}) {
      EXPECT_NE(Name(CauseOf(Result(code, subcode))), "") << code;
    }
  }
}

TEST(ResultCodes, ASubcodeMayHoldASipStatus) {
  EXPECT_EQ(SipStatusIn(560486), 486);
  EXPECT_EQ(SipStatusIn(560000), std::nullopt);
  EXPECT_EQ(SipStatusIn(561000), std::nullopt);
  EXPECT_EQ(SipStatusIn(540486), std::nullopt);
}

}  // namespace
}  // namespace tocsin::wire::ga
