#include "speech/samples.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace tocsin::speech {
namespace {

// Zero crossings on each side of the low-pass: enough for speech on a telephone.
constexpr int kLobes = 12;

// A low-pass that lets through what both rates can carry, `x` in samples of the source.
double LowPass(double x, double cutoff) {
  const double half = kLobes / cutoff;
  if (std::abs(x) >= half) return 0;
  const double phase = std::numbers::pi * x * cutoff;
  const double sinc = phase == 0 ? 1 : std::sin(phase) / phase;
  const double window = 0.5 + 0.5 * std::cos(std::numbers::pi * x / half);
  return cutoff * sinc * window;
}

void Append(std::string& bytes, std::uint32_t value, int count) {
  for (int i = 0; i < count; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xFFU);
}

}  // namespace

Samples Resampled(const Samples& samples) {
  if (samples.rate == kSampleRate || samples.rate <= 0) return samples;
  const double step = static_cast<double>(samples.rate) / kSampleRate;
  const double cutoff = std::min(1.0, 1 / step);
  const double half = kLobes / cutoff;
  const auto size = static_cast<std::ptrdiff_t>(samples.values.size());
  Samples result;
  result.values.resize(static_cast<std::size_t>(static_cast<double>(size) / step));
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    const double at = static_cast<double>(i) * step;
    const auto first = std::max<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(at - half) + 1);
    const auto last = std::min<std::ptrdiff_t>(size - 1, static_cast<std::ptrdiff_t>(at + half));
    double sum = 0;
    for (std::ptrdiff_t k = first; k <= last; ++k) {
      sum += samples.values[static_cast<std::size_t>(k)] *
             LowPass(at - static_cast<double>(k), cutoff);
    }
    result.values[i] = static_cast<std::int16_t>(std::clamp(std::lround(sum), -32768L, 32767L));
  }
  return result;
}

std::string WavOf(const Samples& samples) {
  const auto data_bytes = static_cast<std::uint32_t>(samples.values.size() * 2);
  const auto rate = static_cast<std::uint32_t>(samples.rate);
  std::string wav = "RIFF";
  wav.reserve(44 + data_bytes);
  Append(wav, 36 + data_bytes, 4);
  wav += "WAVEfmt ";
  Append(wav, 16, 4);
  Append(wav, 1, 2);  // PCM.
  Append(wav, 1, 2);  // Mono.
  Append(wav, rate, 4);
  Append(wav, rate * 2, 4);
  Append(wav, 2, 2);
  Append(wav, 16, 2);
  wav += "data";
  Append(wav, data_bytes, 4);
  for (const std::int16_t value : samples.values) {
    Append(wav, static_cast<std::uint16_t>(value), 2);
  }
  return wav;
}

}  // namespace tocsin::speech
