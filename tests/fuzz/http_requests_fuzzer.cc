// Whatever arrives at a listener of ours: answered or hung up on, never a crash, a
// hang, or more of it in a handler's hands than the limits allow.
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/check.h"
#include "base/http_server.h"
#include "tests/support/raw_client.h"

namespace tocsin {
namespace {

constexpr std::size_t kBodyMax = 4096;

HttpResponse Handle(const HttpRequest& request) {
  TOCSIN_CHECK(request.body.size() <= kBodyMax);
  TOCSIN_CHECK(request.raw_path.find('?') == std::string::npos);
  TOCSIN_CHECK(request.raw_path.find_first_of("\r\n") == std::string::npos);
  for (const auto& [name, value] : request.headers) {
    TOCSIN_CHECK((name + value).find_first_of("\r\n") == std::string::npos);
  }
  return {.body = request.QueryParameter("a") + std::string(request.Header("b"))};
}

HttpServer& Server() {
  static const std::unique_ptr<HttpServer> server = [] {
    auto started = HttpServer::Start(
        {.threads = 2, .head_max_bytes = 8192, .body_max_bytes = kBodyMax}, Handle);
    TOCSIN_CHECK(started.ok());
    return *std::move(started);
  }();
  return *server;
}

}  // namespace
}  // namespace tocsin

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tocsin::RawClient client(tocsin::Server().port());
  TOCSIN_CHECK(client.connected());
  // It may have hung up before it had all of it.
  static_cast<void>(client.Send({reinterpret_cast<const char*>(data), size}));
  ::shutdown(client.socket(), SHUT_WR);
  char answer[4096];
  while (::recv(client.socket(), answer, sizeof(answer), 0) > 0) {
  }
  return 0;
}
