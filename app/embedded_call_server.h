#pragma once
#include <memory>

#include "absl/status/statusor.h"
#include "app/config.h"
#include "base/clock.h"
#include "base/served_certificate.h"
#include "callserver/server.h"

namespace tocsin {

// The call server as the settings want it, for `up` and for `call-server`;
// without a certificate it has no TLS.
// Besides the errors of CallServer::Start: kNotFound and kInvalidArgument of the
// population and of the faults.
absl::StatusOr<std::unique_ptr<callserver::CallServer>> StartCallServer(
    const Config& config, std::shared_ptr<ServedCertificate> certificate, const Clock& clock);

}  // namespace tocsin
