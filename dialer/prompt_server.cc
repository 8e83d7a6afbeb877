#include "dialer/prompt_server.h"

#include <algorithm>

#include "base/status_macros.h"

namespace tocsin::dialer {
namespace {

constexpr std::size_t kKeptBytesMax = 16 << 20;
constexpr std::size_t kNameBytesMax = 128;

// What SavePrompt makes: letters, digits and a suffix.
bool IsPublicName(const std::string& name) {
  return name.size() <= kNameBytesMax && name.ends_with(".wav") &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

}  // namespace

HttpResponse PromptServer::Serve(const HttpRequest& request, const std::string& name) {
  HttpResponse response;
  const auto wav = IsPublicName(name) ? Find(name) : NotFound("no such prompt");
  if (!wav.ok()) {
    response.status = absl::IsNotFound(wav.status()) ? 404 : 503;
    return response;
  }
  const std::string tag = '"' + name + '"';
  // What is said to one person is nobody else's to keep.
  const char* const caching =
      TextPrompts::IsOne(name) ? "private, max-age=3600" : "public, max-age=86400, immutable";
  response.headers = {{"ETag", tag}, {"Cache-Control", caching}};
  if (request.Header("If-None-Match") == tag) {
    response.status = 304;
    return response;
  }
  response.content_type = "audio/wav";
  response.body = **wav;
  return response;
}

absl::StatusOr<std::shared_ptr<const std::string>> PromptServer::Find(const std::string& name) {
  if (TextPrompts::IsOne(name)) {
    return texts_ == nullptr ? NotFound("no such prompt") : texts_->Find(name);
  }
  {
    const std::lock_guard lock(mutex_);
    const auto it = std::find_if(kept_.begin(), kept_.end(),
                                 [&](const Recording& kept) { return kept.name == name; });
    if (it != kept_.end()) {
      kept_.splice(kept_.begin(), kept_, it);
      return it->wav;
    }
  }
  TOCSIN_ASSIGN_OR_RETURN(Prompt prompt, finder_(name));
  auto wav = std::make_shared<const std::string>(std::move(prompt.wav));
  Keep(name, wav);
  return wav;
}

void PromptServer::Keep(const std::string& name, std::shared_ptr<const std::string> wav) {
  const std::lock_guard lock(mutex_);
  // Several may have asked for it at once.
  if (!kept_.empty() && kept_.front().name == name) return;
  kept_bytes_ += wav->size();
  kept_.push_front({name, std::move(wav)});
  while (kept_bytes_ > kKeptBytesMax && !kept_.empty()) {
    kept_bytes_ -= kept_.back().wav->size();
    kept_.pop_back();
  }
}

}  // namespace tocsin::dialer
