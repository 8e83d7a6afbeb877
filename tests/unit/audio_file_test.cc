#include "callserver/audio_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/callserver_wav.h"

namespace tocsin::callserver {
namespace {

TEST(AudioFile, TheLengthIsThatOfTheSamples) {
  EXPECT_EQ(*WavLength(MakeWav({.seconds = 2.5})), absl::Milliseconds(2'500));
  EXPECT_EQ(*WavLength(MakeWav({.seconds = 0})), absl::ZeroDuration());
  // A data chunk that promises more than there is counts for what is there.
  const std::string whole = MakeWav({.seconds = 1});
  EXPECT_EQ(*WavLength(std::string_view(whole).substr(0, whole.size() - 16'000)),
            absl::Milliseconds(500));
}

TEST(AudioFile, OnlyTheOneFormatIsPlayed) {
  for (const WavShape& shape : {WavShape{.channels = 2}, WavShape{.rate = 8'000},
                                WavShape{.bits = 8}, WavShape{.coding = 7}}) {
    const auto length = WavLength(MakeWav(shape));
    ASSERT_FALSE(length.ok());
    EXPECT_THAT(std::string(length.status().message()), testing::HasSubstr("mono, 16 bit, 16000"));
  }
}

TEST(AudioFile, EveryTruncationOfTheHeaderIsRefused) {
  const std::string wav = MakeWav({.seconds = 0.01});
  for (std::size_t size = 0; size < kWavHeaderBytes; ++size) {
    EXPECT_FALSE(WavLength(std::string_view(wav).substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(WavLength("<html>not audio at all, and longer than a header</html>").ok());
}

TEST(AudioFile, UrlsAreSplitAtThePath) {
  EXPECT_EQ(Split("http://h:1/a/b?c=d#e").origin, "http://h:1");
  EXPECT_EQ(Split("http://h:1/a/b?c=d#e").path_and_query, "/a/b?c=d");
  EXPECT_EQ(Split("https://h").path_and_query, "/");
  EXPECT_EQ(Split("http://h?x").path_and_query, "/?x");
  for (const char* url : {"", "h", "ftp://h/", "http:///x", "://"}) {
    EXPECT_EQ(Split(url).origin, "") << url;
  }
}

}  // namespace
}  // namespace tocsin::callserver
