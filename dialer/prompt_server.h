#pragma once
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "base/http_server.h"
#include "core/store.h"
#include "dialer/text_prompts.h"

namespace tocsin::dialer {

// Finds a prompt by its public name (CampaignStore::FindPrompt). kNotFound.
using PromptFinder = std::function<absl::StatusOr<Prompt>(const std::string& public_name)>;

// Serves the recordings that providers fetch: GET /prompts/<public name>. A
// recording never changes under its name, and the name cannot be guessed.
// Keeps the few that are being played in memory, but not what is said to one
// person, which whoever says it keeps. Thread-safe.
class PromptServer {
 public:
  // `texts` must live longer; null: none are served.
  explicit PromptServer(PromptFinder finder, const TextPrompts* texts = nullptr)
      : finder_(std::move(finder)), texts_(texts) {}

  // `name` is the last part of the path. 404 for any that we do not have.
  HttpResponse Serve(const HttpRequest& request, const std::string& name);

 private:
  struct Recording {
    std::string name;
    std::shared_ptr<const std::string> wav;  // Shared with answers being written.
  };

  absl::StatusOr<std::shared_ptr<const std::string>> Find(const std::string& name);
  void Keep(const std::string& name, std::shared_ptr<const std::string> wav);

  const PromptFinder finder_;
  const TextPrompts* const texts_;
  std::mutex mutex_;
  std::list<Recording> kept_;  // Last used first.
  std::size_t kept_bytes_ = 0;
};

}  // namespace tocsin::dialer
