#pragma once
#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/http_stream.h"

namespace tocsin {

// The same over TLS: records are gathered and read ahead by the SocketStream
// beneath, whose limits and arrival times hold here too. For one thread.
class TlsStream final : public HttpStream {
 public:
  using Session = std::shared_ptr<SSL_SESSION>;

  // `wire` must outlive it.
  TlsStream(SocketStream& wire, SSL_CTX& context);
  ~TlsStream() override;

  // The server's half of the handshake. Errors as of TlsFailure(). False, if `wire`
  // does not wait: to be called again when there is more to read.
  absl::StatusOr<bool> Accept();
  // The client's: also checks that the certificate is for `host`, a name or an
  // address. `earlier` (may be null) saves a resumed session most of its cost.
  absl::Status Connect(const std::string& host, const Session& earlier);

  bool resumed() const;

  // What a later Connect() to this server can resume; null if there is nothing.
  Session ResumableSession() const;

  // Whether the peer is there and has said nothing that we have not read. Does
  // not wait. Session tickets, which come unasked, are taken.
  bool IsQuiet();

  // Tells the peer that this was all.
  void SayGoodbye();

  bool has_unread() const override;
  bool Flush() override { return wire_.Flush(); }
  bool is_readable() const override { return has_unread() || wire_.is_readable(); }
  ssize_t write(const char* data, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    wire_.get_remote_ip_and_port(ip, port);
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    wire_.get_local_ip_and_port(ip, port);
  }
  socket_t socket() const override { return wire_.socket(); }

 private:
  ssize_t Receive(char* into, std::size_t size) override;
  absl::StatusOr<bool> ShakeHands(int (*step)(SSL*), const std::string& host);

  SocketStream& wire_;
  SSL* const tls_;
  bool broken_ = false;
};

}  // namespace tocsin
