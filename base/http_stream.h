#pragma once
#include <httplib.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"

namespace tocsin {

// A connection as the HTTP library wants it, for our server and our clients:
// reads ahead, and what is written leaves when the reader turns to reading. For
// one thread.
class HttpStream : public httplib::Stream {
 public:
  // Whether there is anything to read that has left the kernel.
  virtual bool has_unread() const { return begin_ < end_; }

  // Sends what was written. False if the peer does not take it.
  virtual bool Flush() = 0;

  bool is_writable() const override { return true; }
  ssize_t read(char* into, std::size_t size) final;

 private:
  // Waits for something to come. 0: the end; less: failed.
  virtual ssize_t Receive(char* into, std::size_t size) = 0;

  std::array<char, 4096> in_;
  std::size_t begin_ = 0, end_ = 0;  // Of what was read ahead.
};

// Straight over a socket: four system calls an exchange. The library's own asks
// the kernel before each read and each write whether it may, and sends head and
// body apart, which makes twelve.
//
// Waits as long as the socket's own timeouts (SO_RCVTIMEO, SO_SNDTIMEO) say.
// Does not own the socket.
class SocketStream final : public HttpStream {
 public:
  explicit SocketStream(int socket) : socket_(socket) {}

  // Asks the kernel to note when data arrives: a thread that reads it late does
  // not make it late.
  void NoteArrivals();

  // When the first data after ExpectRequest() reached this machine, by the wall
  // clock; the past if nobody noted it.
  absl::Time arrived_at() const { return arrived_at_; }
  void ExpectRequest() {
    if (!has_unread()) arrived_at_ = absl::InfinitePast();
  }

  // Reads that begin after `moment` fail, however much there is to read, and those
  // after `bytes` more: the socket's timeouts are of each read alone, and a peer who
  // drips is always in time.
  void ReadUntil(SteadyTime moment) { read_until_ = moment; }
  void ReadAtMost(std::size_t bytes) { bytes_left_ = bytes; }

  // From now on reading and Flush() fail, with EAGAIN, where they would have to wait;
  // or no more. What could not be sent is kept for the next Flush().
  void SetWaiting(bool waits) { waits_ = waits; }
  bool waits() const { return waits_; }

  bool Flush() override;
  bool is_readable() const override;
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

  ssize_t Receive(char* into, std::size_t size) override;
  ssize_t ReceiveNoting(char* into, std::size_t size, int flags);

  const int socket_;
  bool notes_arrivals_ = false;
  bool waits_ = true;
  SteadyTime read_until_ = SteadyTime::max();
  std::size_t bytes_left_ = SIZE_MAX;
  absl::Time arrived_at_ = absl::InfinitePast();
  mutable End remote_, local_;
  std::string out_;
  std::size_t sent_ = 0;  // Of `out_`.
};

}  // namespace tocsin
