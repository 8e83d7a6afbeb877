#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace tocsin::callserver {

struct WavShape {
  double seconds = 1;
  std::uint32_t coding = 1;
  std::uint32_t channels = 1;
  std::uint32_t rate = 16'000;
  std::uint32_t bits = 16;
};

inline constexpr std::size_t kWavHeaderBytes = 44;

// Silence.
inline std::string MakeWav(const WavShape& shape) {
  std::string wav;
  const auto append = [&wav](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) wav += static_cast<char>(value >> (8 * i) & 0xFFU);
  };
  const auto samples = static_cast<std::uint32_t>(shape.seconds * shape.rate);
  const std::uint32_t frame = shape.channels * shape.bits / 8;
  wav += "RIFF";
  append(36 + samples * frame, 4);
  wav += "WAVEfmt ";
  append(16, 4);
  append(shape.coding, 2);
  append(shape.channels, 2);
  append(shape.rate, 4);
  append(shape.rate * frame, 4);
  append(frame, 2);
  append(shape.bits, 2);
  wav += "data";
  append(samples * frame, 4);
  wav.append(samples * frame, '\0');
  return wav;
}

}  // namespace tocsin::callserver
