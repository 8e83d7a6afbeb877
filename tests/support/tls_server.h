#pragma once
#include <functional>
#include <memory>
#include <string>

namespace tocsin {

// An HTTPS server on loopback with a certificate of its own making, for
// 127.0.0.1. Answers HEAD with 200 and POST with `body`.
class TlsServer {
 public:
  explicit TlsServer(std::string body);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  std::string endpoint() const;
  // The certificate, to be trusted: a PEM file that goes with the server.
  const std::string& ca_file() const;
  int posts() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
