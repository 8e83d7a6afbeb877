#include <cstdio>

#include "app/commands.h"
#include "app/embedded_call_server.h"
#include "app/exit_codes.h"
#include "app/process_signals.h"
#include "app/settings.h"
#include "app/tls_settings.h"
#include "base/clock.h"
#include "base/host_port.h"
#include "callserver/ledger_audit.h"
#include "fmt/format.h"

namespace tocsin {
namespace {

int Serve(const Config& config) {
  BlockSignals();
  const auto certificates = OpenCertificates(Command::kCallServer, config, SystemClock());
  if (!certificates.ok()) return Fail("call-server", certificates.status());
  auto server = StartCallServer(config, certificates->call_server, SystemClock());
  if (!server.ok()) return Fail("call-server", server.status());
  fmt::print("call server  {}://{}\nready\n", SchemeOf(config.call_server_tls),
             JoinHostPort(config.call_server_host, (*server)->port()));
  std::fflush(stdout);
  while (WaitForSignal() != ProcessSignal::kStop) {
  }
  UnblockStopSignals();
  (*server)->Stop();
  return kExitDone;
}

constexpr const char* kAuditUsage =
    "tocsin call-server audit --ledger FILE [-o table|json]\n\n"
    "Judges from outside what was rung: rate, overlap, outcomes. Exit codes: 0 done, 1 failed,\n"
    "2 usage.\n";

int Audit(const std::vector<std::string>& arguments) {
  std::string ledger, output = "json";
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string& flag = arguments[i];
    if (flag == "--help" || flag == "-h") {
      fmt::print("{}", kAuditUsage);
      return kExitDone;
    }
    std::string* const value = flag == "--ledger"                   ? &ledger
                               : flag == "-o" || flag == "--output" ? &output
                                                                    : nullptr;
    if (value == nullptr || ++i == arguments.size()) {
      fmt::print(stderr, "{}", kAuditUsage);
      return kExitUsage;
    }
    *value = arguments[i];
  }
  if (ledger.empty() || (output != "json" && output != "table")) {
    fmt::print(stderr, "{}", kAuditUsage);
    return kExitUsage;
  }
  const auto told = callserver::AuditLedgerFile(
      ledger, output == "json" ? callserver::AuditFormat::kJson : callserver::AuditFormat::kTable,
      '1');
  if (!told.ok()) return Fail("call-server audit", told.status());
  fmt::print("{}", *told);
  return kExitDone;
}

}  // namespace

int RunCallServer(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments[0] == "audit") return Audit(arguments);
  const StartingPoint start = ReadSettings(
      Command::kCallServer, "call-server",
      "A Call Automation endpoint over a seeded population: nobody's telephone rings.\n"
      "`tocsin call-server audit --ledger FILE` judges what one has written.",
      "", arguments);
  return start.exit_code ? *start.exit_code : Serve(start.config);
}

}  // namespace tocsin
