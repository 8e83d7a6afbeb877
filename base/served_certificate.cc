#include "base/served_certificate.h"

#include <utility>

#include "base/log.h"
#include "base/status_macros.h"

namespace tocsin {

ServedCertificate::ServedCertificate(std::string listener, TlsFiles files, const Clock& clock)
    : listener_(std::move(listener)), files_(std::move(files)), clock_(clock) {}

absl::StatusOr<std::shared_ptr<ServedCertificate>> ServedCertificate::Open(std::string listener,
                                                                           TlsFiles files,
                                                                           const Clock& clock) {
  std::shared_ptr<ServedCertificate> opened(
      new ServedCertificate(std::move(listener), std::move(files), clock));
  // Before it is read: what is written meanwhile is seen the next time.
  opened->state_ =
      StateOfFiles({opened->files_.certificate, opened->files_.key, opened->files_.client_ca});
  TOCSIN_ASSIGN_OR_RETURN(opened->current_, ReadTlsIdentity(opened->files_, clock.Now()));
  return opened;
}

std::shared_ptr<const TlsIdentity> ServedCertificate::Current() {
  const std::lock_guard lock(mutex_);
  LookAgain();
  return current_;
}

// Files that could not be used are not read again before they change: certificate
// and key are seldom replaced at the same instant, and the second change is seen.
void ServedCertificate::LookAgain() {
  std::string state = StateOfFiles({files_.certificate, files_.key, files_.client_ca});
  if (state == state_) return;
  state_ = std::move(state);
  auto found = ReadTlsIdentity(files_, clock_.Now());
  reload_failed_ = !found.ok();
  if (reload_failed_) {
    Log(LogLevel::kError, "certificate_not_taken",
        {{"listener", listener_},
         {"reason", Message(found.status())},
         {"still_served_until",
          absl::FormatTime(absl::RFC3339_sec, current_->expires, absl::UTCTimeZone())}});
    return;
  }
  current_ = *std::move(found);
  ++reloads_;
  Log(LogLevel::kInfo, "certificate_taken",
      {{"listener", listener_},
       {"expires", absl::FormatTime(absl::RFC3339_sec, current_->expires, absl::UTCTimeZone())}});
}

void ServedCertificate::WriteMetrics(MetricsPage& page) {
  const MetricsPage::Labels labels = {{"listener", listener_}};
  const std::lock_guard lock(mutex_);
  LookAgain();
  page.Gauge("tocsin_tls_certificate_expires_timestamp_seconds",
             "When the certificate that is served expires, in seconds since 1970.",
             absl::ToDoubleSeconds(current_->expires - absl::UnixEpoch()), labels);
  page.Gauge("tocsin_tls_certificate_not_taken",
             "1 while the files hold a certificate that cannot be served, and an older one is.",
             reload_failed_ ? 1 : 0, labels);
  page.Counter("tocsin_tls_certificate_reloads_total", "Certificates taken from changed files.",
               static_cast<double>(reloads_), labels);
  page.Counter("tocsin_tls_handshakes_refused_total",
               "TLS handshakes of clients that came to nothing; the API's are not counted.",
               static_cast<double>(refused_.load()), labels);
}

}  // namespace tocsin
