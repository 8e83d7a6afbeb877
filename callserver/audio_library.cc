#include "callserver/audio_library.h"

#include <utility>

#include "base/this_thread.h"

namespace tocsin::callserver {
namespace {

constexpr int kThreads = 4;
// Entries are small; the bound is against a client that invents keys.
constexpr std::size_t kFilesMax = 100'000;

}  // namespace

AudioLibrary::AudioLibrary(std::string ca_file, Fetched fetched)
    : ca_file_(std::move(ca_file)), fetched_(std::move(fetched)) {
  for (int i = 0; i < kThreads; ++i) {
    threads_.emplace_back([this](std::stop_token stop) { Run(std::move(stop)); });
  }
}

AudioLibrary::~AudioLibrary() {
  Stop();
}

void AudioLibrary::Stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

std::optional<AudioFile> AudioLibrary::Find(const std::string& key) const {
  std::lock_guard lock(mutex_);
  const auto it = files_.find(key);
  if (it == files_.end()) return std::nullopt;
  return it->second;
}

void AudioLibrary::Fetch(std::string key, std::string uri) {
  {
    std::lock_guard lock(mutex_);
    wanted_.push_back({std::move(key), std::move(uri)});
  }
  wanted_or_stopped_.notify_one();
}

void AudioLibrary::Run(std::stop_token stop) {
  NameThisThread("fetch-audio");
  while (true) {
    Wanted wanted;
    {
      std::unique_lock lock(mutex_);
      if (!wanted_or_stopped_.wait(lock, stop, [this] { return !wanted_.empty(); }) ||
          stop.stop_requested()) {
        return;
      }
      wanted = std::move(wanted_.front());
      wanted_.pop_front();
    }
    const AudioFile audio = FetchAudioFile(wanted.uri, ca_file_);
    if (audio.failure == 0) {
      std::lock_guard lock(mutex_);
      if (files_.size() >= kFilesMax) files_.clear();
      files_[wanted.key] = audio;
    }
    fetched_(wanted.key, audio);
  }
}

}  // namespace tocsin::callserver
