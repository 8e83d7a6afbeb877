#include "app/embedded_call_server.h"

#include <utility>

#include "app/settings.h"
#include "base/status_macros.h"

namespace tocsin {
namespace {

// Fewer than the threads of a receiver, of which each connection holds one.
constexpr int kPosterThreads = 384;

}  // namespace

absl::StatusOr<std::unique_ptr<callserver::CallServer>> StartCallServer(
    const Config& config, std::shared_ptr<ServedCertificate> certificate, const Clock& clock) {
  callserver::CallServer::Options options;
  options.host = config.call_server_host;
  options.port = config.call_server_port;
  options.certificate = std::move(certificate);
  options.ca_file = config.tls_ca_file;
  options.access_key = config.access_key;
  options.seed = config.seed;
  options.time_scale = config.time_scale;
  options.ledger_path = config.ledger_file;
  options.http_threads = config.call_server_threads;
  // Each waits while its callback is made durable, some 20 ms under load.
  options.poster_threads = kPosterThreads;
  options.callback_issuer = config.callback_issuer;
  options.resource_id = config.resource_id;
  options.faults.throttle_every = config.fault_throttle_every;
  options.faults.fail_after_placing_every = config.fault_error_every;
  options.faults.hang_every = config.fault_hang_every;
  options.faults.html_every = config.fault_html_every;
  if (!config.population_file.empty()) {
    TOCSIN_ASSIGN_OR_RETURN(options.population, callserver::ReadPopulation(config.population_file));
  }
  auto started = callserver::CallServer::Start(options, clock);
  if (!started.ok()) return NamingPort(started.status(), "--call-server-port");
  return started;
}

}  // namespace tocsin
