#pragma once
#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"

namespace tocsin {

// TLS 1.2 or later, with forward secrecy and authenticated ciphers, for both
// sides. Everything here is thread-safe.
using TlsContext = std::shared_ptr<SSL_CTX>;

// What a listener shows who it is with, and whom it lets in.
struct TlsFiles {
  std::string certificate;  // PEM: its own first, then those up to the authority's.
  std::string key;          // PEM, without a passphrase.
  // PEM; only clients with a certificate by one of these authorities are let in.
  // Empty: whoever connects.
  std::string client_ca;

  bool any() const { return !certificate.empty() || !key.empty() || !client_ca.empty(); }
};

// What stood in such files, and goes together.
struct TlsIdentity {
  std::string certificate;  // PEM, as are the next two.
  Secret key;
  std::string client_ca;
  absl::Time expires;
  TlsContext context;  // Of a server.
};

// kInvalidArgument: a file cannot be read or holds something else, the key is
// another certificate's, or the certificate is not valid at `now`. The message
// names the file and what to do; it never quotes one.
absl::StatusOr<std::shared_ptr<const TlsIdentity>> ReadTlsIdentity(const TlsFiles& files,
                                                                   absl::Time now);

// For clients: checks the server's certificate against the authorities in
// `ca_file` (PEM), or the system's if that is empty. Reads a file again when it
// has changed. kInvalidArgument as above.
absl::StatusOr<TlsContext> TrustingContext(const std::string& ca_file);

// Before the handshake of a client: the server's certificate must be for `host`,
// a name or an address.
void ExpectHost(SSL* connection, const std::string& host);

// Why a handshake with `host` failed, or one with a client (`host` empty); what
// to do about it where that is known. kFailedPrecondition if it is because of the
// other's certificate, else kUnavailable. Takes what OpenSSL noted on this thread.
absl::Status TlsFailure(SSL* connection, std::string_view host, bool timed_out);

// What a connection to `address` ("host:port") finds, which is closed again.
struct TlsProbe {
  bool connected = false;
  bool speaks_tls = false;
  std::string failure;  // Of the handshake, as above; empty: it went well.
};
TlsProbe ProbeTls(const std::string& address, const std::string& ca_file, absl::Duration patience);

// Changes whenever one of the files is written, replaced, removed or locked away.
std::string StateOfFiles(const std::vector<std::string>& paths);

}  // namespace tocsin
