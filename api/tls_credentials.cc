#include "api/tls_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <mutex>
#include <string>
#include <utility>

#include "base/check.h"

namespace tocsin {
namespace {

// The library's C interface has what its C++ interface leaves out: a question
// at each handshake.
class FollowingCredentials final : public grpc::ServerCredentials {
 public:
  explicit FollowingCredentials(std::shared_ptr<ServedCertificate> certificate)
      : certificate_(std::move(certificate)) {
    const auto clients = certificate_->asks_clients()
                             ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                             : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
    credentials_ = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(clients, &FetchFor, this));
    TOCSIN_CHECK(credentials_ != nullptr);
  }
  ~FollowingCredentials() override { grpc_server_credentials_release(credentials_); }

  // Who a client is, its certificate says.
  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) override {
    TOCSIN_CHECK(false);
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  static grpc_ssl_certificate_config_reload_status FetchFor(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<FollowingCredentials*>(self)->Fetch(config);
  }

  grpc_ssl_certificate_config_reload_status Fetch(grpc_ssl_server_certificate_config** config) {
    std::shared_ptr<const TlsIdentity> current = certificate_->Current();
    const std::lock_guard lock(mutex_);
    if (current == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair = {current->key.Reveal().c_str(),
                                             current->certificate.c_str()};
    // It wants authorities also where no client is asked for a certificate.
    const std::string& clients =
        certificate_->asks_clients() ? current->client_ca : current->certificate;
    *config = grpc_ssl_server_certificate_config_create(clients.c_str(), &pair, 1);
    given_ = std::move(current);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::shared_ptr<ServedCertificate> certificate_;
  grpc_server_credentials* credentials_ = nullptr;
  std::mutex mutex_;
  std::shared_ptr<const TlsIdentity> given_;  // Null: nothing yet.
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> CredentialsOf(
    std::shared_ptr<ServedCertificate> certificate) {
  if (certificate == nullptr) return grpc::InsecureServerCredentials();
  return std::make_shared<FollowingCredentials>(std::move(certificate));
}

}  // namespace tocsin
