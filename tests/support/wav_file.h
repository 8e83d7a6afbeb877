#pragma once
#include <cstdint>
#include <string>

namespace tocsin {

struct WavShape {
  std::uint32_t format = 1;  // PCM
  std::uint32_t channels = 1;
  std::uint32_t samples_per_second = 16'000;
  std::uint32_t bits = 16;
  std::uint32_t sound_bytes = 32'000;
};

// A WAV file of silence.
inline std::string WavFile(const WavShape& shape = {}) {
  std::string file;
  const auto number = [&file](std::uint32_t value, int size) {
    for (int i = 0; i < size; ++i) file += static_cast<char>((value >> (8 * i)) & 0xFFU);
  };
  const std::uint32_t frame = shape.channels * shape.bits / 8;
  file += "RIFF";
  number(36 + shape.sound_bytes, 4);
  file += "WAVEfmt ";
  number(16, 4);
  number(shape.format, 2);
  number(shape.channels, 2);
  number(shape.samples_per_second, 4);
  number(shape.samples_per_second * frame, 4);
  number(frame, 2);
  number(shape.bits, 2);
  file += "data";
  number(shape.sound_bytes, 4);
  file.append(shape.sound_bytes, '\0');
  return file;
}

}  // namespace tocsin
