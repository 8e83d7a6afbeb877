#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "dialer/endpoint.h"

namespace tocsin::dialer {

struct HttpTimeouts {
  absl::Duration connect = absl::Seconds(3);   // Also of a warm-up's answer.
  absl::Duration write = absl::Seconds(5);     // Of each write.
  absl::Duration read = absl::Seconds(10);     // Of each read.
  absl::Duration request = absl::Seconds(15);  // Of a request as a whole.
  // A connection that idled longer proves itself before it is used: most
  // servers close after 5 s and more.
  absl::Duration idle = absl::Seconds(2);
};

// A request, ready to be written.
struct HttpOrder {
  std::string method;
  std::string path_and_query;                                // Percent-encoded.
  std::vector<std::pair<std::string, std::string>> headers;  // Without Host.
  std::string body;                                          // JSON; empty: none.
};

struct HttpAnswer {
  int status = 0;
  std::string body;  // At most kAnswerBytesMax; a longer one counts as no answer.
  std::optional<std::string> retry_after;     // "Retry-After", as sent.
  std::optional<std::string> retry_after_ms;  // "retry-after-ms" and "x-ms-retry-after-ms".
  std::optional<std::string> date;            // The server's clock, as sent.
};
struct HttpNotSent {  // Not a byte left.
  std::string reason;
};
struct HttpUnanswered {  // Some or all of it left, and no whole answer came.
  std::string reason;
};
using HttpResult = std::variant<HttpAnswer, HttpNotSent, HttpUnanswered>;

inline constexpr std::size_t kAnswerBytesMax = 1 << 18;

// One keep-alive connection to an endpoint. Never repeats a request, never
// follows a redirect.
//
// Used by one thread at a time; Interrupt() may be called by any.
class HttpConnection {
 public:
  // `ca_file` (PEM) replaces the system's certificate authorities; empty: not.
  HttpConnection(Endpoint endpoint, HttpTimeouts timeouts, const std::string& ca_file);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Makes sure that the connection is open and answers: connects, and sends a
  // HEAD for "/" unless a request was answered on it just now. Afterwards
  // nothing but the request itself stands between Send() and the first byte.
  // kUnavailable says what failed.
  absl::Status Prepare(SteadyTime now);

  // Sends on the connection that Prepare() left open, and on no other: if that
  // one has died meanwhile, nothing leaves. After anything but an HttpAnswer
  // the connection is closed.
  HttpResult Send(const HttpOrder& order, const Clock& clock);

  // Ends the exchange in progress as unanswered.
  void Interrupt();

  void Close();
  SteadyTime last_answer() const { return last_answer_; }

 private:
  class Client;

  const Endpoint endpoint_;
  const HttpTimeouts timeouts_;
  std::unique_ptr<Client> client_;
  SteadyTime last_answer_{};
  bool closes_after_answer_ = false;  // The server keeps no connection open.
};

}  // namespace tocsin::dialer
