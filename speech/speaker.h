#pragma once
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/message_text.h"

// Speech of our own, for providers that cannot speak or are not asked to.
namespace tocsin::speech {

// A WAV file: mono, 16 bit, 16 kHz. Shared with whoever is still sending it.
using Wav = std::shared_ptr<const std::string>;

// Says texts: English by a library inside this process, other languages by the program
// espeak-ng, which is run as a child (its licence is not ours) and reads the text
// from a pipe, so that it stands in no list of processes.
//
// What was said last is kept by its content. Thread-safe; one text at a time, since
// the library has one state for the process.
class Speaker {
 public:
  struct Options {
    std::string espeak_program = "espeak-ng";  // Looked for in PATH if it has no slash.
    absl::Duration espeak_limit = absl::Seconds(10);
    std::size_t kept_bytes_max = 64 << 20;
  };

  explicit Speaker(Options options) : options_(std::move(options)) {}

  // Whether a text in this language can be said on this machine; what is missing if
  // not. kInvalidArgument, for an operator.
  absl::Status Speaks(std::string_view language);

  // kInvalidArgument as Speaks(). kUnavailable: the program did not do it.
  absl::StatusOr<Wav> Say(const SpokenMessage& message);

 private:
  struct Kept {
    std::string key;
    Wav wav;
  };

  absl::StatusOr<std::string> VoiceOf(std::string_view language);
  Wav Find(const std::string& key);
  void Keep(std::string key, Wav wav);

  const Options options_;
  std::mutex speaking_;  // Before kept_mutex_.
  std::once_flag voices_asked_;
  std::set<std::string> espeak_voices_;  // Lower case; empty: the program is not there.

  std::mutex kept_mutex_;  // Guards the next three.
  std::list<Kept> kept_;   // Last used first.
  std::unordered_map<std::string, std::list<Kept>::iterator> by_key_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace tocsin::speech
