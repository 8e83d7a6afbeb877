#include "base/http_server.h"

#include <httplib.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/http_stream.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/this_thread.h"
#include "base/tls_stream.h"

namespace tocsin {
namespace {

constexpr int kBacklog = 1024;
// More than any chain of a client's certificates has.
constexpr std::size_t kHandshakeBytesMax = 128 << 10;

// Routes are regular expressions, which cost more than all else that is done
// with a long path; ours take any path, so they are shown a short one.
void TakeAnyRoute(httplib::Request& request) {
  request.path = "/";
}

// Of the request that this thread serves; the library carries nothing of ours.
thread_local absl::Time arrived_at = absl::InfinitePast();

// Whether it was read to its end. If not, what follows on the connection is the
// rest of a body, which whoever sent it could have made look like a request.
thread_local bool read_to_its_end = false;

// When its time is up.
thread_local SteadyTime read_until = SteadyTime::max();

absl::Duration SinceArrival() {
  if (arrived_at == absl::InfinitePast()) return absl::ZeroDuration();
  return std::max(SystemClock().Now() - arrived_at, absl::ZeroDuration());
}

bool TimeIsUp() {
  return SystemClock().Steady() >= read_until;
}

timeval Seconds(time_t seconds) {
  return {.tv_sec = seconds, .tv_usec = 0};
}

// The library's constructor asks for SO_REUSEPORT, which would let a second
// process share our port in silence; it listens with a backlog of 5; and it looks
// at each idle connection a hundred times a second, which with some hundred of
// them costs more than the requests.
class Server final : public httplib::Server {
 public:
  explicit Server(const HttpServer::Options& options)
      : options_(options), stopping_(::eventfd(0, EFD_CLOEXEC)) {
    TOCSIN_CHECK(stopping_ >= 0);
  }
  ~Server() override { ::close(stopping_); }

  void LengthenBacklog() { ::listen(svr_sock_, kBacklog); }

  // From now on idle connections close, and busy ones after their answer.
  void CloseIdle() {
    const std::uint64_t one = 1;
    TOCSIN_CHECK(::write(stopping_, &one, sizeof(one)) == sizeof(one));
  }

 private:
  bool process_and_close_socket(socket_t socket) override {
    NameThisThread(options_.name);
    const timeval read = Seconds(read_timeout_sec_), write = Seconds(write_timeout_sec_);
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &read, sizeof(read));
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &write, sizeof(write));
    {
      SocketStream wire(socket);
      wire.NoteArrivals();
      if (options_.certificate == nullptr) {
        Serve(wire, wire);
      } else {
        ServeTls(wire);
      }
    }
    ::shutdown(socket, SHUT_RDWR);
    ::close(socket);
    return true;
  }

  void ServeTls(SocketStream& wire) {
    if (!NextRequestComes(wire)) return;
    wire.ReadUntil(SystemClock().Steady() + std::chrono::seconds(options_.read_timeout_s));
    wire.ReadAtMost(kHandshakeBytesMax);
    const std::shared_ptr<const TlsIdentity> identity = options_.certificate->Current();
    TlsStream stream(wire, *identity->context);
    const absl::Status shaken = stream.Accept();
    if (!shaken.ok()) {
      options_.certificate->CountRefused();
      Log(LogLevel::kDebug, "tls_handshake_refused", {{"reason", Message(shaken)}});
      return;
    }
    Serve(wire, stream);
    stream.SayGoodbye();
  }

  // `stream` is the wire itself, or TLS on it.
  void Serve(SocketStream& wire, HttpStream& stream) {
    const auto begin = [&](httplib::Request& request) {
      arrived_at = wire.arrived_at();
      // What follows is the body, whose limit is watched where it is read.
      wire.ReadAtMost(SIZE_MAX);
      TakeAnyRoute(request);
    };
    bool closed = false;
    while (!closed && NextRequestComes(stream)) {
      wire.ExpectRequest();
      read_until = SystemClock().Steady() + absl::ToChronoNanoseconds(options_.request_timeout);
      wire.ReadUntil(read_until);
      wire.ReadAtMost(options_.head_max_bytes);
      read_to_its_end = false;
      if (!process_request(stream, false, closed, begin) || !stream.Flush()) break;
      if (!read_to_its_end) break;
    }
  }

  bool NextRequestComes(const HttpStream& stream) const {
    if (stream.has_unread()) return true;
    std::array<pollfd, 2> waited{{{stream.socket(), POLLIN, 0}, {stopping_, POLLIN, 0}}};
    int ready = 0;
    do {
      ready =
          ::poll(waited.data(), waited.size(), static_cast<int>(keep_alive_timeout_sec_ * 1000));
    } while (ready < 0 && errno == EINTR);
    return ready > 0 && waited[1].revents == 0;
  }

  const HttpServer::Options& options_;
  const int stopping_;  // An eventfd: readable once we stop.
};

// The library lets a lone CR pass, and takes %0D%0A in a header's value for what it
// stands for: blanks, as RFC 9110 (5.5) has it.
std::string OnOneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return text;
}

// A request line holds none but the two that end it; the library does not mind.
bool HoldsControls(std::string_view target) {
  return std::any_of(target.begin(), target.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

HttpRequest FromLibrary(const httplib::Request& request) {
  HttpRequest made;
  made.method = request.method;
  const std::size_t mark = request.target.find('?');
  made.raw_path = request.target.substr(0, mark);
  if (mark != std::string::npos) made.raw_query = request.target.substr(mark + 1);
  made.path = httplib::detail::decode_url(made.raw_path, false);
  made.headers.reserve(request.headers.size());
  for (const auto& [name, value] : request.headers) {
    made.headers.emplace_back(OnOneLine(name), OnOneLine(value));
  }
  made.remote_address = request.remote_addr;
  made.waited = SinceArrival();
  return made;
}

bool HasBody(const httplib::Request& request) {
  return request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
}

void ToLibrary(HttpResponse&& from, httplib::Response& to) {
  to.status = from.status;
  for (const auto& [name, value] : from.headers) to.set_header(name, value);
  if (!from.body.empty()) to.set_content(std::move(from.body), from.content_type);
}

}  // namespace

std::string_view HttpRequest::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (absl::EqualsIgnoreCase({key.data(), key.size()}, {name.data(), name.size()})) return value;
  }
  return {};
}

std::string HttpRequest::QueryParameter(std::string_view name) const {
  httplib::Params parameters;
  httplib::detail::parse_query_text(raw_query, parameters);
  const auto it = parameters.find(std::string(name));
  return it == parameters.end() ? std::string() : it->second;
}

class HttpServer::Impl {
 public:
  Impl(const Options& options, Handler handler)
      : options_(options), handler_(std::move(handler)), server_(options_) {
    server_.new_task_queue = [threads = options.threads] {
      return new httplib::ThreadPool(static_cast<std::size_t>(threads));
    };
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_timeout(options.keep_alive_timeout_s);
    server_.set_read_timeout(options.read_timeout_s);
    server_.set_write_timeout(options.write_timeout_s);
    server_.set_payload_max_length(options.body_max_bytes);
    server_.set_socket_options([](socket_t socket) {
      const int on = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    });
    Route();
  }

  absl::Status Listen() {
    errno = 0;
    const bool any = options_.port == 0;
    const int port =
        any ? server_.bind_to_any_port(options_.host)
            : (server_.bind_to_port(options_.host, options_.port) ? options_.port : -1);
    if (port < 0) {
      return Unavailable("cannot listen on {}:{}: {}; choose another address, or stop what uses it",
                         options_.host, options_.port,
                         errno != 0 ? std::strerror(errno) : "the host name does not resolve");
    }
    port_ = port;
    server_.LengthenBacklog();
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // stop() before the accept loop runs would be lost.
    while (!server_.is_running()) std::this_thread::yield();
    return absl::OkStatus();
  }

  void Stop() {
    if (!thread_.joinable()) return;
    server_.CloseIdle();
    server_.stop();
    thread_.join();
  }

  int port() const { return port_; }

 private:
  void Route() {
    const auto plain = [this](const httplib::Request& request, httplib::Response& response) {
      HttpRequest made = FromLibrary(request);
      made.body = request.body;
      // The library reads no body that comes with a GET or OPTIONS.
      read_to_its_end = request.method == "DELETE" || !HasBody(request);
      if (!read_to_its_end) response.set_header("Connection", "close");
      Handle(made, response);
    };
    // The library's own limit does not hold for chunked bodies: count here.
    const auto reading = [this](const httplib::Request& request, httplib::Response& response,
                                const httplib::ContentReader& read) {
      HttpRequest made = FromLibrary(request);
      bool too_long = false;
      const bool complete = read([&](const char* data, std::size_t size) {
        too_long = made.body.size() + size > options_.body_max_bytes;
        if (!too_long) made.body.append(data, size);
        return !too_long;
      });
      // Also without a body at all, which is an empty one.
      read_to_its_end = complete || (!too_long && !HasBody(request));
      if (read_to_its_end) return Handle(made, response);
      // The library has judged a length that was declared.
      if (response.status != 413) response.status = too_long ? 413 : TimeIsUp() ? 408 : 400;
      if (response.status == 413) {
        response.set_content(fmt::format("A body has at most {} bytes.\n", options_.body_max_bytes),
                             "text/plain");
      }
      response.set_header("Connection", "close");
    };
    server_.Get(".*", plain);
    server_.Options(".*", plain);
    server_.Delete(".*", plain);
    server_.Post(".*", reading);
    server_.Put(".*", reading);
    server_.Patch(".*", reading);
  }

  void Handle(const HttpRequest& request, httplib::Response& response) {
    if (HoldsControls(request.raw_path) || HoldsControls(request.raw_query)) {
      response.status = 400;
      response.set_header("Connection", "close");
      return;
    }
    try {
      ToLibrary(handler_(request), response);
    } catch (const std::exception& error) {
      Log(LogLevel::kError, "http_handler_failed",
          {{"method", request.method}, {"error", error.what()}});
      response.status = 500;
    }
  }

  const Options options_;
  const Handler handler_;
  Server server_;
  std::thread thread_;
  int port_ = 0;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() {
  Stop();
}
int HttpServer::port() const {
  return impl_->port();
}
void HttpServer::Stop() {
  impl_->Stop();
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const Options& options,
                                                              Handler handler) {
  auto impl = std::make_unique<Impl>(options, std::move(handler));
  TOCSIN_RETURN_IF_ERROR(impl->Listen());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

}  // namespace tocsin
