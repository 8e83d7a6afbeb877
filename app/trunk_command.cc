#include <algorithm>

#include "app/commands.h"
#include "app/exit_codes.h"
#include "app/settings.h"
#include "app/trunk_file.h"
#include "base/clock.h"
#include "base/host_port.h"
#include "base/status_macros.h"
#include "cli/table.h"
#include "db/migrator.h"
#include "db/pg_store.h"
#include "dialer/preflight.h"
#include "wire/json_text.h"

namespace tocsin {
namespace {

constexpr const char* kWords = "apply FILE, list, or check NAME";

absl::StatusOr<std::unique_ptr<db::PgStore>> OpenStore(const Config& config) {
  TOCSIN_RETURN_IF_ERROR(NamingDatabase(db::CheckMigrated(config.database_url)));
  return db::PgStore::Open({.database_url = config.database_url, .pool_size = 1});
}

// "access key"
std::string Words(CredentialKind kind) {
  std::string words(Name(kind));
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

absl::Status Apply(const Config& config, const std::string& path) {
  TOCSIN_ASSIGN_OR_RETURN(const Trunk trunk, ReadTrunkFile(path, FromEnvironment));
  TOCSIN_ASSIGN_OR_RETURN(const auto store, OpenStore(config));
  TOCSIN_RETURN_IF_ERROR(store->SaveTrunk(trunk, SystemClock().Now()).status());
  fmt::print("trunk {} is kept; campaigns name it as `trunk: {}`\n", trunk.name, trunk.name);
  return absl::OkStatus();
}

// What the nodes tell providers, if it is set here as it is there.
std::string CallbackUrlOf(const Config& config) {
  if (!config.callback_url.empty()) return config.callback_url;
  if (config.receiver_port == 0) return "";
  return "http://" + JoinHostPort(config.receiver_host, config.receiver_port);
}

std::string JsonOf(const std::string& trunk, const std::vector<dialer::TrunkCheck>& checks) {
  std::string list;
  for (const dialer::TrunkCheck& check : checks) {
    wire::JsonObject object;
    object.AddString("check", check.check);
    object.AddString("verdict", Name(check.verdict));
    object.AddString("finding", check.finding);
    object.AddString("remedy", check.remedy);
    list += (list.empty() ? "" : ",") + std::move(object).Finish();
  }
  wire::JsonObject object;
  object.AddString("trunk", trunk);
  object.AddBool("good", dialer::AllGood(checks));
  object.AddJson("checks", "[" + list + "]");
  return std::move(object).Finish();
}

std::string TableOf(const std::vector<dialer::TrunkCheck>& checks) {
  std::vector<std::vector<std::string>> rows;
  for (const dialer::TrunkCheck& check : checks) {
    rows.push_back({check.check, std::string(Name(check.verdict)), check.finding});
    if (!check.remedy.empty()) rows.push_back({"", "", "-> " + check.remedy});
  }
  return DrawTable({"CHECK", "VERDICT", "FINDING"}, rows);
}

// Whether the trunk is good, as far as could be checked.
absl::StatusOr<bool> Check(const Config& config, const std::string& name, bool as_json) {
  TOCSIN_ASSIGN_OR_RETURN(const auto store, OpenStore(config));
  dialer::PreflightSubject subject;
  TOCSIN_ASSIGN_OR_RETURN(subject.trunk, store->GetTrunk(name));
  TOCSIN_ASSIGN_OR_RETURN(const SlotCount slots, store->CountSlots(subject.trunk.id));
  subject.sends = slots.sends;
  subject.callback_url = CallbackUrlOf(config);
  subject.callback_keys = config.callback_keys;

  dialer::Credentials credentials(FromEnvironment, SystemClock());
  dialer::ConnectionPool pool({.ca_file = config.tls_ca_file}, SystemClock());
  const auto checks = CheckTrunkBeforehand(subject, pool, credentials, SystemClock());
  fmt::print("{}{}", as_json ? JsonOf(name, checks) : TableOf(checks), as_json ? "\n" : "");
  return dialer::AllGood(checks);
}

absl::Status List(const Config& config) {
  TOCSIN_ASSIGN_OR_RETURN(const auto store, OpenStore(config));
  TOCSIN_ASSIGN_OR_RETURN(const std::vector<Trunk> trunks, store->ListTrunks());
  std::vector<std::vector<std::string>> rows;
  for (const Trunk& trunk : trunks) {
    rows.push_back({trunk.name, trunk.endpoint, std::string(Name(trunk.dialect)),
                    Words(trunk.credential.kind), std::to_string(trunk.caller_numbers.size()),
                    fmt::format("{}", trunk.calls_per_second), WithCommas(trunk.concurrent_max),
                    WithCommas(trunk.concurrent_max_per_caller),
                    fmt::format("{}", trunk.time_scale), trunk.live_dialing ? "yes" : "no"});
  }
  fmt::print("{}", DrawTable({"NAME", "ENDPOINT", "DIALECT", "CREDENTIAL", "CALLERS", "CALLS/S",
                              "AT ONCE", "PER CALLER", "TIME SCALE", "LIVE"},
                             rows));
  return absl::OkStatus();
}

}  // namespace

int RunTrunk(const std::vector<std::string>& arguments) {
  const StartingPoint start = ReadSettings(
      Command::kTrunk, "trunk",
      "The provider endpoints of a database. apply creates the trunk that a file describes, or\n"
      "puts it in the place of the one of that name; nodes that run take it up at once. check\n"
      "tells whether calls can be made on it, and what to do where not; it rings nobody. Give it\n"
      "the settings of the nodes, so that it finds their receiver.",
      kWords, arguments);
  if (start.exit_code) return *start.exit_code;
  const std::vector<std::string>& words = start.words;
  if (words.size() == 2 && words[0] == "apply") {
    const absl::Status done = Apply(start.config, words[1]);
    return done.ok() ? kExitDone : Fail("trunk apply", done);
  }
  if (words.size() == 1 && words[0] == "list") {
    const absl::Status done = List(start.config);
    return done.ok() ? kExitDone : Fail("trunk list", done);
  }
  if (words.size() == 2 && words[0] == "check") {
    const absl::StatusOr<bool> good = Check(start.config, words[1], start.as_json);
    if (!good.ok()) return Fail("trunk check", good.status());
    return *good ? kExitDone : kExitFailed;
  }
  fmt::print(stderr, "tocsin trunk: expected {}; --help tells more\n", kWords);
  return kExitUsage;
}

}  // namespace tocsin
