#include "wire/tones.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tocsin::wire {
namespace {

constexpr std::string_view kKeys = "0123456789*#abcd";

TEST(Tones, BothVocabulariesGoThereAndBack) {
  std::set<std::string_view> names;
  for (const char key : kKeys) {
    EXPECT_EQ(ToneNamed(ToneName2021(key)), key);
    EXPECT_EQ(ToneNamed(ToneNameGa(key)), key);
    EXPECT_EQ(ToneNamedGa(ToneNameGa(key)), key);
    EXPECT_TRUE(names.insert(ToneNameGa(key)).second);
    EXPECT_TRUE(IsTone(key));
  }
  EXPECT_EQ(ToneNameGa('*'), "asterisk");
  EXPECT_EQ(ToneName2021('*'), "Star");
}

TEST(Tones, AnEventMayWriteThemInAnyWay) {
  EXPECT_EQ(ToneNamed("TONE7"), '7');
  EXPECT_EQ(ToneNamed("7"), '7');
  EXPECT_EQ(ToneNamed("toneStar"), '*');
  EXPECT_EQ(ToneNamed("#"), '#');
  EXPECT_EQ(ToneNamed("D"), 'd');
}

TEST(Tones, ARequestMustWriteThemAsGaDoes) {
  for (const char* name : {"One", "Tone1", "1", "star", "", "flash"}) {
    EXPECT_EQ(ToneNamedGa(name), std::nullopt) << name;
  }
}

TEST(Tones, WhatIsNoKeyIsNone) {
  for (const char* name : {"", "tone", "Tone10", "flash", "e"}) {
    EXPECT_EQ(ToneNamed(name), std::nullopt) << name;
  }
  EXPECT_FALSE(IsTone('x'));
  EXPECT_FALSE(IsTone('\0'));
}

}  // namespace
}  // namespace tocsin::wire
