#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/served_certificate.h"

namespace tocsin {

struct HttpRequest {
  std::string method;  // "POST"
  // As it stood in the request line, still percent-encoded: "/calls/a%2Bb".
  std::string raw_path;
  std::string raw_query;  // Without the '?'; empty if there was none.
  std::string path;       // raw_path, percent-decoded.
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string remote_address;  // Of the socket, never of a header.
  // How long ago its first bytes reached this machine when the handler was
  // called: what a busy machine adds to a request's way.
  absl::Duration waited;

  // The first header of that name, case-insensitively; empty if there is none.
  std::string_view Header(std::string_view name) const;

  // The first query parameter of that name, percent-decoded; empty if none.
  std::string QueryParameter(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
};

// A small HTTP/1.1 server, with TLS or without, with the traps of the library
// beneath it closed: address not shared with another process, long backlog,
// TCP_NODELAY, many requests a connection, limits on the head, on a body (also a
// chunked one) and on the time that either may take to come.
//
// One connection holds one thread until it closes or idles out, so `threads`
// bounds the connections that are served at once. Not for the open Internet:
// production puts a proxy in front (deploy/nginx).
class HttpServer {
 public:
  struct Options {
    const char* name = "serve-http";  // Of its threads. At most 15 characters, static.
    std::string host = "127.0.0.1";
    int port = 0;                                    // 0: any free one; port() tells which.
    std::shared_ptr<ServedCertificate> certificate;  // Null: no TLS.
    int threads = 64;
    std::size_t head_max_bytes = 64 << 10;  // Request line and headers.
    std::size_t body_max_bytes = 1 << 20;
    int keep_alive_timeout_s = 5;
    int read_timeout_s = 5;  // Between two bytes, and for a TLS handshake.
    // For all of a request, head and body, from its first byte: who sends a byte
    // now and then holds a thread no longer than this and read_timeout_s.
    absl::Duration request_timeout = absl::Seconds(10);
    int write_timeout_s = 5;
  };

  // Called on many threads at once. An exception that escapes becomes a 500.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // Listens and serves until Stop() or destruction. kUnavailable if the address
  // cannot be bound; the message names it and says what to do.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const Options& options, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;

  // Accepts nothing more, closes idle connections and waits for the handlers in
  // flight.
  void Stop();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
