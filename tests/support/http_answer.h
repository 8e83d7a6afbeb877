#pragma once
#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "base/http_server.h"

namespace tocsin {

// A reply of nobody's, and what it was answered.
class AskedByTest final : public HttpReply::Asker {
 public:
  static std::pair<HttpReply, std::future<HttpResponse>> Ask() {
    auto asker = std::make_shared<AskedByTest>();
    auto answer = asker->answer_.get_future();
    return {HttpReply(std::move(asker)), std::move(answer)};
  }

  void Answer(HttpResponse response) override { answer_.set_value(std::move(response)); }

 private:
  std::promise<HttpResponse> answer_;
};

inline bool IsReady(const std::future<HttpResponse>& answer) {
  return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace tocsin
