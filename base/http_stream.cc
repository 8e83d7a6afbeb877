#include "base/http_stream.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
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

}  // namespace

ssize_t HttpStream::read(char* into, std::size_t size) {
  if (begin_ == end_) {
    const ssize_t n = Receive(in_.data(), in_.size());
    if (n <= 0) return n;
    begin_ = 0;
    end_ = static_cast<std::size_t>(n);
  }
  const std::size_t taken = std::min(size, end_ - begin_);
  std::memcpy(into, in_.data() + begin_, taken);
  begin_ += taken;
  return static_cast<ssize_t>(taken);
}

bool SocketStream::Flush() {
  const int flags = MSG_NOSIGNAL | (waits_ ? 0 : MSG_DONTWAIT);
  while (sent_ < out_.size()) {
    const ssize_t n = ::send(socket_, out_.data() + sent_, out_.size() - sent_, flags);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    sent_ += static_cast<std::size_t>(n);
  }
  out_.clear();
  sent_ = 0;
  return true;
}

bool SocketStream::is_readable() const {
  pollfd waited{socket_, POLLIN, 0};
  return has_unread() || ::poll(&waited, 1, 0) > 0;
}

ssize_t SocketStream::Receive(char* into, std::size_t size) {
  // The peer may be waiting for what we have not sent yet: our request, or a
  // "100 Continue".
  if (!out_.empty() && !Flush()) return -1;
  if (bytes_left_ == 0 ||
      (read_until_ != SteadyTime::max() && SystemClock().Steady() >= read_until_)) {
    errno = ETIMEDOUT;
    return -1;
  }
  const int flags = waits_ ? 0 : MSG_DONTWAIT;
  ssize_t n = 0;
  do {
    n = notes_arrivals_ ? ReceiveNoting(into, size, flags) : ::recv(socket_, into, size, flags);
  } while (n < 0 && errno == EINTR);
  if (n > 0) bytes_left_ -= std::min(bytes_left_, static_cast<std::size_t>(n));
  return n;
}

void SocketStream::NoteArrivals() {
  const int on = 1;
  notes_arrivals_ = ::setsockopt(socket_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) == 0;
}

ssize_t SocketStream::ReceiveNoting(char* into, std::size_t size, int flags) {
  iovec buffer{into, size};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control;
  msghdr message{};
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t n = ::recvmsg(socket_, &message, flags);
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
  const bool full = out_.size() - sent_ >= kWriteBuffer;
  if (full && !Flush() && (waits_ || errno != EAGAIN)) return -1;
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

}  // namespace tocsin
