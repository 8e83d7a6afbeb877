#pragma once
#include <httplib.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"

namespace tocsin {

// A connection as the HTTP library wants it, for our server and our clients:
// reads ahead, and what is written leaves as one segment when the reader turns
// to reading. The library's own asks the kernel before each read and each write
// whether it may, and sends head and body apart: twelve system calls an
// exchange instead of four.
//
// Waits as long as the socket's own timeouts (SO_RCVTIMEO, SO_SNDTIMEO) say.
// Does not own the socket. For one thread.
class SocketStream final : public httplib::Stream {
 public:
  explicit SocketStream(int socket) : socket_(socket) {}

  // Asks the kernel to note when data arrives: a thread that reads it late does
  // not make it late.
  void NoteArrivals();

  // When the first data after ExpectRequest() reached this machine, by the wall
  // clock; the past if nobody noted it.
  absl::Time arrived_at() const { return arrived_at_; }
  void ExpectRequest() {
    if (!has_read_ahead()) arrived_at_ = absl::InfinitePast();
  }

  bool has_read_ahead() const { return begin_ < end_; }

  // Reads that begin after `moment` fail, however much there is to read.
  void ReadUntil(SteadyTime moment) { read_until_ = moment; }

  // Sends what was written. False if the peer does not take it.
  bool Flush();

  bool is_readable() const override;
  bool is_writable() const override { return true; }
  ssize_t read(char* into, std::size_t size) override;
  ssize_t write(const char* data, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  // One end of the connection, asked for once: a server wants it each request.
  struct End {
    bool known = false;
    std::string ip;
    int port = 0;
  };

  ssize_t Receive();

  const int socket_;
  bool notes_arrivals_ = false;
  SteadyTime read_until_ = SteadyTime::max();
  absl::Time arrived_at_ = absl::InfinitePast();
  mutable End remote_, local_;
  std::array<char, 4096> in_;
  std::size_t begin_ = 0, end_ = 0;  // Of what was read ahead.
  std::string out_;
};

// The library's client without TLS over such a stream. Not `final`: a caller
// may refine how it connects.
class PlainHttpClient : public httplib::ClientImpl {
 public:
  using httplib::ClientImpl::ClientImpl;

 private:
  bool process_socket(const Socket& socket,
                      std::function<bool(httplib::Stream&)> callback) override;
};

// A client for "http://host:port" or "https://host:port" (the port may be left
// out); null if `origin` is neither. TCP_NODELAY and keep-alive are on.
std::unique_ptr<httplib::ClientImpl> NewHttpClient(const std::string& origin);

}  // namespace tocsin
