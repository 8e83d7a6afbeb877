#pragma once
#include <httplib.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/http_stream.h"
#include "base/tls_stream.h"

namespace tocsin {

// The library's client over our streams, with or without TLS. TCP_NODELAY and
// keep-alive are on. Not `final`: a caller may refine how it connects.
//
// The library's own TLS client looks at each connection's authorities anew,
// sends a name of an address, and says of every failure that it failed.
class HttpClient : public httplib::ClientImpl {
 public:
  struct Tls {
    bool on = false;
    std::string ca_file;  // PEM; empty: the system's authorities.
  };

  HttpClient(const std::string& host, int port, Tls tls);
  ~HttpClient() override;

  // Connects without sending anything, unless there is a connection. False if that
  // failed; tls_status() says why if it is the handshake that did.
  bool Connect();

  // How the last handshake went. kFailedPrecondition: the server's certificate is
  // not good enough.
  const absl::Status& tls_status() const { return tls_status_; }

  // Whether the handshake of the last connection was cut short by an earlier one's.
  bool resumed() const { return resumed_; }

  // Whether there is an open connection on which nothing is left to be read: what
  // comes unasked is the peer's farewell (or, worse, an answer to no question).
  bool IsOpenAndQuiet();

 protected:
  // The handshake is part of connecting, and of its time limit.
  bool create_and_connect_socket(Socket& socket, httplib::Error& error) override;

 private:
  // TLS has a state that outlives the exchange.
  struct Connection {
    explicit Connection(int socket) : wire(socket) {}
    SocketStream wire;
    std::unique_ptr<TlsStream> tls;
  };

  bool Handshake(Socket& socket);
  void shutdown_ssl(Socket& socket, bool gracefully) override;
  bool process_socket(const Socket& socket,
                      std::function<bool(httplib::Stream&)> callback) override;
  void SetTimeouts(int socket, std::chrono::microseconds read,
                   std::chrono::microseconds write) const;

  const Tls tls_;
  absl::Status tls_status_;
  std::unique_ptr<Connection> connection_;  // Of socket_, if there is TLS on it.
  TlsStream::Session earlier_;
  bool resumed_ = false;
};

// A client for an origin as of ParseHttpOrigin(), for one of https by the
// authorities in `ca_file` (PEM), or the system's if that is empty; null if it is none.
std::unique_ptr<HttpClient> NewHttpClient(const std::string& origin, const std::string& ca_file);

}  // namespace tocsin
