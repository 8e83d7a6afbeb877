#include "callserver/repeated_answers.h"

namespace tocsin::callserver {

RepeatedAnswers::Given RepeatedAnswers::Once(const std::string& key,
                                             const std::function<HttpResponse()>& first) {
  {
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [&] {
      const auto it = answers_.find(key);
      return it == answers_.end() || it->second.has_value();
    });
    const auto it = answers_.find(key);
    if (it != answers_.end() && it->second) return {*it->second, /*repeated=*/true};
    answers_.emplace(key, std::nullopt);
  }
  HttpResponse answer = first();
  {
    std::lock_guard lock(mutex_);
    if (answer.status == 429 || answer.status >= 500) {
      answers_.erase(key);
    } else {
      answers_[key] = answer;
      oldest_first_.push_back(key);
      if (oldest_first_.size() > max_) {
        answers_.erase(oldest_first_.front());
        oldest_first_.pop_front();
      }
    }
  }
  answered_.notify_all();
  return {std::move(answer), /*repeated=*/false};
}

}  // namespace tocsin::callserver
