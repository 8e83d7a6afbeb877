#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/tls.h"

namespace tocsin {

// The certificate of one listener, which follows its files: whoever begins a
// handshake, or reads the metrics, gets what stands in them now. Files that do
// not go together, or hold something worse than what is served, leave it as it
// is; the log and a metric say so until they are put right.
//
// Nobody has to be told of a renewal, and connections that are open go on with
// what they began with. Thread-safe.
class ServedCertificate {
 public:
  // `listener` names it in logs and metrics: "receiver". As ReadTlsIdentity.
  static absl::StatusOr<std::shared_ptr<ServedCertificate>> Open(std::string listener,
                                                                 TlsFiles files,
                                                                 const Clock& clock);

  // Never null. The same one as long as nothing changes.
  std::shared_ptr<const TlsIdentity> Current();

  bool asks_clients() const { return !files_.client_ca.empty(); }

  // A handshake came to nothing.
  void CountRefused() { refused_.fetch_add(1, std::memory_order_relaxed); }

  void WriteMetrics(MetricsPage& page);

 private:
  ServedCertificate(std::string listener, TlsFiles files, const Clock& clock);
  void LookAgain();

  const std::string listener_;
  const TlsFiles files_;
  const Clock& clock_;
  std::mutex mutex_;   // Guards what follows, down to reload_failed_.
  std::string state_;  // Of the files when they were last read.
  std::shared_ptr<const TlsIdentity> current_;
  std::uint64_t reloads_ = 0;
  bool reload_failed_ = false;
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace tocsin
