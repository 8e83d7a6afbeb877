#include <cstdio>
#include <filesystem>
#include <fstream>

#include "app/commands.h"
#include "app/data_directory.h"
#include "app/embedded_call_server.h"
#include "app/exit_codes.h"
#include "app/node.h"
#include "app/pgcluster/pg_cluster.h"
#include "app/process_signals.h"
#include "app/settings.h"
#include "app/tls_settings.h"
#include "base/host_port.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "db/migrator.h"

namespace tocsin {
namespace {

// Idaho's 555-01XX: nobody has them, and the lists of examples/ leave them out.
std::vector<std::string> RehearsalCallers() {
  std::vector<std::string> numbers;
  for (int line = 100; line < 120; ++line) numbers.push_back(fmt::format("+12085550{}", line));
  return numbers;
}

absl::StatusOr<Trunk> EmbeddedTrunk(const Config& config, const DataDirectory& directory,
                                    int call_server_port) {
  Trunk trunk;
  trunk.name = "local";
  trunk.endpoint = fmt::format("{}://{}", SchemeOf(config.call_server_tls),
                               JoinHostPort(config.call_server_host, call_server_port));
  trunk.dialect = config.dialect;
  if (!config.access_key.empty()) {
    trunk.credential.kind = CredentialKind::kAccessKey;
    TOCSIN_ASSIGN_OR_RETURN(trunk.credential.source, directory.KeepAccessKey(config.access_key));
  }
  if (trunk.dialect == Dialect::kGa) {
    trunk.callback_issuer = config.callback_issuer;
    trunk.resource_id = config.resource_id;
    // Our call server speaks whatever service is named.
    trunk.cognitive_services_endpoint = trunk.endpoint + "/";
  }
  trunk.calls_per_second = config.cps;
  trunk.concurrent_max = config.max_concurrent;
  trunk.concurrent_max_per_caller = config.max_concurrent_per_caller;
  trunk.time_scale = config.time_scale;
  const std::vector<std::string> callers =
      config.caller_numbers.empty() ? RehearsalCallers() : config.caller_numbers;
  for (const std::string& text : callers) {
    TOCSIN_ASSIGN_OR_RETURN(PhoneNumber number, PhoneNumber::Parse(text));
    trunk.caller_numbers.push_back(std::move(number));
  }
  const std::vector<FieldViolation> violations = CheckTrunk(trunk);
  if (violations.empty()) return trunk;
  return InvalidArgument("the embedded trunk: {}: {}", violations[0].field,
                         violations[0].description);
}

// Everything of an `up`, in the order in which it is started; stopped in the
// opposite order.
struct Everything {
  std::unique_ptr<PgCluster> postgres;
  std::unique_ptr<callserver::CallServer> call_server;
  std::unique_ptr<Node> node;
};

absl::Status StartEverything(const Config& config, const DataDirectory& directory,
                             const Clock& clock, Everything& all) {
  PgCluster::Options cluster;
  cluster.directory = directory.postgres();
  TOCSIN_ASSIGN_OR_RETURN(all.postgres, PgCluster::Start(cluster));
  const Secret database_url(all.postgres->ConnectionString());
  TOCSIN_RETURN_IF_ERROR(db::MigrateUp(database_url).status());

  TOCSIN_ASSIGN_OR_RETURN(ListenerCertificates certificates,
                          OpenCertificates(Command::kUp, config, clock));
  // What the trunk may have on a caller number the provider must allow.
  Config of_call_server = config;
  of_call_server.caller_number_calls_max = config.max_concurrent_per_caller;
  TOCSIN_ASSIGN_OR_RETURN(all.call_server,
                          StartCallServer(of_call_server, certificates.call_server, clock));
  TOCSIN_ASSIGN_OR_RETURN(Trunk trunk, EmbeddedTrunk(config, directory, all.call_server->port()));
  TOCSIN_ASSIGN_OR_RETURN(std::vector<wire::CallbackKey> keys, directory.CallbackKeys());
  TOCSIN_ASSIGN_OR_RETURN(all.node, Node::Start(config,
                                                {.database_url = database_url,
                                                 .callback_keys = std::move(keys),
                                                 .trunk = std::move(trunk),
                                                 .certificates = std::move(certificates)},
                                                clock));
  return absl::OkStatus();
}

// What listens where, for people on standard output and for programs in the file
// "listening" of the data directory, which is there as long as we are ready.
absl::Status TellWhereWeListen(const Config& config, const DataDirectory& directory,
                               const Everything& all) {
  // As --server of `tocsin campaign` has it.
  const std::string api = (config.api_tls.any() ? "https://" : "") +
                          JoinHostPort(config.api_host, all.node->api_port());
  const auto url = [](const TlsFiles& tls, const std::string& host, int port) {
    return fmt::format("{}://{}", SchemeOf(tls), JoinHostPort(host, port));
  };
  const std::string receiver =
      url(config.receiver_tls, config.receiver_host, all.node->receiver_port());
  const std::string admin = url(config.admin_tls, config.admin_host, all.node->admin_port());
  const std::string call_server =
      url(config.call_server_tls, config.call_server_host, all.call_server->port());
  fmt::print(
      "PostgreSQL   psql -h {} -U {} {}\n"
      "call server  {} (seed {}, {} times as fast as life)\n"
      "receiver     {}\n"
      "metrics      {}/metrics\n"
      "API          {} (gRPC)\n",
      all.postgres->socket_directory(), PgCluster::kUser, PgCluster::kDatabase, call_server,
      config.seed, config.time_scale, receiver, admin, api);

  const std::string path = directory.path() + "/listening";
  std::ofstream file(path + ".new", std::ios::trunc);
  file << fmt::format("api={}\nreceiver={}\nadmin={}\ncall_server={}\npostgres={}\n", api, receiver,
                      admin, call_server, all.postgres->socket_directory());
  file.close();
  if (!file || std::rename((path + ".new").c_str(), path.c_str()) != 0) {
    return Unavailable("cannot write {}", path);
  }
  fmt::print("ready\n");
  std::fflush(stdout);
  return absl::OkStatus();
}

// Until somebody wants us to stop. PostgreSQL is started again if it ends.
absl::Status KeepRunning(PgCluster& postgres) {
  while (WaitForSignal() != ProcessSignal::kStop) {
    if (!postgres.HasEnded()) continue;
    Log(LogLevel::kError, "postgres_ended", {{"log", postgres.log_file()}});
    TOCSIN_RETURN_IF_ERROR(postgres.Restart());
    Log(LogLevel::kWarn, "postgres_restarted");
  }
  return absl::OkStatus();
}

absl::Status Run(const Config& config, const Clock& clock) {
  TOCSIN_ASSIGN_OR_RETURN(const DataDirectory directory, DataDirectory::Open(config.data_dir));
  Everything all;
  TOCSIN_RETURN_IF_ERROR(StartEverything(config, directory, clock, all));
  TOCSIN_RETURN_IF_ERROR(TellWhereWeListen(config, directory, all));
  const absl::Status ended = KeepRunning(*all.postgres);

  UnblockStopSignals();
  fmt::print("stopping\n");
  std::fflush(stdout);
  std::remove((directory.path() + "/listening").c_str());
  all.node->Stop();
  all.call_server->Stop();
  return ended;
}

}  // namespace

int RunUp(const std::vector<std::string>& arguments) {
  const StartingPoint start = ReadSettings(
      Command::kUp, "up",
      "Everything on this machine: PostgreSQL, a call server that rings nobody, the receiver of\n"
      "its callbacks, the API and the scheduler. Ctrl-C stops it; the next start goes on.",
      "", arguments);
  if (start.exit_code) return *start.exit_code;
  BlockSignals();
  const absl::Status ended = Run(start.config, SystemClock());
  return ended.ok() ? kExitDone : Fail("up", ended);
}

}  // namespace tocsin
