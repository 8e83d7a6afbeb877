#include "base/http_stream.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace tocsin {
namespace {

// Writes are gathered up to this many bytes.
constexpr std::size_t kWriteBuffer = 64 << 10;

template <class Ask, class End>
void NameEnd(Ask ask, int socket, End& end) {
  if (std::exchange(end.known, true)) return;
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  char host[NI_MAXHOST] = "", service[NI_MAXSERV] = "";
  if (ask(socket, generic, &length) != 0 ||
      ::getnameinfo(generic, length, host, sizeof(host), service, sizeof(service),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return;
  }
  end.ip = host;
  end.port = std::atoi(service);
}

timeval TimeValue(time_t seconds, time_t micros) {
  return {.tv_sec = seconds, .tv_usec = static_cast<suseconds_t>(micros)};
}

}  // namespace

bool SocketStream::Flush() {
  std::size_t sent = 0;
  while (sent < out_.size()) {
    const ssize_t n = ::send(socket_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  out_.clear();
  return true;
}

bool SocketStream::is_readable() const {
  pollfd waited{socket_, POLLIN, 0};
  return has_read_ahead() || ::poll(&waited, 1, 0) > 0;
}

ssize_t SocketStream::read(char* into, std::size_t size) {
  // The peer may be waiting for what we have not sent yet: our request, or a
  // "100 Continue".
  if (!out_.empty() && !Flush()) return -1;
  if (!has_read_ahead()) {
    if (read_until_ != SteadyTime::max() && SystemClock().Steady() >= read_until_) return -1;
    ssize_t n = 0;
    do {
      n = Receive();
    } while (n < 0 && errno == EINTR);
    if (n <= 0) return n;
    begin_ = 0;
    end_ = static_cast<std::size_t>(n);
  }
  const std::size_t taken = std::min(size, end_ - begin_);
  std::memcpy(into, in_.data() + begin_, taken);
  begin_ += taken;
  return static_cast<ssize_t>(taken);
}

void SocketStream::NoteArrivals() {
  const int on = 1;
  notes_arrivals_ = ::setsockopt(socket_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) == 0;
}

ssize_t SocketStream::Receive() {
  if (!notes_arrivals_) return ::recv(socket_, in_.data(), in_.size(), 0);
  iovec into{in_.data(), in_.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control;
  msghdr message{};
  message.msg_iov = &into;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t n = ::recvmsg(socket_, &message, 0);
  if (n <= 0 || arrived_at_ != absl::InfinitePast()) return n;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec at{};
    std::memcpy(&at, CMSG_DATA(each), sizeof(at));
    arrived_at_ = absl::TimeFromTimespec(at);
  }
  return n;
}

ssize_t SocketStream::write(const char* data, std::size_t size) {
  out_.append(data, size);
  if (out_.size() >= kWriteBuffer && !Flush()) return -1;
  return static_cast<ssize_t>(size);
}

void SocketStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  NameEnd(::getpeername, socket_, remote_);
  ip = remote_.ip;
  port = remote_.port;
}

void SocketStream::get_local_ip_and_port(std::string& ip, int& port) const {
  NameEnd(::getsockname, socket_, local_);
  ip = local_.ip;
  port = local_.port;
}

bool PlainHttpClient::process_socket(const Socket& socket,
                                     std::function<bool(httplib::Stream&)> callback) {
  const timeval read = TimeValue(read_timeout_sec_, read_timeout_usec_);
  const timeval write = TimeValue(write_timeout_sec_, write_timeout_usec_);
  ::setsockopt(socket.sock, SOL_SOCKET, SO_RCVTIMEO, &read, sizeof(read));
  ::setsockopt(socket.sock, SOL_SOCKET, SO_SNDTIMEO, &write, sizeof(write));
  SocketStream stream(socket.sock);
  return callback(stream);
}

std::unique_ptr<httplib::ClientImpl> NewHttpClient(const std::string& origin) {
  constexpr std::string_view kPlain = "http://", kTls = "https://";
  const std::string_view text(origin);
  const bool tls = text.starts_with(kTls);
  if (!tls && !text.starts_with(kPlain)) return nullptr;
  std::string_view host = text.substr(tls ? kTls.size() : kPlain.size());
  int port = tls ? 443 : 80;
  // In "[::1]:80" the colons inside the brackets are the address's.
  const std::size_t bracket = host.find(']');
  const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const std::string_view digits = host.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), port);
    if (error != std::errc() || end != digits.end() || port < 1 || port > 65535) return nullptr;
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return nullptr;
  std::unique_ptr<httplib::ClientImpl> client;
  if (tls) {
    client = std::make_unique<httplib::SSLClient>(std::string(host), port);
  } else {
    client = std::make_unique<PlainHttpClient>(std::string(host), port);
  }
  client->set_tcp_nodelay(true);
  client->set_keep_alive(true);
  return client;
}

}  // namespace tocsin
