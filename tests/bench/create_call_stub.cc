// A provider that costs next to nothing: answers every POST with 201 and a new
// call id, and never calls back. What dials is measured, not this: one thread,
// epoll, requests read no further than their length needs.
//
//   create_call_stub        prints its port, serves until its input ends
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <unordered_map>

#include "base/check.h"
#include "tests/bench/bench.h"

namespace tocsin::bench {
namespace {

// What a connection has brought so far and has not been answered.
using Inbox = std::string;

// The length of the whole request at the front of `inbox`; 0: not all of it is
// there.
std::size_t RequestLength(const Inbox& inbox) {
  const std::size_t head = inbox.find("\r\n\r\n");
  if (head == std::string::npos) return 0;
  std::size_t body = 0;
  for (const char* name : {"\r\nContent-Length: ", "\r\ncontent-length: "}) {
    const std::size_t at = inbox.find(name);
    if (at < head) body = std::strtoull(inbox.c_str() + at + 18, nullptr, 10);
  }
  const std::size_t length = head + 4 + body;
  return inbox.size() >= length ? length : 0;
}

class Stub {
 public:
  Stub() : listener_(::socket(AF_INET, SOCK_STREAM, 0)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    TOCSIN_CHECK(::bind(listener_, any, size) == 0 && ::listen(listener_, 1024) == 0);
    TOCSIN_CHECK(::getsockname(listener_, any, &size) == 0);
    port_ = ntohs(address.sin_port);
    Watch(listener_);
    Watch(STDIN_FILENO);
  }

  int port() const { return port_; }

  void ServeUntilInputEnds() {
    std::array<epoll_event, 256> events{};
    while (true) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == STDIN_FILENO) return;
        if (fd == listener_) {
          Accept();
        } else {
          Serve(fd);
        }
      }
    }
  }

 private:
  void Watch(int fd) const {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.fd = fd;
    TOCSIN_CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &wanted) == 0);
  }

  void Accept() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    inboxes_[fd];
    Watch(fd);
  }

  void Serve(int fd) {
    Inbox& inbox = inboxes_[fd];
    std::array<char, 16'384> bytes{};
    const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (got <= 0) {
      ::close(fd);
      inboxes_.erase(fd);
      return;
    }
    inbox.append(bytes.data(), static_cast<std::size_t>(got));
    std::string answers;
    while (const std::size_t length = RequestLength(inbox)) {
      inbox.erase(0, length);
      const std::string body = fmt::format(R"({{"callLegId":"{:032}"}})", ++calls_);
      answers += fmt::format(
          "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
          body.size(), body);
    }
    if (!answers.empty()) ::send(fd, answers.data(), answers.size(), MSG_NOSIGNAL);
  }

  const int listener_;
  const int epoll_;
  int port_ = 0;
  std::int64_t calls_ = 0;
  std::unordered_map<int, Inbox> inboxes_;
};

}  // namespace
}  // namespace tocsin::bench

int main() {
  tocsin::bench::Stub stub;
  fmt::print("{}\n", stub.port());
  std::fflush(stdout);
  stub.ServeUntilInputEnds();
}
