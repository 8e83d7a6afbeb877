#pragma once
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "app/config.h"
#include "base/clock.h"
#include "base/served_certificate.h"

namespace tocsin {

// The settings of TLS: a certificate for each listener, and whom to trust.
std::vector<Setting> TlsSettings();

// Adds what is wrong with the certificates of the listeners that `command` has,
// and a warning for each listener that the network reaches and that has none.
void CheckTls(Command command, absl::Time now, LoadedConfig& loaded);

// Adds a warning for each file with a secret that everybody may read.
void CheckSecretFiles(LoadedConfig& loaded);

// The certificates of a process's listeners; null where there is no TLS.
struct ListenerCertificates {
  std::shared_ptr<ServedCertificate> api, receiver, admin, call_server;

  void WriteMetrics(MetricsPage& page) const;
};

// Those of the listeners that `command` has. kInvalidArgument if one has become
// unfit since the settings were checked.
absl::StatusOr<ListenerCertificates> OpenCertificates(Command command, const Config& config,
                                                      const Clock& clock);

// "https" or "http".
const char* SchemeOf(const TlsFiles& tls);

}  // namespace tocsin
