#pragma once
#include <functional>
#include <memory>
#include <string>

namespace tocsin {

// An HTTPS server that is none of ours, on loopback with a certificate of a test
// authority. Answers HEAD with 200 and POST with `body`.
class TlsServer {
 public:
  explicit TlsServer(std::string body);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  std::string endpoint() const;
  // The authority, to be trusted: a PEM file that goes with the server.
  std::string ca_file() const;
  int posts() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
