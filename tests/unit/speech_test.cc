#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <thread>

#include "base/status_macros.h"
#include "speech/english_voice.h"
#include "speech/espeak_program.h"
#include "speech/samples.h"
#include "speech/speaker.h"

namespace tocsin::speech {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

SpokenMessage In(const char* language, const std::string& text) {
  return {language, MessageText(text)};
}

double SecondsOf(const Samples& samples) {
  return static_cast<double>(samples.values.size()) / samples.rate;
}

double LoudnessOf(const Samples& samples) {
  double sum = 0;
  for (const std::int16_t value : samples.values) sum += static_cast<double>(value) * value;
  return std::sqrt(sum / static_cast<double>(std::max<std::size_t>(1, samples.values.size())));
}

TEST(EnglishVoice, SaysWhatItIsToldInTheRateOfProviders) {
  const Samples brief = SayInEnglish("The power is out.");
  const Samples longer = SayInEnglish("The power is out until six this evening at Mill Road.");
  EXPECT_EQ(brief.rate, kSampleRate);
  EXPECT_GT(SecondsOf(brief), 0.5);
  EXPECT_GT(SecondsOf(longer), 1.5 * SecondsOf(brief));
  EXPECT_GT(LoudnessOf(brief), 100);
  EXPECT_EQ(SayInEnglish("The power is out.").values, brief.values)
      << "the same text, the same sound";
}

TEST(EnglishVoice, HasLettersWithoutAccentsAndNoOtherScript) {
  EXPECT_EQ(InEnglishLetters("Žofie Müller, naïve"), "Zofie Muller, naive");
  EXPECT_EQ(InEnglishLetters("it’s 5 € – 3 £"), "it's 5  euros  ,  3  pounds ");
  EXPECT_EQ(InEnglishLetters("漢字!"), "  !");
  EXPECT_EQ(InEnglishLetters("a\nb\x7f"), "a b ");
  EXPECT_EQ(InEnglishLetters("\xC5"), " ") << "a cut character does no harm";
  EXPECT_GT(SecondsOf(SayInEnglish("Žofie Müller")), 0.3);
}

TEST(Samples, AToneKeepsItsPitchInAnotherRate) {
  constexpr double kHertz = 440;
  Samples tone{.rate = 22'050, .values = {}};
  for (int i = 0; i < 22'050; ++i) {
    tone.values.push_back(
        static_cast<std::int16_t>(10'000 * std::sin(2 * std::numbers::pi * kHertz * i / 22'050)));
  }
  const Samples resampled = Resampled(tone);
  ASSERT_EQ(resampled.rate, kSampleRate);
  ASSERT_EQ(resampled.values.size(), 16'000U);
  for (std::size_t i = 200; i < 15'800; ++i) {
    const double expected =
        10'000 * std::sin(2 * std::numbers::pi * kHertz * static_cast<double>(i) / kSampleRate);
    ASSERT_NEAR(resampled.values[i], expected, 150) << i;
  }
}

TEST(Samples, WhatTheLowerRateCannotCarryIsLeftOut) {
  Samples tone{.rate = 22'050, .values = {}};
  for (int i = 0; i < 22'050; ++i) {
    tone.values.push_back(
        static_cast<std::int16_t>(10'000 * std::sin(2 * std::numbers::pi * 10'000.0 * i / 22'050)));
  }
  EXPECT_LT(LoudnessOf(Resampled(tone)), 300);
}

TEST(Samples, AWavComesBackAsItWent) {
  const Samples samples{.rate = kSampleRate, .values = {0, 1, -1, 32'767, -32'768}};
  const std::string wav = WavOf(samples);
  EXPECT_EQ(wav.size(), 44U + 10U);
  const auto read = ReadPipedWav(wav);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->values, samples.values);
  EXPECT_EQ(read->rate, kSampleRate);
}

TEST(Samples, NoTruncationAndNoStrangerIsTakenForSound) {
  std::string wav = WavOf({.rate = kSampleRate, .values = {1, 2, 3}});
  for (std::size_t size = 0; size < 44; ++size) {
    EXPECT_FALSE(ReadPipedWav(wav.substr(0, size)).ok()) << size;
  }
  // Cut in the sound, or of a length that was not known when it was begun.
  EXPECT_EQ(ReadPipedWav(wav.substr(0, 47))->values.size(), 1U);
  wav.replace(40, 4, "\x00\xF0\xFF\x7F", 4);
  EXPECT_EQ(ReadPipedWav(wav)->values.size(), 3U);
  wav[22] = 2;  // Stereo.
  EXPECT_FALSE(ReadPipedWav(wav).ok());
}

// A program in the place of espeak-ng.
class Program {
 public:
  explicit Program(const std::string& script)
      : path_(std::filesystem::temp_directory_path() /
              ("speech_test." + std::to_string(getpid()) + ".sh")) {
    std::ofstream(path_) << "#!/bin/sh\n" << script;
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  }
  ~Program() { std::filesystem::remove(path_); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

constexpr absl::Duration kLimit = absl::Seconds(30);

TEST(EspeakProgram, SaysOtherLanguages) {
  const auto voices = EspeakVoices("espeak-ng", kLimit);
  ASSERT_TRUE(voices.ok()) << voices.status();
  EXPECT_TRUE(voices->contains("es"));
  EXPECT_TRUE(voices->contains("pt-br"));
  const auto said = SayWithEspeak("espeak-ng", "es", "No hay luz en la calle Mayor.", kLimit);
  ASSERT_TRUE(said.ok()) << said.status();
  EXPECT_EQ(said->rate, kSampleRate);
  EXPECT_GT(SecondsOf(*said), 1);
  EXPECT_GT(LoudnessOf(*said), 100);
}

TEST(EspeakProgram, TheTextIsInNoCommandLine) {
  const Program tells("printf '%s|' \"$@\"; cat >/dev/null; exit 0\n");
  const auto said = SayWithEspeak(tells.path(), "es", "secreto", kLimit);
  EXPECT_TRUE(absl::IsUnavailable(said.status()));
  EXPECT_THAT(Message(said.status()), Not(HasSubstr("secreto")));
  const Program looks("grep -q secreto /proc/$$/cmdline && exit 1\ncat >/dev/null\nexit 2\n");
  EXPECT_FALSE(SayWithEspeak(looks.path(), "es", "secreto", kLimit).ok());
}

TEST(EspeakProgram, WhatFailsOrHangsIsUnavailable) {
  const Program fails("exit 3\n");
  EXPECT_TRUE(absl::IsUnavailable(SayWithEspeak(fails.path(), "es", "x", kLimit).status()));
  const Program silent("cat >/dev/null\n");
  EXPECT_TRUE(absl::IsUnavailable(SayWithEspeak(silent.path(), "es", "x", kLimit).status()));
  const Program hangs("exec sleep 600\n");
  EXPECT_TRUE(
      absl::IsUnavailable(SayWithEspeak(hangs.path(), "es", "x", absl::Milliseconds(50)).status()));
  EXPECT_TRUE(absl::IsUnavailable(SayWithEspeak("/no/such/program", "es", "x", kLimit).status()));
  EXPECT_TRUE(absl::IsUnavailable(EspeakVoices("/no/such/program", kLimit).status()));
}

TEST(Speaker, SaysEnglishAndWhatTheProgramSpeaks) {
  Speaker speaker({});
  for (const char* language : {"en", "en-GB", "EN-us", "es", "es-MX", "pt-BR"}) {
    EXPECT_TRUE(speaker.Speaks(language).ok()) << language << speaker.Speaks(language);
  }
  EXPECT_THAT(Message(speaker.Speaks("xx")), HasSubstr("nobody here speaks 'xx'"));
  const auto english = speaker.Say(In("en", "Six o'clock."));
  const auto spanish = speaker.Say(In("es", "Seis en punto."));
  ASSERT_TRUE(english.ok() && spanish.ok());
  EXPECT_THAT(**english, StartsWith("RIFF"));
  EXPECT_THAT(**spanish, StartsWith("RIFF"));
  EXPECT_NE(**english, **spanish);
}

TEST(Speaker, WithoutTheProgramSaysEnglishAloneAndWhatToDo) {
  Speaker speaker({.espeak_program = "/no/such/program"});
  EXPECT_TRUE(speaker.Speaks("en").ok());
  EXPECT_TRUE(speaker.Say(In("en", "Six.")).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(speaker.Speaks("es")));
  EXPECT_THAT(Message(speaker.Speaks("es")), HasSubstr("install espeak-ng"));
  EXPECT_TRUE(absl::IsInvalidArgument(speaker.Say(In("es", "Seis.")).status()));
}

TEST(Speaker, KeepsWhatItSaidAsLongAsThereIsRoom) {
  Speaker speaker({.kept_bytes_max = 1});
  const auto first = speaker.Say(In("en", "One."));
  EXPECT_EQ(*speaker.Say(In("en", "One.")), *first) << "the last one stays in any case";
  ASSERT_TRUE(speaker.Say(In("en", "Two.")).ok());
  const auto again = speaker.Say(In("en", "One."));
  EXPECT_NE(*again, *first) << "said anew";
  EXPECT_EQ(**again, **first);
}

TEST(Speaker, SaysToManyAtOnce) {
  Speaker speaker({});
  std::vector<Wav> said(8);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < said.size(); ++i) {
      threads.emplace_back(
          [&, i] { said[i] = *speaker.Say(In("en", i % 2 == 0 ? "Even." : "Odd, and longer.")); });
    }
  }
  for (std::size_t i = 2; i < said.size(); ++i) EXPECT_EQ(said[i], said[i % 2]);
}

}  // namespace
}  // namespace tocsin::speech
