#include "tests/support/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "fmt/format.h"

namespace tocsin {
namespace {

constexpr int kDripEveryMs = 5;

std::size_t ContentLength(const std::string& head) {
  const std::size_t at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

// A request with its body; unset when the client has gone.
std::optional<std::string> ReadRequest(int socket, std::string& buffer) {
  while (true) {
    const std::size_t head = buffer.find("\r\n\r\n");
    if (head != std::string::npos) {
      const std::size_t size = head + 4 + ContentLength(buffer.substr(0, head));
      if (buffer.size() >= size) {
        std::string request = buffer.substr(0, size);
        buffer.erase(0, size);
        return request;
      }
    }
    char bytes[4096];
    const ssize_t got = ::recv(socket, bytes, sizeof(bytes), 0);
    if (got <= 0) return std::nullopt;
    buffer.append(bytes, static_cast<std::size_t>(got));
  }
}

void Write(int socket, const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return;
    sent += static_cast<std::size_t>(n);
  }
}

// Whether the client has closed or reset, after waiting `ms` (-1: until it has).
bool HasGone(int socket, int ms) {
  pollfd entry{.fd = socket, .events = POLLIN | POLLRDHUP, .revents = 0};
  return ::poll(&entry, 1, ms) != 0;
}

}  // namespace

ScriptedServer::ScriptedServer(React react) : react_(std::move(react)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  TOCSIN_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  TOCSIN_CHECK(::listen(listener_, 128) == 0);
  TOCSIN_CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

ScriptedServer::~ScriptedServer() {
  HangUp(true);
  acceptor_.join();
  HangUp(false);
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

std::string ScriptedServer::endpoint() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

int ScriptedServer::Requests(std::string_view method) const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(
      std::count_if(requests_.begin(), requests_.end(),
                    [&](const std::string& request) { return request.starts_with(method); }));
}

std::string ScriptedServer::LastRequest(std::string_view method) const {
  const std::lock_guard lock(mutex_);
  const auto it =
      std::find_if(requests_.rbegin(), requests_.rend(),
                   [&](const std::string& request) { return request.starts_with(method); });
  return it == requests_.rend() ? "" : *it;
}

void ScriptedServer::HangUp(bool port_too) {
  const std::lock_guard lock(mutex_);
  if (port_too) ::shutdown(listener_, SHUT_RDWR);
  for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
}

std::string ScriptedServer::Answer(int status, std::string_view body, std::string_view headers) {
  return fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(),
                     headers, body);
}

void ScriptedServer::Accept() {
  while (true) {
    const int socket = ::accept(listener_, nullptr, nullptr);
    if (socket < 0) return;
    ++connections_;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] { Serve(socket); });
  }
}

void ScriptedServer::Serve(int socket) {
  std::string buffer;
  while (const auto request = ReadRequest(socket, buffer)) {
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(*request);
    }
    if (!Obey(socket, react_(*request))) break;
  }
  const std::lock_guard lock(mutex_);
  sockets_.remove(socket);
  ::close(socket);
}

// True if the connection is still to be read from.
bool ScriptedServer::Obey(int socket, const Reaction& reaction) {
  Write(socket, reaction.bytes);
  switch (reaction.then) {
    case Then::kKeep: return true;
    case Then::kClose: return false;
    case Then::kReset: {
      const linger at_once{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
      return false;
    }
    case Then::kHold: HasGone(socket, -1); return false;
    case Then::kDrip:
      while (!HasGone(socket, kDripEveryMs)) Write(socket, "a");
      return false;
  }
  return false;
}

}  // namespace tocsin
