#include <algorithm>
#include <cstdio>

#include "app/commands.h"
#include "app/exit_codes.h"
#include "app/node.h"
#include "app/process_signals.h"
#include "app/settings.h"
#include "base/host_port.h"
#include "db/migrator.h"
#include "fmt/format.h"

namespace tocsin {

int RunServe(const std::vector<std::string>& arguments) {
  const StartingPoint start = ReadSettings(
      Command::kServe, "serve",
      "A node of the service on a database of yours. SIGTERM drains it: it claims nothing more,\n"
      "finishes the requests in flight, answers the callbacks and closes.",
      "", arguments);
  if (start.exit_code) return *start.exit_code;
  const Config& config = start.config;
  const auto has = [&](const char* role) {
    return std::find(config.roles.begin(), config.roles.end(), role) != config.roles.end();
  };

  if (const absl::Status ready = db::CheckMigrated(config.database_url); !ready.ok()) {
    return Fail("serve", NamingDatabase(ready));
  }
  BlockSignals();
  const auto certificates = OpenCertificates(Command::kServe, config, SystemClock());
  if (!certificates.ok()) return Fail("serve", certificates.status());
  auto node = Node::Start(config,
                          {.database_url = config.database_url,
                           .callback_keys = config.callback_keys,
                           .api = has("api"),
                           .scheduler = has("scheduler"),
                           .receiver = has("receiver"),
                           .certificates = *certificates},
                          SystemClock());
  if (!node.ok()) return Fail("serve", node.status());
  if (has("api")) {
    fmt::print("API          {}{} (gRPC)\n", config.api_tls.any() ? "https://" : "",
               JoinHostPort(config.api_host, (*node)->api_port()));
  }
  if ((*node)->receiver_port() != 0) {
    fmt::print("receiver     {}://{}\n", SchemeOf(config.receiver_tls),
               JoinHostPort(config.receiver_host, (*node)->receiver_port()));
  }
  fmt::print("metrics      {}://{}/metrics\n", SchemeOf(config.admin_tls),
             JoinHostPort(config.admin_host, (*node)->admin_port()));
  fmt::print("ready\n");
  std::fflush(stdout);
  while (WaitForSignal() != ProcessSignal::kStop) {
  }
  UnblockStopSignals();
  (*node)->Stop();
  return kExitDone;
}

}  // namespace tocsin
