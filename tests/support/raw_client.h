#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace tocsin {

// The other end, as rude as a test needs it to be.
class RawClient {
 public:
  explicit RawClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~RawClient() { ::close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  int socket() const { return socket_; }

  // False if the server has closed meanwhile, which some tests provoke.
  bool Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  // The head and the body of the next response, one behind the other; what has
  // come of it if the connection ends before.
  std::string Receive() {
    std::size_t end = std::string::npos;
    while ((end = unread_.find("\r\n\r\n")) == std::string::npos && More()) {
    }
    if (end == std::string::npos) return std::exchange(unread_, "");
    const std::string kLength = "Content-Length: ";
    const std::size_t at = unread_.find(kLength);
    const std::size_t body = at < end ? std::stoul(unread_.substr(at + kLength.size())) : 0;
    while (unread_.size() < end + 4 + body && More()) {
    }
    std::string response = unread_.substr(0, end + 4 + body);
    unread_.erase(0, end + 4 + body);
    return response;
  }

  // Waits until the server closes; true if it said nothing more.
  bool SeesTheEnd() {
    while (More()) {
    }
    return unread_.empty();
  }

 private:
  bool More() {
    char bytes[4096];
    const ssize_t n = ::recv(socket_, bytes, sizeof(bytes), 0);
    if (n > 0) unread_.append(bytes, static_cast<std::size_t>(n));
    return n > 0;
  }

  const int socket_;
  bool connected_ = false;
  std::string unread_;
};

// Takes connections, as the kernel does by itself, and says nothing.
class SilentListener {
 public:
  SilentListener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    TOCSIN_CHECK(::bind(socket_, generic, size) == 0 && ::listen(socket_, 8) == 0);
    TOCSIN_CHECK(::getsockname(socket_, generic, &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentListener() { ::close(socket_); }
  SilentListener(const SilentListener&) = delete;
  SilentListener& operator=(const SilentListener&) = delete;

  int port() const { return port_; }

 private:
  const int socket_;
  int port_ = 0;
};

}  // namespace tocsin
