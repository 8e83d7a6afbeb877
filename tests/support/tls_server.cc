#include "tests/support/tls_server.h"

#include <httplib.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/check.h"
#include "fmt/format.h"

namespace tocsin {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

void AddExtension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  TOCSIN_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate SelfSigned(EVP_PKEY* key) {
  Certificate certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("127.0.0.1"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  AddExtension(certificate.get(), NID_subject_alt_name, "IP:127.0.0.1");
  AddExtension(certificate.get(), NID_basic_constraints, "CA:TRUE");
  TOCSIN_CHECK(X509_sign(certificate.get(), key, EVP_sha256()) != 0);
  return certificate;
}

std::string WritePem(X509* certificate) {
  const char* directory = std::getenv("TMPDIR");
  std::string path = fmt::format("{}/tocsin_ca_XXXXXX", directory != nullptr ? directory : "/tmp");
  const int file = ::mkstemp(path.data());
  TOCSIN_CHECK(file >= 0);
  std::FILE* const stream = ::fdopen(file, "w");
  TOCSIN_CHECK(PEM_write_X509(stream, certificate) != 0);
  std::fclose(stream);
  return path;
}

}  // namespace

class TlsServer::Impl {
 public:
  explicit Impl(std::string body)
      : key_(EVP_EC_gen("P-256"), EVP_PKEY_free),
        certificate_(SelfSigned(key_.get())),
        ca_file_(WritePem(certificate_.get())),
        server_(certificate_.get(), key_.get()) {
    TOCSIN_CHECK(server_.is_valid());
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_timeout(1);
    server_.Get(
        ".*", [](const httplib::Request&, httplib::Response& response) { response.status = 200; });
    server_.Post(".*", [this, body](const httplib::Request&, httplib::Response& response) {
      ++posts_;
      response.set_content(body, "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~Impl() {
    server_.stop();
    thread_.join();
    ::unlink(ca_file_.c_str());
  }

  int port() const { return port_; }
  const std::string& ca_file() const { return ca_file_; }
  int posts() const { return posts_.load(); }

 private:
  const Key key_;
  const Certificate certificate_;
  const std::string ca_file_;
  std::atomic<int> posts_{0};
  httplib::SSLServer server_;
  std::thread thread_;
  int port_ = 0;
};

TlsServer::TlsServer(std::string body) : impl_(std::make_unique<Impl>(std::move(body))) {}
TlsServer::~TlsServer() = default;
std::string TlsServer::endpoint() const {
  return fmt::format("https://127.0.0.1:{}", impl_->port());
}
const std::string& TlsServer::ca_file() const {
  return impl_->ca_file();
}
int TlsServer::posts() const {
  return impl_->posts();
}

}  // namespace tocsin
