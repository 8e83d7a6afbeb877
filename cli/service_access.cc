#include "cli/service_access.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/status_macros.h"
#include "base/tls.h"

namespace tocsin {
namespace {

constexpr std::string_view kTls = "https://", kPlain = "http://";

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  errno = 0;
  std::ifstream file(path);
  std::stringstream text;
  if (file) text << file.rdbuf();
  if (file) return text.str();
  return InvalidArgument("{} cannot be read: {}", path,
                         errno != 0 ? std::strerror(errno) : "it is no file");
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> TlsCredentials(
    const ServiceAccess& access) {
  grpc::SslCredentialsOptions options;
  TOCSIN_RETURN_IF_ERROR(TrustingContext(access.ca_file).status());
  if (!access.ca_file.empty()) {
    TOCSIN_ASSIGN_OR_RETURN(options.pem_root_certs, ReadFile(access.ca_file));
  }
  if (!access.certificate_file.empty()) {
    TOCSIN_ASSIGN_OR_RETURN(options.pem_cert_chain, ReadFile(access.certificate_file));
    TOCSIN_ASSIGN_OR_RETURN(options.pem_private_key, ReadFile(access.key_file));
  }
  return grpc::SslCredentials(options);
}

}  // namespace

absl::StatusOr<ServiceChannel> Resolve(const ServiceAccess& access) {
  std::string_view address = access.server;
  const bool files =
      !access.ca_file.empty() || !access.certificate_file.empty() || !access.key_file.empty();
  if (address.starts_with(kPlain)) {
    return InvalidArgument(
        "--server: expected host:port, or https://host:port for TLS, and not http://");
  }
  if (access.certificate_file.empty() != access.key_file.empty()) {
    return InvalidArgument(
        "{} is needed as well: a certificate and its key go together",
        access.key_file.empty() ? "--client-key-file" : "--client-certificate-file");
  }
  ServiceChannel channel;
  channel.tls = files || address.starts_with(kTls);
  if (address.starts_with(kTls)) address.remove_prefix(kTls.size());
  while (address.ends_with('/')) address.remove_suffix(1);
  channel.address = address;
  channel.ca_file = access.ca_file;
  channel.credentials = grpc::InsecureChannelCredentials();
  if (channel.tls) {
    TOCSIN_ASSIGN_OR_RETURN(channel.credentials, TlsCredentials(access));
  }
  return channel;
}

absl::Status WhyUnreachable(const ServiceChannel& channel) {
  constexpr absl::Duration kPatience = absl::Seconds(3);
  const TlsProbe probe = ProbeTls(channel.address, channel.ca_file, kPatience);
  if (!probe.connected) {
    return Unavailable(
        "nothing answers at {}; is \"tocsin up\" or \"tocsin serve\" running there? --server or "
        "TOCSIN_SERVER names another address",
        channel.address);
  }
  if (channel.tls && !probe.failure.empty()) {
    return FailedPrecondition("{}: {}", channel.address, probe.failure);
  }
  if (channel.tls) {
    return Unavailable(
        "{} does not go on after the TLS handshake; does it ask for a certificate "
        "(--client-certificate-file, --client-key-file)?",
        channel.address);
  }
  if (!probe.speaks_tls) return Unavailable("{} does not answer", channel.address);
  return FailedPrecondition(
      "{} speaks TLS: name it as https://{} and its authority with --server-ca-file",
      channel.address, channel.address);
}

}  // namespace tocsin
