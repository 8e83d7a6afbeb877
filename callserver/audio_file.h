#pragma once
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tocsin::callserver {

// What the call server knows about a file that it was asked to play: how long
// it is, or why it cannot be played.
struct AudioFile {
  int failure = 0;  // 0, or the subcode of the play's failure: 8535, 8536.
  std::string message;
  absl::Duration length;

  friend bool operator==(const AudioFile&, const AudioFile&) = default;
};

// The length of a WAV file: PCM, mono, 16 bit, 16 kHz. kInvalidArgument says
// what else it is.
absl::StatusOr<absl::Duration> WavLength(std::string_view bytes);

// Downloads and measures a file. Blocks; bounded by timeouts and by 32 MiB.
// Never fails: what went wrong is in the result.
AudioFile FetchAudioFile(const std::string& uri, const std::string& ca_file);

// Splits an http or https URL into "http://host:port" and "/path?query".
// Both empty if it is none.
struct SplitUrl {
  std::string origin;
  std::string path_and_query;
};
SplitUrl Split(std::string_view url);

}  // namespace tocsin::callserver
