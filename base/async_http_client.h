#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tocsin {

// Posts many requests at once over HTTP/1.1, with a few threads: none waits for
// an answer, of which the status is all that is told. Connections are kept, and
// the one used last is used next. TLS as of HttpClient.
class AsyncHttpClient {
 public:
  struct Options {
    const char* name = "http-client";  // Of its threads. At most 15 characters, static.
    int threads = 2;
    // Open at once to one origin, divided among the threads. What comes beyond
    // them waits its turn.
    int connections_max = 512;
    // To connect and shake hands; and again to send and to have the answer. A
    // quarter more may pass. What is not used for as long is closed. (The system's
    // own patience bounds how long a name is looked up.)
    absl::Duration timeout = absl::Seconds(10);
    std::string ca_file;  // As of TrustingContext().
  };

  struct Request {
    std::string target;  // "/path?query"; what a target must not hold is escaped.
    std::string content_type;
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;  // Besides those of HTTP.
  };
  // Called when the request's turn has come; an error is what becomes of it.
  using Make = std::function<absl::StatusOr<Request>()>;

  // The answer's status code, or why there is none. kUnavailable: nothing was
  // sent; kFailedPrecondition: nor will it be, for the server's certificate;
  // kInvalidArgument: the origin is none; kUnknown: it was sent, and whether it was
  // taken nobody knows.
  using Done = std::function<void(const absl::StatusOr<int>& status)>;

  explicit AsyncHttpClient(Options options);
  ~AsyncHttpClient();  // As Stop().
  AsyncHttpClient(const AsyncHttpClient&) = delete;
  AsyncHttpClient& operator=(const AsyncHttpClient&) = delete;

  // Never waits. Thread-safe, also from within `make` and `done`, which are called
  // in this order, once each, on a thread of the client's: everything else on it
  // waits meanwhile, and no exception may escape. Other threads call others'.
  //
  // At least once: a kept connection that turns out to have been closed before
  // anything of an answer came is replaced, and the request sent again.
  void Post(std::string origin, Make make, Done done);

  // Waits for the requests under way and forgets the rest, whose `done` is never
  // called. Not from within a `done`.
  void Stop();

 private:
  class Loop;

  const Options options_;
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace tocsin
