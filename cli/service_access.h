#pragma once
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/security/credentials.h"

namespace tocsin {

// Where the service is and how it is to be reached.
struct ServiceAccess {
  // "127.0.0.1:7233"; "https://tocsin.internal:7233" with TLS, which naming any
  // of the files turns on too.
  std::string server = "127.0.0.1:7233";
  std::string ca_file;           // PEM; empty: the system's authorities.
  std::string certificate_file;  // PEM, of ours, if the service asks for one ...
  std::string key_file;          // ... and its key.
};

// A service, as the gRPC library wants it.
struct ServiceChannel {
  std::string address;  // host:port.
  bool tls = false;
  std::string ca_file;
  std::shared_ptr<grpc::ChannelCredentials> credentials;
};

// kInvalidArgument: the files are not there, do not go together, or the address
// says http://.
absl::StatusOr<ServiceChannel> Resolve(const ServiceAccess& access);

// Why there is no speaking with it, after a call to it came to nothing: tries
// again, as far as the handshake, and says what that finds and what to do.
// kUnavailable if waiting may help.
absl::Status WhyUnreachable(const ServiceChannel& channel);

}  // namespace tocsin
