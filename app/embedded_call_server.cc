#include "app/embedded_call_server.h"

#include <utility>

#include "app/settings.h"
#include "base/status_macros.h"

namespace tocsin {
namespace {

// Each waits while it is made durable, some 20 ms under load. Fewer than a receiver
// serves at once.
constexpr int kCallbacksMax = 384;

absl::StatusOr<callserver::FaultPlan> FaultsOf(const Config& config) {
  using callserver::Fault;
  callserver::FaultPlan plan;
  if (!config.faults_file.empty()) {
    TOCSIN_ASSIGN_OR_RETURN(plan, callserver::ReadFaultPlan(config.faults_file));
  }
  const auto every = [&plan](Fault fault, int n) {
    if (n > 0) plan[fault] = {.every = n};
  };
  every(Fault::kThrottled, config.fault_throttle_every);
  every(Fault::kErrorAfter, config.fault_error_every);
  every(Fault::kNoAnswer, config.fault_hang_every);
  every(Fault::kHtml, config.fault_html_every);
  return plan;
}

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
  options.http_connections = config.call_server_connections;
  options.callbacks_max = kCallbacksMax;
  options.callback_issuer = config.callback_issuer;
  options.resource_id = config.resource_id;
  options.bearer_token = config.bearer_token;
  if (config.caller_number_calls_max) {
    options.caller_number_calls_max = *config.caller_number_calls_max;
  }
  TOCSIN_ASSIGN_OR_RETURN(options.faults, FaultsOf(config));
  if (!config.population_file.empty()) {
    TOCSIN_ASSIGN_OR_RETURN(options.population, callserver::ReadPopulation(config.population_file));
  }
  auto started = callserver::CallServer::Start(options, clock);
  if (!started.ok()) return NamingPort(started.status(), "--call-server-port");
  return started;
}

}  // namespace tocsin
