#pragma once
#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tocsin {

// A TCP server on loopback that answers HTTP requests with whatever bytes a
// test wants, and behaves as badly. A thread for each connection.
class ScriptedServer {
 public:
  enum class Then {
    kKeep,   // Reads the next request.
    kClose,  // Closes in good order.
    kReset,  // Closes with a reset.
    kHold,   // Says no more until the client goes.
    kDrip,   // Sends a byte every few milliseconds until the client goes.
  };
  struct Reaction {
    std::string bytes;
    Then then = Then::kKeep;
  };
  // Called with the whole request, on the connection's thread.
  using React = std::function<Reaction(std::string_view request)>;

  explicit ScriptedServer(React react);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  int port() const { return port_; }
  std::string endpoint() const;
  int connections() const { return connections_.load(); }

  // Requests of `method` so far.
  int Requests(std::string_view method) const;
  // The whole of the last one; empty if there was none.
  std::string LastRequest(std::string_view method) const;

  // Closes every connection, and the port if `port_too`.
  void HangUp(bool port_too);

  // "HTTP/1.1 <status> X" with a Content-Length, `headers` (each with CRLF) and `body`.
  static std::string Answer(int status, std::string_view body, std::string_view headers = "");

 private:
  void Accept();
  void Serve(int socket);
  bool Obey(int socket, const Reaction& reaction);

  const React react_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::list<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace tocsin
