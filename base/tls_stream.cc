#include "base/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/tls.h"

namespace tocsin {
namespace {

// OpenSSL's way to the wire.
int BioRead(BIO* bio, char* into, int size) {
  auto& wire = *static_cast<SocketStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  errno = 0;
  const ssize_t n = wire.read(into, static_cast<std::size_t>(size));
  if (n < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

int BioWrite(BIO* bio, const char* data, int size) {
  auto& wire = *static_cast<SocketStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  return static_cast<int>(wire.write(data, static_cast<std::size_t>(size)));
}

// It flushes after each flight of a handshake.
long BioControl(BIO* bio, int command, long /*number*/, void* /*argument*/) {
  if (command != BIO_CTRL_FLUSH) return 0;
  auto& wire = *static_cast<SocketStream*>(BIO_get_data(bio));
  errno = 0;
  return wire.Flush() || (!wire.waits() && errno == EAGAIN) ? 1 : 0;
}

BIO_METHOD* WireMethod() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* const made =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tocsin_http_stream");
    TOCSIN_CHECK(made != nullptr);
    BIO_meth_set_read(made, &BioRead);
    BIO_meth_set_write(made, &BioWrite);
    BIO_meth_set_ctrl(made, &BioControl);
    return made;
  }();
  return method;
}

int Clamped(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

}  // namespace

TlsStream::TlsStream(SocketStream& wire, SSL_CTX& context) : wire_(wire), tls_(SSL_new(&context)) {
  TOCSIN_CHECK(tls_ != nullptr);
  BIO* const bio = BIO_new(WireMethod());
  TOCSIN_CHECK(bio != nullptr);
  BIO_set_data(bio, &wire_);
  BIO_set_init(bio, 1);
  SSL_set_bio(tls_, bio, bio);
}

TlsStream::~TlsStream() {
  SSL_free(tls_);
}

absl::StatusOr<bool> TlsStream::Accept() {
  return ShakeHands(&SSL_accept, "");
}

absl::Status TlsStream::Connect(const std::string& host, const Session& earlier) {
  ExpectHost(tls_, host);
  if (earlier != nullptr) SSL_set_session(tls_, earlier.get());
  return ShakeHands(&SSL_connect, host).status();
}

absl::StatusOr<bool> TlsStream::ShakeHands(int (*step)(SSL*), const std::string& host) {
  ERR_clear_error();
  errno = 0;
  const int done = step(tls_);
  const bool sent = wire_.Flush() || (!wire_.waits() && errno == EAGAIN);
  if (done == 1 && sent) return true;
  if (sent && !wire_.waits() && SSL_get_error(tls_, done) == SSL_ERROR_WANT_READ) return false;
  const bool timed_out = errno == EAGAIN || errno == ETIMEDOUT;
  broken_ = true;
  absl::Status failure = TlsFailure(tls_, host, timed_out);
  // The alert that tells the peer.
  wire_.Flush();
  return failure;
}

bool TlsStream::resumed() const {
  return SSL_session_reused(tls_) != 0;
}

TlsStream::Session TlsStream::ResumableSession() const {
  SSL_SESSION* const session = SSL_get1_session(tls_);
  if (session == nullptr) return nullptr;
  Session owned(session, SSL_SESSION_free);
  return SSL_SESSION_is_resumable(session) != 0 ? owned : nullptr;
}

bool TlsStream::IsQuiet() {
  if (broken_ || HttpStream::has_unread()) return false;
  ERR_clear_error();
  char byte = 0;
  wire_.SetWaiting(false);
  const int n = SSL_peek(tls_, &byte, 1);
  wire_.SetWaiting(true);
  return n <= 0 && SSL_get_error(tls_, n) == SSL_ERROR_WANT_READ;
}

void TlsStream::SayGoodbye() {
  if (broken_) return;
  ERR_clear_error();
  SSL_shutdown(tls_);
  wire_.Flush();
  ERR_clear_error();
}

bool TlsStream::has_unread() const {
  return HttpStream::has_unread() || SSL_pending(tls_) > 0 || wire_.has_unread();
}

ssize_t TlsStream::Receive(char* into, std::size_t size) {
  if (broken_) return -1;
  ERR_clear_error();
  const int n = SSL_read(tls_, into, Clamped(size));
  if (n > 0) return n;
  const int error = SSL_get_error(tls_, n);
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  if (error == SSL_ERROR_WANT_READ) errno = EAGAIN;
  broken_ = error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL;
  ERR_clear_error();
  return -1;
}

ssize_t TlsStream::write(const char* data, std::size_t size) {
  if (broken_) return -1;
  if (size == 0) return 0;
  ERR_clear_error();
  const int n = SSL_write(tls_, data, Clamped(size));
  if (n > 0) return n;
  broken_ = true;
  ERR_clear_error();
  return -1;
}

}  // namespace tocsin
