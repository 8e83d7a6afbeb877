#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tocsin::speech {

// What a provider plays.
inline constexpr int kSampleRate = 16'000;

// Sound: one channel, 16 bit.
struct Samples {
  int rate = kSampleRate;
  std::vector<std::int16_t> values;
};

// The same at kSampleRate.
Samples Resampled(const Samples& samples);

// A WAV file of it.
std::string WavOf(const Samples& samples);

}  // namespace tocsin::speech
