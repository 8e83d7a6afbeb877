#include "base/served_connection.h"

#include <httplib.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>
#include <cerrno>
#include <chrono>
#include <exception>
#include <iterator>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"

namespace tocsin {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr std::size_t kReadBytes = 4096;
// More than any chain of a client's certificates has.
constexpr std::size_t kHandshakeBytesMax = 128 << 10;
constexpr char kConnection[] = "Connection";
// Closing on bytes that nobody read resets the connection, which may cost the peer
// our answer: so long it has to read that and hang up.
constexpr auto kLinger = std::chrono::seconds(1);
constexpr std::size_t kLingerBytesMax = 1 << 20;

SteadyTime Now() {
  return SystemClock().Steady();
}

std::string RemoteAddressOf(const asio::ip::tcp::socket& socket) {
  boost::system::error_code error;
  const auto end = socket.remote_endpoint(error);
  return error ? std::string() : end.address().to_string(error);
}

absl::Duration Since(absl::Time arrival) {
  if (arrival == absl::InfinitePast()) return absl::ZeroDuration();
  return std::max(SystemClock().Now() - arrival, absl::ZeroDuration());
}

std::string_view View(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

// Its body means nothing, and may never come: a proxy that asks about a request is apt
// to tell the length of what it keeps to itself.
bool OnlyAsks(http::verb method) {
  return method == http::verb::get || method == http::verb::head;
}

// Chunks are all that the parser takes off.
template <class Message>
bool IsPlainOrChunked(const Message& message) {
  const auto coding = message.find(http::field::transfer_encoding);
  return coding == message.end() || (message.count(http::field::transfer_encoding) == 1 &&
                                     boost::beast::iequals(coding->value(), "chunked"));
}

template <class Message>
HttpRequest RequestFrom(Message& message) {
  HttpRequest request;
  request.method = std::string(View(message.method_string()));
  const std::string_view target = View(message.target());
  const std::size_t mark = target.find('?');
  request.raw_path = std::string(target.substr(0, mark));
  if (mark != std::string_view::npos) request.raw_query = std::string(target.substr(mark + 1));
  request.path = httplib::detail::decode_url(request.raw_path, false);
  for (const auto& field : message) {
    request.headers.emplace_back(View(field.name_string()), View(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

// A header of ours that holds a line's end would be two.
void AddHeader(std::string& head, std::string_view name, std::string_view value) {
  const auto add = [&head](std::string_view text) {
    std::replace_copy_if(
        text.begin(), text.end(), std::back_inserter(head),
        [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  };
  add(name);
  head += ": ";
  add(value);
  head += "\r\n";
}

bool AsksToClose(const HttpResponse& response) {
  return std::any_of(response.headers.begin(), response.headers.end(), [](const auto& header) {
    return boost::beast::iequals(header.first, kConnection) &&
           boost::beast::iequals(header.second, "close");
  });
}

bool HasBody(int status) {
  return status >= 200 && status != 204 && status != 304;
}

std::string HeadOf(const HttpResponse& response, bool keeps_alive) {
  const auto reason =
      http::obsolete_reason(http::int_to_status(static_cast<unsigned>(response.status)));
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, View(reason));
  for (const auto& [name, value] : response.headers) {
    if (!boost::beast::iequals(name, kConnection)) AddHeader(head, name, value);
  }
  if (!response.body.empty()) AddHeader(head, "Content-Type", response.content_type);
  if (HasBody(response.status)) {
    AddHeader(head, "Content-Length", std::to_string(response.body.size()));
  }
  if (!keeps_alive) AddHeader(head, kConnection, "close");
  return head += "\r\n";
}

}  // namespace

ServedConnection::ServedConnection(Loop& loop, asio::ip::tcp::socket socket,
                                   const HttpServer::Options& options,
                                   const HttpServer::AsyncHandler& handler,
                                   const std::function<void()>& closed)
    : loop_(loop),
      socket_(std::move(socket)),
      options_(options),
      handler_(handler),
      closed_(closed),
      remote_address_(RemoteAddressOf(socket_)),
      wire_(socket_.native_handle()),
      stream_(&wire_),
      in_(kReadBytes) {}

void ServedConnection::Start() {
  loop_.open.insert(shared_from_this());
  Error error;
  std::ignore = socket_.set_option(asio::ip::tcp::no_delay(true), error);
  wire_.NoteArrivals();
  wire_.SetWaiting(false);
  if (options_.certificate != nullptr) {
    identity_ = options_.certificate->Current();
    stream_ = &tls_.emplace(wire_, *identity_->context);
    wire_.ReadAtMost(kHandshakeBytesMax);
    state_ = State::kShaking;
  }
  deadline_ = Now() + std::chrono::seconds(options_.keep_alive_timeout_s);
  if (loop_.stopping) return Close();
  AwaitReadable();
}

void ServedConnection::AwaitReadable() {
  if (stream_->has_unread()) {
    asio::post(loop_.context, [self = shared_from_this()] { self->OnReadable(); });
  } else {
    AwaitArrival();
  }
}

void ServedConnection::AwaitArrival() {
  socket_.async_wait(asio::socket_base::wait_read, [self = shared_from_this()](const Error& error) {
    if (!error) self->OnReadable();
  });
}

void ServedConnection::OnReadable() {
  switch (state_) {
    case State::kShaking: return ShakeHands();
    case State::kIdle:
    case State::kReading: return ReadOn();
    case State::kLingering: return Drain();
    case State::kAsking:
    case State::kWriting:
    case State::kClosed: return;
  }
}

void ServedConnection::ShakeHands() {
  if (!tls_) return;
  const absl::StatusOr<bool> shaken = tls_->Accept();
  if (!shaken.ok()) {
    options_.certificate->CountRefused();
    Log(LogLevel::kDebug, "tls_handshake_refused", {{"reason", Message(shaken.status())}});
    return Close();
  }
  if (!*shaken) {
    // From its first byte, however many follow.
    deadline_ = std::min(deadline_, Now() + std::chrono::seconds(options_.read_timeout_s));
    return AwaitReadable();
  }
  wire_.ReadAtMost(SIZE_MAX);
  AwaitNext();
}

void ServedConnection::AwaitNext() {
  state_ = State::kIdle;
  deadline_ = Now() + std::chrono::seconds(options_.keep_alive_timeout_s);
  if (begin_ == end_) {
    if (!stream_->has_unread()) wire_.ExpectRequest();
    return AwaitReadable();
  }
  // Not from here: whoever sent a thousand requests ahead would have us call
  // ourselves a thousand times.
  asio::post(loop_.context, [self = shared_from_this()] { self->OnReadable(); });
}

void ServedConnection::ReadOn() {
  if (state_ == State::kIdle && begin_ < end_) Begin();
  while (Parse()) {
    if (!MakeRoom()) return Refuse(400);
    const ssize_t n = stream_->read(in_.data() + end_, in_.size() - end_);
    if (n < 0 && errno == EAGAIN) return AwaitReadable();
    if (n <= 0) return Close();
    end_ += static_cast<std::size_t>(n);
    if (state_ == State::kIdle) Begin();
    const SteadyTime now = Now();
    if (now >= request_deadline_) return Refuse(408);
    deadline_ = std::min(request_deadline_, now + std::chrono::seconds(options_.read_timeout_s));
  }
}

// For the next bytes. A head has to lie in one piece, and so has what stands before a
// chunk, of which the parser takes any length; false if that is more than a head.
bool ServedConnection::MakeRoom() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ < in_.size()) return true;
  if (begin_ > 0) {
    std::copy(in_.begin() + static_cast<std::ptrdiff_t>(begin_), in_.end(), in_.begin());
    end_ -= std::exchange(begin_, 0);
    return true;
  }
  if (in_.size() > options_.head_max_bytes) return false;
  in_.resize(2 * in_.size());
  return true;
}

void ServedConnection::Begin() {
  state_ = State::kReading;
  request_deadline_ = Now() + absl::ToChronoNanoseconds(options_.request_timeout);
  deadline_ = request_deadline_;
  told_to_continue_ = false;
  Parser& parser = parser_.emplace();
  parser.eager(true);
  parser.header_limit(static_cast<std::uint32_t>(options_.head_max_bytes));
  parser.body_limit(options_.body_max_bytes);
}

// Whether there is more to read.
bool ServedConnection::Parse() {
  if (!parser_) return true;  // Nothing has come yet.
  Parser& parser = *parser_;
  while (begin_ < end_) {
    Error error;
    const std::size_t n = parser.put(asio::buffer(in_.data() + begin_, end_ - begin_), error);
    begin_ += n;
    if (error && error != http::error::need_more) {
      RefuseAsUnfit(error);
    } else if (parser.is_header_done() && !IsPlainOrChunked(parser.get())) {
      Refuse(501);
    } else if (parser.is_done() || (parser.is_header_done() && OnlyAsks(parser.get().method()))) {
      HandOver(parser);
    }
    if (state_ != State::kReading) return false;
    if (n == 0) break;
  }
  if (parser.is_header_done() && !std::exchange(told_to_continue_, true) &&
      boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    stream_->write(kContinue.data(), kContinue.size());
    stream_->Flush();
  }
  return true;
}

void ServedConnection::HandOver(Parser& parser) {
  const bool whole = parser.is_done();
  auto message = parser.release();
  parser_.reset();
  state_ = State::kAsking;
  deadline_ = SteadyTime::max();
  keeps_alive_ = whole && message.keep_alive();
  wants_body_ = message.method() != http::verb::head;
  HttpRequest request = RequestFrom(message);
  request.remote_address = remote_address_;
  request.waited = Since(wire_.arrived_at());
  const std::string method = request.method;
  try {
    handler_(std::move(request), HttpReply(shared_from_this()));
  } catch (const std::exception& error) {
    Log(LogLevel::kError, "http_handler_failed", {{"method", method}, {"error", error.what()}});
  }
}

void ServedConnection::RefuseAsUnfit(const Error& error) {
  if (error == http::error::body_limit) return Refuse(413);
  Refuse(error == http::error::header_limit ? 431 : 400);
}

// What follows on the connection is the rest of a request, which whoever sent it
// could have made look like another one.
void ServedConnection::Refuse(int status) {
  keeps_alive_ = false;
  wants_body_ = true;
  HttpResponse response{.status = status, .content_type = "text/plain"};
  if (status == 413) {
    response.body = fmt::format("A body has at most {} bytes.\n", options_.body_max_bytes);
  }
  Write(response);
}

void ServedConnection::Answer(HttpResponse response) {
  asio::dispatch(loop_.context,
                 [self = shared_from_this(), made = std::move(response)] { self->Write(made); });
}

void ServedConnection::Write(const HttpResponse& response) {
  if (loop_.stopping || AsksToClose(response)) keeps_alive_ = false;
  std::string bytes = HeadOf(response, keeps_alive_);
  if (wants_body_ && HasBody(response.status)) bytes += response.body;
  state_ = State::kWriting;
  if (stream_->write(bytes.data(), bytes.size()) < 0) return Close();
  FlushOn();
}

void ServedConnection::FlushOn() {
  if (state_ != State::kWriting) return;
  // From here, too, after the peer has taken some of it.
  deadline_ = Now() + std::chrono::seconds(options_.write_timeout_s);
  if (stream_->Flush()) return keeps_alive_ ? AwaitNext() : Linger();
  if (errno != EAGAIN) return Close();
  socket_.async_wait(asio::socket_base::wait_write,
                     [self = shared_from_this()](const Error& error) {
                       if (!error) self->FlushOn();
                     });
}

void ServedConnection::Linger() {
  if (tls_) tls_->SayGoodbye();
  ::shutdown(socket_.native_handle(), SHUT_WR);
  state_ = State::kLingering;
  deadline_ = Now() + kLinger;
  Drain();
}

void ServedConnection::Drain() {
  std::array<char, kReadBytes> unread;
  ssize_t n = 0;
  do {
    n = ::recv(socket_.native_handle(), unread.data(), unread.size(), MSG_DONTWAIT);
    if (n > 0) drained_ += static_cast<std::size_t>(n);
  } while ((n > 0 && drained_ < kLingerBytesMax) || (n < 0 && errno == EINTR));
  if (n >= 0 || errno != EAGAIN) return Close();
  AwaitArrival();
}

void ServedConnection::LookAtTheTime(SteadyTime now) {
  if (now < deadline_ || state_ == State::kClosed) return;
  if (state_ == State::kReading) return Refuse(408);
  Close();
}

void ServedConnection::CloseSoon() {
  if (state_ == State::kShaking || state_ == State::kIdle || state_ == State::kLingering) Close();
}

void ServedConnection::Close() {
  if (std::exchange(state_, State::kClosed) == State::kClosed) return;
  const auto self = shared_from_this();
  if (tls_) tls_->SayGoodbye();
  Error ignored;
  std::ignore = socket_.close(ignored);
  loop_.open.erase(self);
  closed_();
}

}  // namespace tocsin
