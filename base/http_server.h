#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
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

// The way back to who asked, to be used once, from any thread. One that goes
// unused is answered with 500.
class HttpReply {
 public:
  // Who asked. Thread-safe.
  class Asker {
   public:
    virtual ~Asker() = default;
    virtual void Answer(HttpResponse response) = 0;
  };

  explicit HttpReply(std::shared_ptr<Asker> asker) : asker_(std::move(asker)) {}
  ~HttpReply();
  HttpReply(HttpReply&& other) noexcept = default;
  HttpReply& operator=(HttpReply&& other) = delete;

  // Does not wait for it to be sent.
  void Answer(HttpResponse response);

 private:
  std::shared_ptr<Asker> asker_;  // Null once it is answered.
};

// A small HTTP/1.1 server, with TLS or without, that a few threads serve however
// many connections there are: an address shared with no other process, a long
// backlog, TCP_NODELAY, limits on the head, on a body (also a chunked one), on the
// time that either may take to come, and on the connections.
//
// Not for the open Internet: production puts a proxy in front (deploy/nginx).
class HttpServer {
 public:
  struct Options {
    const char* name = "serve-http";  // Of its threads. At most 15 characters, static.
    std::string host = "127.0.0.1";
    int port = 0;                                    // 0: any free one; port() tells which.
    std::shared_ptr<ServedCertificate> certificate;  // Null: no TLS.
    int io_threads = 2;                              // Read, write, and call an AsyncHandler.
    int threads = 64;                                // For a Handler: so many at once.
    int connections_max = 1024;                      // More wait to be accepted.
    std::size_t head_max_bytes = 64 << 10;           // Request line and headers.
    std::size_t body_max_bytes = 1 << 20;
    int keep_alive_timeout_s = 5;
    int read_timeout_s = 5;  // Between two bytes, and for a TLS handshake.
    // For all of a request, head and body, from its first byte: who sends a byte
    // now and then is hung up on after no longer than this.
    absl::Duration request_timeout = absl::Seconds(10);
    int write_timeout_s = 5;
  };

  // Called on one of `threads` threads, and may block it. An exception that escapes
  // becomes a 500.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // Called on an io thread, which it holds up: must not block. The answer may come
  // later, from anywhere, and has to come before Stop() can return.
  using AsyncHandler = std::function<void(HttpRequest request, HttpReply reply)>;

  // Listens and serves until Stop() or destruction. kUnavailable if the address
  // cannot be bound; the message names it and says what to do.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const Options& options, Handler handler);
  static absl::StatusOr<std::unique_ptr<HttpServer>> StartAsync(const Options& options,
                                                                AsyncHandler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;

  // Accepts nothing more, closes idle connections and waits until what was asked
  // is answered.
  void Stop();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
