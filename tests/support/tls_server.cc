#include "tests/support/tls_server.h"

#include <httplib.h>

#include <atomic>
#include <thread>

#include "base/check.h"
#include "fmt/format.h"
#include "tests/support/certificates.h"

namespace tocsin {

class TlsServer::Impl {
 public:
  explicit Impl(std::string body)
      : files_(authority_.Issue("server")),
        server_(files_.certificate.c_str(), files_.key.c_str()) {
    TOCSIN_CHECK(server_.is_valid());
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_timeout(1);
    server_.Get(
        ".*", [](const httplib::Request&, httplib::Response& response) { response.status = 200; });
    server_.Post(".*", [this, body](const httplib::Request&, httplib::Response& response) {
      ++posts_;
      response.set_content(body, "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~Impl() {
    server_.stop();
    thread_.join();
  }

  int port() const { return port_; }
  std::string ca_file() const { return authority_.ca_file(); }
  int posts() const { return posts_.load(); }

 private:
  const TestAuthority authority_;
  const TlsFiles files_;
  std::atomic<int> posts_{0};
  httplib::SSLServer server_;
  std::thread thread_;
  int port_ = 0;
};

TlsServer::TlsServer(std::string body) : impl_(std::make_unique<Impl>(std::move(body))) {}
TlsServer::~TlsServer() = default;
std::string TlsServer::endpoint() const {
  return fmt::format("https://127.0.0.1:{}", impl_->port());
}
std::string TlsServer::ca_file() const {
  return impl_->ca_file();
}
int TlsServer::posts() const {
  return impl_->posts();
}

}  // namespace tocsin
