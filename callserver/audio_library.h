#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "callserver/audio_file.h"

namespace tocsin::callserver {

// The audio files that the server has been asked to play: downloads each once.
// What could not be played is not remembered; the next play tries again.
//
// Thread-safe.
class AudioLibrary {
 public:
  // Called on one of the library's threads when a file has arrived or failed.
  using Fetched = std::function<void(const std::string& key, const AudioFile& audio)>;

  AudioLibrary(std::string ca_file, Fetched fetched);
  ~AudioLibrary();  // As Stop().
  AudioLibrary(const AudioLibrary&) = delete;
  AudioLibrary& operator=(const AudioLibrary&) = delete;

  // Unset if it is not here.
  std::optional<AudioFile> Find(const std::string& key) const;

  // Downloads `uri`, then calls `fetched`.
  void Fetch(std::string key, std::string uri);

  // Waits for the downloads under way and forgets the rest.
  void Stop();

 private:
  struct Wanted {
    std::string key;
    std::string uri;
  };

  void Run(std::stop_token stop);

  const std::string ca_file_;
  const Fetched fetched_;
  mutable std::mutex mutex_;  // Guards the next three; not held across I/O.
  std::condition_variable_any wanted_or_stopped_;
  std::deque<Wanted> wanted_;
  absl::flat_hash_map<std::string, AudioFile> files_;
  std::vector<std::jthread> threads_;
};

}  // namespace tocsin::callserver
