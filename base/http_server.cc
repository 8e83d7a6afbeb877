#include "base/http_server.h"

#include <httplib.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "base/clock.h"
#include "base/served_connection.h"
#include "base/status_macros.h"
#include "base/this_thread.h"
#include "base/worker_pool.h"

namespace tocsin {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr int kBacklog = 1024;
// After accept() failed for want of something that may come back.
constexpr milliseconds kAcceptPause(100);

// How often to look for whose time is up: a time limit is so much longer.
milliseconds LookEvery(const HttpServer::Options& options) {
  const auto shortest =
      std::min({absl::Seconds(options.read_timeout_s), absl::Seconds(options.keep_alive_timeout_s),
                absl::Seconds(options.write_timeout_s), options.request_timeout});
  return std::clamp(absl::ToChronoMilliseconds(shortest / 8), milliseconds(10), milliseconds(500));
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

HttpReply::~HttpReply() {
  if (asker_ != nullptr) Answer({.status = 500});
}

void HttpReply::Answer(HttpResponse response) {
  std::exchange(asker_, nullptr)->Answer(std::move(response));
}

class HttpServer::Impl {
 public:
  Impl(const Options& options, AsyncHandler handler)
      : options_(options), handler_(std::move(handler)) {}
  ~Impl() { Stop(); }

  absl::Status Listen() {
    error_code error;
    asio::ip::tcp::resolver resolver(loops_.front()->shared.context);
    const auto found = resolver.resolve(options_.host, std::to_string(options_.port), error);
    if (error) return CannotListen("the host name does not resolve");
    const asio::ip::tcp::endpoint address = found.begin()->endpoint();
    std::ignore = acceptor_.open(address.protocol(), error);
    if (!error) std::ignore = acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) std::ignore = acceptor_.bind(address, error);
    if (!error) std::ignore = acceptor_.listen(kBacklog, error);
    if (error) return CannotListen(error.message());
    port_ = acceptor_.local_endpoint(error).port();
    accepting_ = true;
    Accept();
    for (const auto& loop : loops_) {
      loop->thread = std::thread([this, &loop = *loop] { Run(loop); });
    }
    return absl::OkStatus();
  }

  void Stop() {
    if (!loops_.front()->thread.joinable()) return;
    asio::post(loops_.front()->shared.context, [this] { StopAccepting(); });
    for (const auto& loop : loops_) {
      asio::post(loop->shared.context, [&loop = *loop] { CloseSoon(loop); });
    }
    {
      std::unique_lock lock(mutex_);
      closed_.wait(lock, [this] { return !accepting_ && open_ == 0; });
    }
    for (const auto& loop : loops_) {
      loop->shared.context.stop();
      loop->thread.join();
    }
  }

  int port() const { return port_; }

 private:
  // A thread, and the connections that are its own.
  struct Loop {
    ServedConnection::Loop shared;
    asio::executor_work_guard<asio::io_context::executor_type> work{
        asio::make_work_guard(shared.context)};
    asio::steady_timer look{shared.context};
    bool looks = false;
    std::thread thread;
  };

  static std::vector<std::unique_ptr<Loop>> Loops(int count) {
    std::vector<std::unique_ptr<Loop>> loops(static_cast<std::size_t>(count));
    for (auto& loop : loops) loop = std::make_unique<Loop>();
    return loops;
  }

  absl::Status CannotListen(const std::string& why) const {
    return Unavailable("cannot listen on {}:{}: {}; choose another address, or stop what uses it",
                       options_.host, options_.port, why);
  }

  void Run(Loop& loop) {
    NameThisThread(options_.name);
    loop.shared.context.run();
  }

  // On the first loop's thread, as all that follows down to StopAccepting().
  void Accept() {
    Loop& loop = *loops_[next_++ % loops_.size()];
    acceptor_.async_accept(loop.shared.context,
                           [this, &loop](const error_code& error, asio::ip::tcp::socket socket) {
                             if (!acceptor_.is_open()) return;
                             if (error) return AcceptLater();
                             Serve(loop, std::move(socket));
                             if (AddOpen()) Accept();
                           });
  }

  void AcceptLater() {
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](const error_code&) {
      if (acceptor_.is_open()) Accept();
    });
  }

  // Whether there may be more.
  bool AddOpen() {
    const std::lock_guard lock(mutex_);
    full_ = ++open_ >= options_.connections_max;
    return !full_;
  }

  void StopAccepting() {
    error_code ignored;
    std::ignore = acceptor_.close(ignored);
    pause_.cancel();
    const std::lock_guard lock(mutex_);
    accepting_ = false;
    closed_.notify_all();
  }

  void Serve(Loop& loop, asio::ip::tcp::socket socket) {
    auto connection = std::make_shared<ServedConnection>(loop.shared, std::move(socket), options_,
                                                         handler_, one_closed_);
    asio::post(loop.shared.context, [this, &loop, connection = std::move(connection)] {
      connection->Start();
      if (!std::exchange(loop.looks, true)) LookLater(loop);
    });
  }

  void LookLater(Loop& loop) {
    loop.look.expires_after(look_every_);
    loop.look.async_wait([this, &loop](const error_code&) {
      const SteadyTime now = SystemClock().Steady();
      // A copy: whoever is hung up on leaves the set.
      const auto open = loop.shared.open;
      for (const auto& connection : open) connection->LookAtTheTime(now);
      loop.looks = !loop.shared.open.empty();
      if (loop.looks) LookLater(loop);
    });
  }

  static void CloseSoon(Loop& loop) {
    loop.shared.stopping = true;
    const auto open = loop.shared.open;
    for (const auto& connection : open) connection->CloseSoon();
  }

  // On any loop's thread.
  void OneClosed() {
    const std::lock_guard lock(mutex_);
    --open_;
    closed_.notify_all();
    if (!std::exchange(full_, false)) return;
    asio::post(loops_.front()->shared.context, [this] {
      if (acceptor_.is_open()) Accept();
    });
  }

  const Options options_;
  const AsyncHandler handler_;
  const milliseconds look_every_ = LookEvery(options_);
  const std::function<void()> one_closed_ = [this] { OneClosed(); };
  const std::vector<std::unique_ptr<Loop>> loops_ = Loops(options_.io_threads);
  asio::ip::tcp::acceptor acceptor_{loops_.front()->shared.context};
  asio::steady_timer pause_{loops_.front()->shared.context};
  std::size_t next_ = 0;
  int port_ = 0;

  std::mutex mutex_;  // Guards what follows.
  std::condition_variable closed_;
  bool accepting_ = false;
  bool full_ = false;  // Accept() is to be called again when one closes.
  int open_ = 0;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;
int HttpServer::port() const {
  return impl_->port();
}
void HttpServer::Stop() {
  impl_->Stop();
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::StartAsync(const Options& options,
                                                                   AsyncHandler handler) {
  auto impl = std::make_unique<Impl>(options, std::move(handler));
  TOCSIN_RETURN_IF_ERROR(impl->Listen());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const Options& options,
                                                              Handler handler) {
  // Both live as long as the server's handler, which goes after its last request.
  auto pool = std::make_shared<WorkerPool>(options.name, options.threads);
  auto shared = std::make_shared<const Handler>(std::move(handler));
  return StartAsync(options, [pool, shared](HttpRequest request, HttpReply reply) {
    pool->Run([shared, request = std::move(request), reply = std::move(reply),
               since = SystemClock().Steady()]() mutable {
      request.waited += absl::FromChrono(SystemClock().Steady() - since);
      reply.Answer((*shared)(request));
    });
  });
}

}  // namespace tocsin
