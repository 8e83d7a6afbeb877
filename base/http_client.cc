#include "base/http_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/host_port.h"
#include "base/http_origin.h"
#include "base/status_macros.h"
#include "base/tls.h"

namespace tocsin {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

timeval TimeValue(microseconds length) {
  const auto whole = std::chrono::duration_cast<seconds>(length);
  return {.tv_sec = whole.count(), .tv_usec = (length - whole).count()};
}

}  // namespace

HttpClient::HttpClient(const std::string& host, int port, Tls tls)
    : httplib::ClientImpl(host, port), tls_(std::move(tls)) {
  set_tcp_nodelay(true);
  set_keep_alive(true);
  if (!tls_.on) return;
  // The library thinks that there is no TLS, and would name the port.
  if (port == 443) set_default_headers({{"Host", UrlHost(host)}});
}

HttpClient::~HttpClient() {
  // The library's destructor closes the socket and knows nothing of our stream.
  stop();
}

bool HttpClient::IsOpenAndQuiet() {
  if (is_socket_open() == 0) return false;
  if (connection_ != nullptr) return connection_->tls->IsQuiet();
  pollfd entry{.fd = socket(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) == 0;
}

bool HttpClient::Connect() {
  httplib::Error error = httplib::Error::Success;
  const std::lock_guard lock(socket_mutex_);
  return socket_.is_open() || create_and_connect_socket(socket_, error);
}

bool HttpClient::create_and_connect_socket(Socket& socket, httplib::Error& error) {
  if (!httplib::ClientImpl::create_and_connect_socket(socket, error)) return false;
  if (!tls_.on || Handshake(socket)) return true;
  error = httplib::Error::SSLConnection;
  shutdown_socket(socket);
  close_socket(socket);
  return false;
}

bool HttpClient::Handshake(Socket& socket) {
  constexpr std::size_t kHandshakeBytesMax = 1 << 20;
  const auto context = TrustingContext(tls_.ca_file);
  tls_status_ = context.status();
  if (!context.ok()) return false;
  const microseconds limit =
      seconds(connection_timeout_sec_) + microseconds(connection_timeout_usec_);
  SetTimeouts(socket.sock, limit, limit);
  auto made = std::make_unique<Connection>(socket.sock);
  made->wire.ReadUntil(SystemClock().Steady() + limit);
  made->wire.ReadAtMost(kHandshakeBytesMax);
  made->tls = std::make_unique<TlsStream>(made->wire, **context);
  tls_status_ = made->tls->Connect(host_, earlier_);
  if (!tls_status_.ok()) {
    earlier_ = nullptr;
    return false;
  }
  made->wire.ReadUntil(SteadyTime::max());
  made->wire.ReadAtMost(SIZE_MAX);
  resumed_ = made->tls->resumed();
  connection_ = std::move(made);
  return true;
}

void HttpClient::shutdown_ssl(Socket& /*socket*/, bool gracefully) {
  if (connection_ == nullptr) return;
  if (gracefully) connection_->tls->SayGoodbye();
  earlier_ = connection_->tls->ResumableSession();
  connection_ = nullptr;
}

bool HttpClient::process_socket(const Socket& socket,
                                std::function<bool(httplib::Stream&)> callback) {
  SetTimeouts(socket.sock, seconds(read_timeout_sec_) + microseconds(read_timeout_usec_),
              seconds(write_timeout_sec_) + microseconds(write_timeout_usec_));
  if (connection_ != nullptr) return callback(*connection_->tls);
  TOCSIN_CHECK(!tls_.on);  // Never without it.
  SocketStream stream(socket.sock);
  return callback(stream);
}

void HttpClient::SetTimeouts(int socket, microseconds read, microseconds write) const {
  const timeval read_limit = TimeValue(read), write_limit = TimeValue(write);
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &read_limit, sizeof(read_limit));
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &write_limit, sizeof(write_limit));
}

TlsProbe ProbeTls(const std::string& address, const std::string& ca_file, absl::Duration patience) {
  const auto client = NewHttpClient("https://" + address, ca_file);
  if (client == nullptr) return {};
  client->set_connection_timeout(absl::ToChronoMicroseconds(patience));
  const bool shaken = client->Connect();
  const absl::Status& failure = client->tls_status();
  return {.connected = shaken || !failure.ok(),
          .speaks_tls = shaken || absl::IsFailedPrecondition(failure),
          .failure = Message(failure)};
}

std::unique_ptr<HttpClient> NewHttpClient(const std::string& origin, const std::string& ca_file) {
  const std::optional<HttpOrigin> parsed = ParseHttpOrigin(origin);
  if (!parsed) return nullptr;
  return std::make_unique<HttpClient>(parsed->host, parsed->port,
                                      HttpClient::Tls{.on = parsed->tls, .ca_file = ca_file});
}

}  // namespace tocsin
