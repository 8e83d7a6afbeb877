#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/http_server.h"

namespace tocsin::callserver {

// Answers that stay bound to the id of their request (Repeatability-Request-ID):
// whoever asks again under the same id gets the first answer, and nothing
// happens a second time. Remembers the latest `max` ids.
//
// Thread-safe.
class RepeatedAnswers {
 public:
  explicit RepeatedAnswers(std::size_t max = 100'000) : max_(max) {}

  // The answer under `key`, which says operation and id. The first to ask
  // carries it out with `first`, outside of any lock; who asks meanwhile waits.
  // An answer that says to come again later (429, 5xx) is not bound.
  struct Given {
    HttpResponse answer;
    bool repeated = false;
  };
  Given Once(const std::string& key, const std::function<HttpResponse()>& first);

 private:
  const std::size_t max_;
  std::mutex mutex_;  // Guards the rest.
  std::condition_variable answered_;
  // Unset while the first request is under way.
  std::unordered_map<std::string, std::optional<HttpResponse>> answers_;
  std::deque<std::string> oldest_first_;  // Of those that have an answer.
};

}  // namespace tocsin::callserver
