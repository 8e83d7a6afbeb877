#include "dialer/http_connection.h"

#include <httplib.h>
#include <poll.h>

#include "base/http_stream.h"
#include "base/status_macros.h"
#include "fmt/format.h"

namespace tocsin::dialer {
namespace {

// The library reopens a dead connection inside send(), after the permit was
// taken: a sealed client refuses that instead, and nothing has left.
template <class Base>
class Sealable final : public Base {
 public:
  Sealable(const bool* sealed, const std::string& host, int port)
      : Base(host, port), sealed_(sealed) {}

  // Connects without sending anything. Not for TLS, whose handshake the library
  // does only in send().
  bool Connect(httplib::Error& error) {
    const std::lock_guard lock(this->socket_mutex_);
    return this->socket_.is_open() ||
           httplib::ClientImpl::create_and_connect_socket(this->socket_, error);
  }

 private:
  bool create_and_connect_socket(typename Base::Socket& socket, httplib::Error& error) override {
    if (*sealed_) {
      error = httplib::Error::Connection;
      return false;
    }
    // SSLClient's own is private, and does just this.
    // NOLINTNEXTLINE(bugprone-parent-virtual-call)
    return this->is_valid() && httplib::ClientImpl::create_and_connect_socket(socket, error);
  }

  const bool* sealed_;
};

std::chrono::microseconds Micros(absl::Duration duration) {
  return absl::ToChronoMicroseconds(duration);
}

// Whether an idle socket has anything to read. Nothing is expected on it, so
// it is the peer's farewell (or, worse, an answer to no question).
bool HasNews(int socket) {
  pollfd entry{.fd = socket, .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) != 0;
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

// The library's client of either scheme, and whether it may connect.
class HttpConnection::Client {
 public:
  Client(const Endpoint& endpoint, const HttpTimeouts& timeouts, const std::string& ca_file) {
    if (endpoint.tls) {
      auto made =
          std::make_unique<Sealable<httplib::SSLClient>>(&sealed_, endpoint.host, endpoint.port);
      if (!ca_file.empty()) made->set_ca_cert_path(ca_file);
      impl_ = std::move(made);
    } else {
      auto made =
          std::make_unique<Sealable<PlainHttpClient>>(&sealed_, endpoint.host, endpoint.port);
      plain_ = made.get();
      impl_ = std::move(made);
    }
    impl_->set_tcp_nodelay(true);
    impl_->set_keep_alive(true);
    impl_->set_follow_location(false);
    impl_->set_url_encode(false);
    impl_->set_decompress(false);
    impl_->set_connection_timeout(Micros(timeouts.connect));
    impl_->set_write_timeout(Micros(timeouts.write));
  }

  httplib::ClientImpl& operator*() { return *impl_; }
  httplib::ClientImpl* operator->() { return impl_.get(); }

  bool IsOpenAndQuiet() const { return impl_->is_socket_open() != 0 && !HasNews(impl_->socket()); }

  // True if there is now an open connection on which nothing was sent.
  bool ConnectOnly(httplib::Error& error) { return plain_ != nullptr && plain_->Connect(error); }
  bool can_connect_only() const { return plain_ != nullptr; }

  bool Send(httplib::Request& request, httplib::Response& response, httplib::Error& error,
            absl::Duration read_timeout) {
    impl_->set_read_timeout(Micros(read_timeout));
    std::size_t size = 0;
    request.content_receiver = [&](const char* data, std::size_t length, uint64_t, uint64_t) {
      size += length;
      if (size > kAnswerBytesMax) return false;
      response.body.append(data, length);
      return true;
    };
    return impl_->send(request, response, error);
  }

  void set_sealed(bool sealed) { sealed_ = sealed; }

 private:
  bool sealed_ = false;
  std::unique_ptr<httplib::ClientImpl> impl_;
  Sealable<PlainHttpClient>* plain_ = nullptr;  // impl_, unless it is TLS.
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
  if (fresh && client.IsOpenAndQuiet()) return absl::OkStatus();
  if (client->is_socket_open() != 0 && !client.IsOpenAndQuiet()) Close();
  client.set_sealed(false);
  httplib::Error error = httplib::Error::Success;
  if (!closes_after_answer_) {
    httplib::Request request;
    request.method = "HEAD";
    request.path = "/";
    request.set_header("Host", endpoint_.host_header);
    httplib::Response response;
    if (!client.Send(request, response, error, timeouts_.connect)) {
      Close();
      return Unavailable("{}: {}", endpoint_.host_header, Words(error));
    }
    last_answer_ = now;
    if (client.IsOpenAndQuiet()) return absl::OkStatus();
    closes_after_answer_ = true;
  }
  // TLS to a server that keeps nothing open: Send() has to connect.
  if (!client.can_connect_only()) return absl::OkStatus();
  Close();
  if (!client.ConnectOnly(error)) {
    return Unavailable("{}: {}", endpoint_.host_header, Words(error));
  }
  return absl::OkStatus();
}

HttpResult HttpConnection::Send(const HttpOrder& order, const Clock& clock) {
  Client& client = *client_;
  const bool must_connect = closes_after_answer_ && !client.can_connect_only();
  client.set_sealed(!must_connect);
  // The library takes a farewell under TLS for a connection that is alive.
  if (!must_connect && !client.IsOpenAndQuiet()) {
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
    if (BeforeFirstByte(error)) return HttpNotSent{std::string(Words(error))};
    return HttpUnanswered{std::string(Words(error))};
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
