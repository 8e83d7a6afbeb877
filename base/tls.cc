#include "base/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

#include "base/check.h"
#include "base/status_macros.h"
#include "fmt/ranges.h"

namespace tocsin {
namespace {

constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Memory = std::unique_ptr<BIO, decltype(&BIO_free)>;

// In words, the last of what OpenSSL noted; forgets all of it.
std::string LibraryWords() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "no reason given";
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return InvalidArgument("{} cannot be read: it is a folder", path);
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (file) text << file.rdbuf();
  if (!file) {
    return InvalidArgument("{} cannot be read: {}", path,
                           errno != 0 ? std::strerror(errno) : "it is no file");
  }
  return text.str();
}

Memory Reader(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

std::vector<Certificate> ReadCertificates(const std::string& pem) {
  std::vector<Certificate> found;
  const Memory reader = Reader(pem);
  while (X509* const next = PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)) {
    found.emplace_back(next, X509_free);
  }
  ERR_clear_error();  // It ends with "no start line".
  return found;
}

// Never asks the terminal for a passphrase.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return 0;
}

absl::StatusOr<Key> ReadKey(const std::string& path, const std::string& pem) {
  const Memory reader = Reader(pem);
  Key key(PEM_read_bio_PrivateKey(reader.get(), nullptr, &NoPassphrase, nullptr), EVP_PKEY_free);
  ERR_clear_error();
  if (key != nullptr) return key;
  return InvalidArgument(
      "{} holds no private key in PEM without a passphrase; "
      "openssl pkey -in {} -out NEW takes a passphrase off",
      path, path);
}

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  TOCSIN_CHECK(ASN1_TIME_to_tm(time, &parts) == 1);
  return absl::FromTM(parts, absl::UTCTimeZone());
}

std::string DayOf(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", time, absl::UTCTimeZone());
}

TlsContext NewContext(const SSL_METHOD* method) {
  TlsContext context(SSL_CTX_new(method), SSL_CTX_free);
  TOCSIN_CHECK(context != nullptr);
  TOCSIN_CHECK(SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1);
  TOCSIN_CHECK(SSL_CTX_set_cipher_list(context.get(), kCiphers) == 1);
  // Whoever may renegotiate may do so all day, at our expense.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  return context;
}

absl::StatusOr<std::vector<Certificate>> ReadAuthorities(const std::string& path,
                                                         std::string& pem) {
  TOCSIN_ASSIGN_OR_RETURN(pem, ReadFile(path));
  std::vector<Certificate> authorities = ReadCertificates(pem);
  if (!authorities.empty()) return authorities;
  return InvalidArgument("{} holds no certificate of an authority in PEM", path);
}

void Trust(SSL_CTX* context, const std::vector<Certificate>& authorities) {
  for (const Certificate& authority : authorities) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
  }
}

// Adds them to `made`, and makes its context ask for a certificate by one of them.
absl::Status LetInOnly(const std::string& path, TlsIdentity& made) {
  TOCSIN_ASSIGN_OR_RETURN(const std::vector<Certificate> authorities,
                          ReadAuthorities(path, made.client_ca));
  SSL_CTX* const context = made.context.get();
  Trust(context, authorities);
  for (const Certificate& authority : authorities) {
    SSL_CTX_add_client_CA(context, authority.get());
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return absl::OkStatus();
}

absl::Status CheckValidity(const std::string& path, const X509* certificate, absl::Time now) {
  const absl::Time begins = TimeOf(X509_get0_notBefore(certificate));
  const absl::Time ends = TimeOf(X509_get0_notAfter(certificate));
  if (now >= ends) {
    return InvalidArgument("the certificate in {} expired at {}; put a new one in its place", path,
                           DayOf(ends));
  }
  if (now < begins) {
    return InvalidArgument(
        "the certificate in {} is valid from {} on only; see that this machine's clock is right",
        path, DayOf(begins));
  }
  return absl::OkStatus();
}

absl::Status Use(const TlsFiles& files, const std::vector<Certificate>& chain, EVP_PKEY* key,
                 SSL_CTX* context) {
  if (X509_check_private_key(chain[0].get(), key) != 1) {
    ERR_clear_error();
    return InvalidArgument(
        "the key in {} is not that of the first certificate in {}; openssl x509 -pubkey -noout and "
        "openssl pkey -pubout show what each belongs to",
        files.key, files.certificate);
  }
  bool taken = SSL_CTX_use_certificate(context, chain[0].get()) == 1 &&
               SSL_CTX_use_PrivateKey(context, key) == 1;
  for (std::size_t i = 1; taken && i < chain.size(); ++i) {
    taken = SSL_CTX_add1_chain_cert(context, chain[i].get()) == 1;
  }
  if (taken) return absl::OkStatus();
  return InvalidArgument("the certificate in {} cannot be used: {}", files.certificate,
                         LibraryWords());
}

std::vector<std::string> NamesIn(X509* certificate) {
  std::vector<std::string> names;
  auto* const all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all, i);
    if (name->type != GEN_DNS) continue;
    const ASN1_STRING* const text = name->d.dNSName;
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                       static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
  GENERAL_NAMES_free(all);
  return names;
}

std::string OtherHost(X509* certificate, std::string_view host) {
  const std::vector<std::string> names =
      certificate == nullptr ? std::vector<std::string>() : NamesIn(certificate);
  if (names.empty()) return fmt::format("the server's certificate is not for {}", host);
  return fmt::format("the server's certificate is for {}, not for {}", fmt::join(names, ", "),
                     host);
}

std::string DescribeVerification(SSL* connection, long verdict, std::string_view host) {
  // The peer's certificate is kept only if it was good.
  const STACK_OF(X509)* const chain = SSL_get0_verified_chain(connection);
  X509* const certificate = sk_X509_num(chain) > 0 ? sk_X509_value(chain, 0) : nullptr;
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return certificate == nullptr
                 ? "the server's certificate has expired"
                 : fmt::format(
                       "the server's certificate, or one above it, has expired (its own: {})",
                       DayOf(TimeOf(X509_get0_notAfter(certificate))));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the server's certificate is not valid yet; see that this machine's clock is right";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return OtherHost(certificate, host);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:  // One of that name, with another key.
      return "the server's certificate is not trusted: none of the authorities known here has "
             "signed it; --tls-ca-file names a file of others";
    default:
      return fmt::format("the server's certificate is not trusted: {}",
                         X509_verify_cert_error_string(verdict));
  }
}

bool IsAddress(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address;
  return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const TlsIdentity>> ReadTlsIdentity(const TlsFiles& files,
                                                                   absl::Time now) {
  auto made = std::make_shared<TlsIdentity>();
  TOCSIN_ASSIGN_OR_RETURN(made->certificate, ReadFile(files.certificate));
  TOCSIN_ASSIGN_OR_RETURN(std::string key_pem, ReadFile(files.key));
  const std::vector<Certificate> chain = ReadCertificates(made->certificate);
  if (chain.empty()) {
    return InvalidArgument("{} holds no certificate in PEM", files.certificate);
  }
  TOCSIN_ASSIGN_OR_RETURN(const Key key, ReadKey(files.key, key_pem));
  made->key = Secret(std::move(key_pem));
  made->context = NewContext(TLS_server_method());
  SSL_CTX_set_options(made->context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Resumed sessions need one where clients show certificates.
  constexpr unsigned char kSessions[] = "tocsin";
  SSL_CTX_set_session_id_context(made->context.get(), kSessions, sizeof(kSessions) - 1);
  TOCSIN_RETURN_IF_ERROR(Use(files, chain, key.get(), made->context.get()));
  TOCSIN_RETURN_IF_ERROR(CheckValidity(files.certificate, chain[0].get(), now));
  made->expires = TimeOf(X509_get0_notAfter(chain[0].get()));
  if (!files.client_ca.empty()) TOCSIN_RETURN_IF_ERROR(LetInOnly(files.client_ca, *made));
  return made;
}

absl::StatusOr<TlsContext> TrustingContext(const std::string& ca_file) {
  struct Known {
    std::string state;
    TlsContext context;
  };
  // Reading the system's takes longer than a handshake.
  static auto& mutex = *new std::mutex;
  static auto& known = *new std::map<std::string, Known>;
  const std::lock_guard lock(mutex);
  Known& found = known[ca_file];
  std::string state = ca_file.empty() ? "" : StateOfFiles({ca_file});
  if (found.context != nullptr && found.state == state) return found.context;
  TlsContext made = NewContext(TLS_client_method());
  SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
  if (ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(made.get());
  } else {
    std::string pem;
    TOCSIN_ASSIGN_OR_RETURN(const std::vector<Certificate> authorities,
                            ReadAuthorities(ca_file, pem));
    Trust(made.get(), authorities);
  }
  found = {std::move(state), std::move(made)};
  return found.context;
}

void ExpectHost(SSL* connection, const std::string& host) {
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(connection);
  if (IsAddress(host)) {
    TOCSIN_CHECK(X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1);
    return;
  }
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  TOCSIN_CHECK(X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size()) == 1);
  SSL_set_tlsext_host_name(connection, host.c_str());
}

absl::Status TlsFailure(SSL* connection, std::string_view host, bool timed_out) {
  const unsigned long code = ERR_peek_last_error();
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  const std::string words = LibraryWords();
  const bool to_server = !host.empty();
  switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED: {
      const long verdict = SSL_get_verify_result(connection);
      if (to_server) {
        return FailedPrecondition("{}", DescribeVerification(connection, verdict, host));
      }
      return FailedPrecondition("the client's certificate is not accepted: {}",
                                X509_verify_cert_error_string(verdict));
    }
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return FailedPrecondition("the client shows no certificate");
    case SSL_R_HTTP_REQUEST: return Unavailable("it speaks HTTP without TLS");
    case SSL_R_WRONG_VERSION_NUMBER:
      if (!to_server) break;
      return Unavailable("what answers there does not speak TLS; is it http instead of https?");
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return Unavailable("the TLS handshake failed: the other side has no TLS 1.2 or later");
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return Unavailable("the server lets in only those with a certificate that it knows");
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return Unavailable("the other side broke off the TLS handshake");
    default: break;
  }
  if (timed_out) return Unavailable("the TLS handshake took too long");
  if (code == 0) return Unavailable("the other side broke off the TLS handshake");
  return Unavailable("the TLS handshake failed: {}", words);
}

std::string StateOfFiles(const std::vector<std::string>& paths) {
  std::string state;
  for (const std::string& path : paths) {
    struct stat found{};
    if (path.empty() || ::stat(path.c_str(), &found) != 0) {
      state += "none;";
      continue;
    }
    state += fmt::format("{}:{}:{}:{}.{}:{}.{};", found.st_dev, found.st_ino, found.st_size,
                         found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_ctim.tv_sec,
                         found.st_ctim.tv_nsec);
  }
  return state;
}

}  // namespace tocsin
