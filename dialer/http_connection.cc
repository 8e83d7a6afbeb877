#include "dialer/http_connection.h"

#include <httplib.h>

#include "base/http_client.h"
#include "base/status_macros.h"
#include "fmt/format.h"

namespace tocsin::dialer {
namespace {

// The library reopens a dead connection inside send(), after the permit was
// taken: a sealed client refuses that instead, and nothing has left.
class Sealable final : public HttpClient {
 public:
  using HttpClient::HttpClient;

  void set_sealed(bool sealed) { sealed_ = sealed; }

 private:
  bool create_and_connect_socket(Socket& socket, httplib::Error& error) override {
    if (!sealed_) return HttpClient::create_and_connect_socket(socket, error);
    error = httplib::Error::Connection;
    return false;
  }

  bool sealed_ = false;
};

std::chrono::microseconds Micros(absl::Duration duration) {
  return absl::ToChronoMicroseconds(duration);
}

// Errors that the library only gives before the first byte of a request.
bool BeforeFirstByte(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
    case httplib::Error::BindIPAddress:
    case httplib::Error::SSLConnection:
    case httplib::Error::SSLLoadingCerts:
    case httplib::Error::SSLServerVerification: return true;
    case httplib::Error::Success:
    case httplib::Error::Unknown:
    case httplib::Error::Read:
    case httplib::Error::Write:
    case httplib::Error::ExceedRedirectCount:
    case httplib::Error::Canceled:
    case httplib::Error::UnsupportedMultipartBoundaryChars:
    case httplib::Error::Compression: return false;
  }
  return false;
}

std::string_view Words(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection: return "could not connect";
    case httplib::Error::ConnectionTimeout: return "connecting took too long";
    case httplib::Error::BindIPAddress: return "no local address to connect from";
    case httplib::Error::SSLConnection: return "the TLS handshake failed";
    case httplib::Error::SSLLoadingCerts: return "the certificate authorities could not be read";
    case httplib::Error::SSLServerVerification: return "the server's certificate is not trusted";
    case httplib::Error::Read: return "no answer, or not a whole one, in time";
    case httplib::Error::Write: return "the request could not be written whole";
    case httplib::Error::Canceled: return "the answer is too long";
    case httplib::Error::Success:
    case httplib::Error::Unknown:
    case httplib::Error::ExceedRedirectCount:
    case httplib::Error::UnsupportedMultipartBoundaryChars:
    case httplib::Error::Compression: return "the exchange failed";
  }
  return "the exchange failed";
}

std::optional<std::string> HeaderOf(const httplib::Response& response, const char* name) {
  if (!response.has_header(name)) return std::nullopt;
  return response.get_header_value(name);
}

}  // namespace

class HttpConnection::Client {
 public:
  Client(const Endpoint& endpoint, const HttpTimeouts& timeouts, const std::string& ca_file)
      : impl_(endpoint.host, endpoint.port, {.on = endpoint.tls, .ca_file = ca_file}) {
    impl_.set_follow_location(false);
    impl_.set_url_encode(false);
    impl_.set_decompress(false);
    impl_.set_connection_timeout(Micros(timeouts.connect));
    impl_.set_write_timeout(Micros(timeouts.write));
  }

  Sealable* operator->() { return &impl_; }

  bool Send(httplib::Request& request, httplib::Response& response, httplib::Error& error,
            absl::Duration read_timeout) {
    impl_.set_read_timeout(Micros(read_timeout));
    std::size_t size = 0;
    request.content_receiver = [&](const char* data, std::size_t length, uint64_t, uint64_t) {
      size += length;
      if (size > kAnswerBytesMax) return false;
      response.body.append(data, length);
      return true;
    };
    return impl_.send(request, response, error);
  }

  // What failed, in words.
  std::string Reason(httplib::Error error) const {
    const bool tls = error == httplib::Error::SSLConnection && !impl_.tls_status().ok();
    return tls ? Message(impl_.tls_status()) : std::string(Words(error));
  }

 private:
  Sealable impl_;
};

HttpConnection::HttpConnection(Endpoint endpoint, HttpTimeouts timeouts, const std::string& ca_file)
    : endpoint_(std::move(endpoint)),
      timeouts_(timeouts),
      client_(std::make_unique<Client>(endpoint_, timeouts_, ca_file)) {}

HttpConnection::~HttpConnection() {
  Close();
}

absl::Status HttpConnection::Prepare(SteadyTime now) {
  Client& client = *client_;
  const bool fresh = now - last_answer_ < absl::ToChronoNanoseconds(timeouts_.idle);
  const bool quiet = client->IsOpenAndQuiet();
  if (fresh && quiet) return absl::OkStatus();
  if (!quiet) Close();
  client->set_sealed(false);
  httplib::Error error = httplib::Error::Success;
  if (!closes_after_answer_) {
    httplib::Request request;
    request.method = "HEAD";
    request.path = "/";
    request.set_header("Host", endpoint_.host_header);
    httplib::Response response;
    if (!client.Send(request, response, error, timeouts_.connect)) {
      Close();
      return Unavailable("{}: {}", endpoint_.host_header, client.Reason(error));
    }
    last_answer_ = now;
    if (client->IsOpenAndQuiet()) return absl::OkStatus();
    closes_after_answer_ = true;
  }
  Close();
  if (!client->Connect()) {
    error = client->tls_status().ok() ? httplib::Error::Connection : httplib::Error::SSLConnection;
    return Unavailable("{}: {}", endpoint_.host_header, client.Reason(error));
  }
  return absl::OkStatus();
}

HttpResult HttpConnection::Send(const HttpOrder& order, const Clock& clock) {
  Client& client = *client_;
  client->set_sealed(true);
  // The library takes a farewell under TLS for a connection that is alive.
  if (!client->IsOpenAndQuiet()) {
    Close();
    return HttpNotSent{"the connection was closed before the request could leave"};
  }
  httplib::Request request;
  request.method = order.method;
  request.path = order.path_and_query;
  request.set_header("Host", endpoint_.host_header);
  request.set_header("Accept", "application/json");
  request.set_header("Content-Type", "application/json");
  for (const auto& [name, value] : order.headers) request.set_header(name, value);
  request.body = order.body;
  httplib::Response response;
  httplib::Error error = httplib::Error::Success;
  if (!client.Send(request, response, error, timeouts_.read)) {
    Close();
    if (BeforeFirstByte(error)) return HttpNotSent{client.Reason(error)};
    return HttpUnanswered{client.Reason(error)};
  }
  last_answer_ = clock.Steady();
  closes_after_answer_ = client->is_socket_open() == 0;
  HttpAnswer answer;
  answer.status = response.status;
  answer.body = std::move(response.body);
  answer.retry_after = HeaderOf(response, "Retry-After");
  answer.retry_after_ms = HeaderOf(response, "retry-after-ms");
  answer.date = HeaderOf(response, "Date");
  if (!answer.retry_after_ms) answer.retry_after_ms = HeaderOf(response, "x-ms-retry-after-ms");
  return answer;
}

void HttpConnection::Interrupt() {
  (*client_)->stop();
}

void HttpConnection::Close() {
  (*client_)->stop();
}

}  // namespace tocsin::dialer
