#include "base/async_http_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <optional>
#include <string_view>
#include <thread>
#include <tuple>
#include <unordered_map>

#include "base/clock.h"
#include "base/http_origin.h"
#include "base/status_macros.h"
#include "base/this_thread.h"
#include "base/tls.h"

namespace tocsin {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

// The library's usual types would look their executor up at run time.
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using TlsSocket = asio::ssl::stream<Socket&>;
using Resolver = asio::ip::basic_resolver<tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;
using Session = std::shared_ptr<SSL_SESSION>;

constexpr std::uint32_t kHeadMaxBytes = 16 << 10;  // Of an answer.
constexpr std::size_t kReadMaxBytes = 64 << 10;    // At once; no less than a head.
constexpr std::size_t kKeptUpWith = 16;            // Requests that wait for a thread.

// A body that nobody wants to know, of whatever length.
struct Unread {
  struct value_type {};
  struct reader {
    template <bool isRequest, class Fields>
    reader(http::header<isRequest, Fields>& /*head*/, value_type& /*body*/) {}
    template <class Length>
    void init(const Length& /*length*/, error_code& error) {
      error = {};
    }
    template <class Buffers>
    std::size_t put(const Buffers& bytes, error_code& error) {
      error = {};
      return asio::buffer_size(bytes);
    }
    void finish(error_code& error) { error = {}; }
  };
};

using Answer = http::response_parser<Unread>;

// What the connections to one server share. For one thread, as is all below.
struct Peer {
  const AsyncHttpClient::Options& options;
  asio::io_context& io;
  Resolver& resolver;
  const HttpOrigin origin;
  Session session;  // Of the last TLS handshake; may be null.
};

// Without what would end the request line.
std::string Escaped(std::string_view target) {
  std::string escaped;
  escaped.reserve(target.size());
  for (const char c : target) {
    if (c > ' ' && c < '\x7f') {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

std::string BytesOf(const AsyncHttpClient::Request& request, const HttpOrigin& origin) {
  std::string bytes = fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n",
      Escaped(request.target), origin.authority(), request.content_type, request.body.size());
  for (const auto& [name, value] : request.headers) {
    bytes.append(name).append(": ").append(value).append("\r\n");
  }
  return bytes.append("\r\n").append(request.body);
}

// One connection, and the request under way on it. While there is one it must
// stay where it is.
class Connection {
 public:
  // `reusable`: the connection can take another. It may be destroyed from within.
  using Ended = std::function<void(const absl::StatusOr<int>& status, bool reusable)>;

  explicit Connection(Peer& peer) : peer_(peer), socket_(peer.io) {}
  ~Connection() {
    // Without it OpenSSL takes the session for a broken one.
    if (tls_) SSL_set_shutdown(tls_->native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Only one after another. `ended` is not called before it returns.
  void Send(std::string bytes, Ended ended) {
    bytes_ = std::move(bytes);
    ended_ = std::move(ended);
    kept_ = socket_.is_open();
    kept_ ? Write() : Connect();
  }

  // When what is under way, or being idle, has taken too long.
  SteadyTime deadline() const { return deadline_; }

  // Ends what is under way.
  void Abort() {
    late_ = true;
    Close();
  }

  // Whether the server has said nothing since its answer: what comes unasked is
  // its farewell (or, worse, an answer to no question).
  bool IsQuiet() {
    char byte = 0;
    return ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           errno == EAGAIN;
  }

 private:
  void AllowTime() {
    deadline_ = SystemClock().Steady() + absl::ToChronoNanoseconds(peer_.options.timeout);
  }

  void Connect() {
    AllowTime();
    const std::string& host = peer_.origin.host;
    const std::string port = std::to_string(peer_.origin.port);
    error_code is_name;
    const auto address = asio::ip::make_address(host, is_name);
    if (!is_name) {
      const tcp::endpoint endpoint(address, static_cast<unsigned short>(peer_.origin.port));
      return Connect(tcp::resolver::results_type::create(endpoint, host, port));
    }
    peer_.resolver.async_resolve(
        host, port, tcp::resolver::numeric_service,
        [this](const error_code& error, const tcp::resolver::results_type& found) {
          error || late_ ? Unsent("its host cannot be found", error) : Connect(found);
        });
  }

  void Connect(const tcp::resolver::results_type& endpoints) {
    asio::async_connect(socket_, endpoints, [this](const error_code& error, const tcp::endpoint&) {
      if (error || late_) return Unsent("cannot connect", error);
      error_code ignored;
      std::ignore = socket_.set_option(tcp::no_delay(true), ignored);
      peer_.origin.tls ? ShakeHands() : Write();
    });
  }

  void ShakeHands() {
    const auto trusting = TrustingContext(peer_.options.ca_file);
    if (!trusting.ok()) return End(trusting.status());
    SSL_CTX_up_ref(trusting->get());  // For the next, which lets go of it.
    asio::ssl::context context(trusting->get());
    tls_ = std::make_unique<TlsSocket>(socket_, context);
    SSL* const tls = tls_->native_handle();
    ExpectHost(tls, peer_.origin.host);
    if (peer_.session != nullptr) SSL_set_session(tls, peer_.session.get());
    tls_->async_handshake(asio::ssl::stream_base::client, [this](const error_code& error) {
      error || late_ ? End(WhyNoTls(error)) : Write();
    });
  }

  absl::Status WhyNoTls(const error_code& error) {
    peer_.session = nullptr;
    // The library took the reason from where TlsFailure() looks, and not the last one.
    SSL* const tls = tls_->native_handle();
    int reason = 0;
    if (SSL_get_verify_result(tls) != X509_V_OK) {
      reason = SSL_R_CERTIFICATE_VERIFY_FAILED;
    } else if (error.category() == asio::error::get_ssl_category()) {
      reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
    }
    ERR_clear_error();
    if (reason != 0) ERR_raise(ERR_LIB_SSL, reason);
    return TlsFailure(tls, peer_.origin.host, late_);
  }

  template <class Use>
  void OnStream(const Use& use) {
    tls_ ? use(*tls_) : use(socket_);
  }

  void Write() {
    AllowTime();
    OnStream([this](auto& stream) {
      asio::async_write(stream, asio::buffer(bytes_), [this](const error_code& error, std::size_t) {
        error || late_ ? Lose(error) : Read();
      });
    });
  }

  void Read() {
    Answer& answer = answer_.emplace();
    answer.header_limit(kHeadMaxBytes);
    answer.body_limit(std::numeric_limits<std::uint64_t>::max());  // Time bounds it.
    OnStream([this, &answer](auto& stream) {
      http::async_read(stream, received_, answer,
                       [this, &answer](const error_code& error, std::size_t) {
                         error || late_ ? Lose(error) : Hear(answer);
                       });
    });
  }

  void Hear(const Answer& answer) {
    const int status = static_cast<int>(answer.get().result_int());
    if (status / 100 == 1) return Read();  // More is to come.
    if (tls_ != nullptr && !kept_) KeepSession();
    End(status, answer.keep_alive() && received_.size() == 0);
  }

  // Not before the first answer: servers send what it takes after the handshake.
  void KeepSession() {
    SSL_SESSION* const session = SSL_get1_session(tls_->native_handle());
    peer_.session = Session(session, SSL_SESSION_free);
    if (session == nullptr || SSL_SESSION_is_resumable(session) == 0) peer_.session = nullptr;
  }

  // The connection, and with it the answer.
  void Lose(const error_code& error) {
    const bool silent = received_.size() == 0 && (!answer_ || !answer_->got_some());
    if (std::exchange(kept_, false) && silent && !late_) {
      // The server had closed it before the request came, as far as anybody can tell.
      Close();
      return Connect();
    }
    End(MakeStatus(absl::StatusCode::kUnknown, "no answer: {}", Why(error)));
  }

  void Unsent(std::string_view what, const error_code& error) {
    End(Unavailable("{}: {}", what, Why(error)));
  }

  std::string Why(const error_code& error) const {
    return late_ ? "it took more than " + absl::FormatDuration(peer_.options.timeout)
                 : error.message();
  }

  void Close() {
    error_code ignored;
    std::ignore = socket_.close(ignored);
  }

  void End(const absl::StatusOr<int>& status, bool reusable = false) {
    AllowTime();
    answer_.reset();
    const Ended ended = std::move(ended_);
    ended(status, reusable);
  }

  Peer& peer_;
  Socket socket_;
  std::unique_ptr<TlsSocket> tls_;  // On the socket, once there is any.
  bool kept_ = false;               // From a request before this one.
  bool late_ = false;
  SteadyTime deadline_;
  std::string bytes_;  // The request.
  boost::beast::flat_buffer received_{kReadMaxBytes};
  std::optional<Answer> answer_;
  Ended ended_;
};

}  // namespace

// One thread and its connections.
class AsyncHttpClient::Loop {
 public:
  explicit Loop(const Options& options)
      : options_(options),
        connections_max_(
            static_cast<std::size_t>(std::max(1, options.connections_max / options.threads))),
        tick_(absl::ToChronoNanoseconds(options.timeout / 4)),
        thread_([this] {
          NameThisThread(options_.name);
          Tick();
          io_.run();
        }) {}

  // Any thread.
  void Post(std::string origin, Make make, Done done) {
    backlog_.fetch_add(1, std::memory_order_relaxed);
    asio::post(io_, [this, origin = std::move(origin),
                     order = Order{std::move(make), std::move(done)}]() mutable {
      Take(origin, std::move(order));
    });
  }

  // 0: it keeps up. Any thread.
  std::size_t load() const { return backlog_.load(std::memory_order_relaxed) / kKeptUpWith; }

  // Any thread.
  void Stop() {
    asio::post(io_, [this] {
      stopping_ = true;
      for (auto& [name, server] : servers_) {
        server.waiting.clear();
        server.idle.clear();
      }
      LeaveIfOver();
    });
    if (thread_.joinable()) thread_.join();
  }

 private:
  struct Order {
    Make make;
    Done done;
  };
  using Connections = std::list<Connection>;

  struct Server {
    Peer peer;
    std::deque<Order> waiting;
    Connections busy;
    Connections idle;  // Those used last are in front.

    bool is_forgotten() const { return waiting.empty() && busy.empty() && idle.empty(); }
  };

  void Take(const std::string& origin, Order order) {
    if (stopping_) return;
    if (Server* const server = Find(origin)) {
      server->waiting.push_back(std::move(order));
      return Advance(*server);
    }
    backlog_.fetch_sub(1, std::memory_order_relaxed);
    order.done(InvalidArgument("its URL does not begin with the address of an HTTP server"));
  }

  // Null if it is no origin.
  Server* Find(const std::string& origin) {
    if (const auto it = servers_.find(origin); it != servers_.end()) return &it->second;
    std::optional<HttpOrigin> parsed = ParseHttpOrigin(origin);
    if (!parsed) return nullptr;
    Peer peer{options_, io_, resolver_, *std::move(parsed), nullptr};
    return &servers_.emplace(origin, Server{.peer = std::move(peer)}).first->second;
  }

  // Gives what waits the connections that there may be.
  void Advance(Server& server) {
    while (!server.waiting.empty()) {
      while (!server.idle.empty() && !server.idle.front().IsQuiet()) server.idle.pop_front();
      if (server.idle.empty() && server.busy.size() >= connections_max_) return;
      Order order = std::move(server.waiting.front());
      server.waiting.pop_front();
      backlog_.fetch_sub(1, std::memory_order_relaxed);
      absl::StatusOr<Request> request = order.make();
      if (request.ok()) {
        Send(server, *request, std::move(order.done));
      } else {
        order.done(request.status());
      }
    }
  }

  void Send(Server& server, const Request& request, Done done) {
    if (server.idle.empty()) {
      server.busy.emplace_front(server.peer);
    } else {
      server.busy.splice(server.busy.begin(), server.idle, server.idle.begin());
    }
    const auto used = server.busy.begin();
    used->Send(BytesOf(request, server.peer.origin),
               [this, &server, used, done = std::move(done)](const absl::StatusOr<int>& status,
                                                             bool reusable) {
                 Release(server, used, reusable);
                 done(status);
                 LeaveIfOver();
               });
  }

  void Release(Server& server, Connections::iterator used, bool reusable) {
    if (reusable && !stopping_) {
      server.idle.splice(server.idle.begin(), server.busy, used);
    } else {
      server.busy.erase(used);
    }
    Advance(server);
  }

  void LeaveIfOver() {
    if (stopping_ && std::all_of(servers_.begin(), servers_.end(),
                                 [](const auto& server) { return server.second.busy.empty(); })) {
      io_.stop();
    }
  }

  // One look at all of them now and then costs less than a timer for each.
  void Tick() {
    const SteadyTime now = SystemClock().Steady();
    for (auto& [name, server] : servers_) {
      for (Connection& connection : server.busy) {
        if (connection.deadline() < now) connection.Abort();
      }
      server.idle.remove_if([now](const Connection& idle) { return idle.deadline() < now; });
    }
    std::erase_if(servers_, [](const auto& server) { return server.second.is_forgotten(); });
    timer_.expires_after(tick_);
    timer_.async_wait([this](const error_code&) { Tick(); });
  }

  const Options& options_;
  std::atomic<std::size_t> backlog_ = 0;  // Waiting for the thread, or for a connection.
  const std::size_t connections_max_;     // To one server.
  const std::chrono::nanoseconds tick_;
  asio::io_context io_{1};
  Resolver resolver_{io_};
  Timer timer_{io_};
  std::unordered_map<std::string, Server> servers_;  // By origin.
  bool stopping_ = false;
  std::jthread thread_;  // The last member: it runs on all of the above.
};

AsyncHttpClient::AsyncHttpClient(Options options) : options_(std::move(options)) {
  for (int i = 0; i < options_.threads; ++i) loops_.push_back(std::make_unique<Loop>(options_));
}

AsyncHttpClient::~AsyncHttpClient() {
  Stop();
}

void AsyncHttpClient::Stop() {
  for (const auto& loop : loops_) loop->Stop();
}

void AsyncHttpClient::Post(std::string origin, Make make, Done done) {
  // One thread that is kept awake does more in its time than several woken in turn;
  // the others, of which min_element takes the first, have what it cannot keep up with.
  const auto least = std::min_element(
      loops_.begin(), loops_.end(),
      [](const auto& one, const auto& other) { return one->load() < other->load(); });
  (*least)->Post(std::move(origin), std::move(make), std::move(done));
}

}  // namespace tocsin
