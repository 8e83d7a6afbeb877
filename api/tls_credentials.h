#pragma once
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "base/served_certificate.h"

namespace tocsin {

// Credentials of a gRPC server that ask at each handshake what there is to be
// served, and let in only those whom it says. The library has such too, which
// read the files every so often and say nothing when they find them unfit.
std::shared_ptr<grpc::ServerCredentials> CredentialsOf(
    std::shared_ptr<ServedCertificate> certificate);

}  // namespace tocsin
