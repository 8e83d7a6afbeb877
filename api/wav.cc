#include "api/wav.h"

#include <cstdint>
#include <optional>

#include "base/status_macros.h"

namespace tocsin {
namespace {

constexpr std::uint32_t kSamplesPerSecond = 16'000;
constexpr std::uint32_t kBytesPerSample = 2;
constexpr std::size_t kSecondsMax = 240;
constexpr std::uint32_t kPcm = 1;
// The real format then stands in the first bytes of a GUID.
constexpr std::uint32_t kExtensible = 0xFFFE;
constexpr char kRemedy[] = "convert it with: ffmpeg -i IN -ac 1 -ar 16000 -c:a pcm_s16le OUT.wav";

// Little-endian. REQUIRES: the bytes are there.
std::uint32_t NumberAt(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < size; ++i) {
    number |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  }
  return number;
}

absl::Status CheckFormat(std::string_view chunk) {
  if (chunk.size() < 16) return InvalidArgument("the WAV's format is cut off; {}", kRemedy);
  std::uint32_t format = NumberAt(chunk, 0, 2);
  if (format == kExtensible && chunk.size() >= 26) format = NumberAt(chunk, 24, 2);
  if (format != kPcm) return InvalidArgument("the recording is compressed, not PCM; {}", kRemedy);
  if (const std::uint32_t channels = NumberAt(chunk, 2, 2); channels != 1) {
    return InvalidArgument("the recording has {} channels; it must be mono; {}", channels, kRemedy);
  }
  if (const std::uint32_t rate = NumberAt(chunk, 4, 4); rate != kSamplesPerSecond) {
    return InvalidArgument("the recording has {} samples a second; it must have 16000; {}", rate,
                           kRemedy);
  }
  if (const std::uint32_t bits = NumberAt(chunk, 14, 2); bits != 8 * kBytesPerSample) {
    return InvalidArgument("the recording has {} bits a sample; it must have 16; {}", bits,
                           kRemedy);
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::Duration> LengthOf(std::size_t bytes) {
  if (bytes < kBytesPerSample) return absl::InvalidArgumentError("the recording is empty");
  if (bytes > kSecondsMax * kSamplesPerSecond * kBytesPerSample) {
    return InvalidArgument("the recording is longer than {} seconds; a call is at most 3 minutes",
                           kSecondsMax);
  }
  const std::size_t samples = bytes / kBytesPerSample;
  return absl::Seconds(static_cast<double>(samples) / kSamplesPerSecond);
}

}  // namespace

absl::StatusOr<absl::Duration> CheckWav(std::string_view file) {
  if (file.size() < 12 || file.substr(0, 4) != "RIFF" || file.substr(8, 4) != "WAVE") {
    return InvalidArgument("the recording is no WAV file; {}", kRemedy);
  }
  bool format_seen = false;
  for (std::size_t at = 12; at + 8 <= file.size();) {
    const std::string_view name = file.substr(at, 4);
    const std::size_t size = NumberAt(file, at + 4, 4);
    const std::string_view chunk = file.substr(at + 8, size);
    if (chunk.size() < size) {
      return InvalidArgument("the WAV file is cut off: {} bytes of {} are there", chunk.size(),
                             size);
    }
    if (name == "fmt ") {
      TOCSIN_RETURN_IF_ERROR(CheckFormat(chunk));
      format_seen = true;
    } else if (name == "data") {
      if (format_seen) return LengthOf(chunk.size());
      return InvalidArgument("the WAV file has sound before its format; {}", kRemedy);
    }
    // Chunks begin at even offsets.
    at += 8 + size + size % 2;
  }
  return InvalidArgument("the WAV file has no sound in it; {}", kRemedy);
}

}  // namespace tocsin
