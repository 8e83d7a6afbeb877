#pragma once
#include <future>
#include <memory>
#include <utility>

#include "base/http_server.h"

namespace tocsin {

// Asks an asynchronous handler, and waits for what it answers.
template <class Handler>
HttpResponse AnswerOf(Handler&& handler, HttpRequest request) {
  class Waiting final : public HttpReply::Asker {
   public:
    void Answer(HttpResponse response) override { answer.set_value(std::move(response)); }
    std::promise<HttpResponse> answer;
  };
  auto waiting = std::make_shared<Waiting>();
  auto answer = waiting->answer.get_future();
  handler(std::move(request), HttpReply(std::move(waiting)));
  return answer.get();
}

}  // namespace tocsin
