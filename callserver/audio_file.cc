#include "callserver/audio_file.h"

#include <httplib.h>

#include <cstdint>
#include <memory>

#include "absl/strings/match.h"
#include "base/http_client.h"
#include "base/status_macros.h"
#include "wire/calls_2021.h"

namespace tocsin::callserver {
namespace {

constexpr std::size_t kFileMaxBytes = 32U << 20U;
constexpr std::uint32_t kRate = 16'000;
constexpr std::uint32_t kBytesPerSample = 2;
constexpr std::size_t kRiffHeaderBytes = 12;
constexpr std::size_t kChunkHeaderBytes = 8;
constexpr std::size_t kFormatBytes = 16;
constexpr int kTimeout_s = 10;

std::uint32_t Little(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = count; i-- > 0;) {
    value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

absl::Status CheckFormat(std::string_view format) {
  if (format.size() < kFormatBytes) return InvalidArgument("the WAV header is cut short");
  const std::uint32_t coding = Little(format, 0, 2);
  const std::uint32_t channels = Little(format, 2, 2);
  const std::uint32_t rate = Little(format, 4, 4);
  const std::uint32_t bits = Little(format, 14, 2);
  constexpr std::uint32_t kPcm = 1;
  if (coding == kPcm && channels == 1 && rate == kRate && bits == 8 * kBytesPerSample) {
    return absl::OkStatus();
  }
  return InvalidArgument(
      "the audio must be WAV, PCM, mono, 16 bit, 16000 Hz; it is coding {}, {} channels, {} bit, "
      "{} Hz",
      coding, channels, bits, rate);
}

}  // namespace

absl::StatusOr<absl::Duration> WavLength(std::string_view bytes) {
  if (bytes.size() < kRiffHeaderBytes || bytes.substr(0, 4) != "RIFF" ||
      bytes.substr(8, 4) != "WAVE") {
    return InvalidArgument("the audio must be a WAV file");
  }
  bytes.remove_prefix(kRiffHeaderBytes);
  bool has_format = false;
  while (bytes.size() >= kChunkHeaderBytes) {
    const std::string_view name = bytes.substr(0, 4);
    const std::size_t size = Little(bytes, 4, 4);
    bytes.remove_prefix(kChunkHeaderBytes);
    const std::string_view chunk = bytes.substr(0, size);
    if (name == "fmt ") {
      TOCSIN_RETURN_IF_ERROR(CheckFormat(chunk));
      has_format = true;
    } else if (name == "data" && has_format) {
      const auto samples = static_cast<std::int64_t>(chunk.size() / kBytesPerSample);
      return absl::Seconds(1) * samples / kRate;
    }
    // Chunks are padded to an even length.
    bytes.remove_prefix(std::min(bytes.size(), size + size % 2));
  }
  return InvalidArgument("the WAV file has no audio data");
}

AudioFile FetchAudioFile(const std::string& uri, const std::string& ca_file) {
  const auto failed = [](std::string message) {
    return AudioFile{.failure = wire::kSubcodeDownloadFailed, .message = std::move(message)};
  };
  const SplitUrl url = Split(uri);
  const std::unique_ptr<HttpClient> client = NewHttpClient(url.origin, ca_file);
  if (!client || !client->is_valid()) return failed("The audio file URI is not valid.");
  client->set_connection_timeout(kTimeout_s);
  client->set_read_timeout(kTimeout_s);
  client->set_write_timeout(kTimeout_s);
  std::string bytes;
  const httplib::Result result =
      client->Get(url.path_and_query, [&bytes](const char* data, std::size_t size) {
        bytes.append(data, size);
        return bytes.size() <= kFileMaxBytes;
      });
  if (!result && bytes.size() > kFileMaxBytes) {
    return failed("The audio file is longer than 32 MiB.");
  }
  if (!result) {
    return failed(fmt::format("The audio file could not be downloaded: {}.",
                              client->tls_status().ok() ? httplib::to_string(result.error())
                                                        : Message(client->tls_status())));
  }
  if (result->status != 200) {
    return failed(fmt::format("The audio file could not be downloaded: HTTP {}.", result->status));
  }
  const absl::StatusOr<absl::Duration> length = WavLength(bytes);
  if (!length.ok()) {
    return {.failure = wire::kSubcodeBadFormat, .message = Message(length.status())};
  }
  return {.length = *length};
}

SplitUrl Split(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  const absl::string_view name(url.data(), scheme);
  if (!absl::EqualsIgnoreCase(name, "http") && !absl::EqualsIgnoreCase(name, "https")) return {};
  const std::size_t path = std::min(url.find_first_of("/?", scheme + 3), url.size());
  if (path == scheme + 3) return {};
  std::string rest(url.substr(path, url.find('#') - path));
  if (!rest.starts_with('/')) rest.insert(0, "/");
  return {.origin = std::string(url.substr(0, path)), .path_and_query = std::move(rest)};
}

}  // namespace tocsin::callserver
