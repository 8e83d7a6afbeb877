#include <algorithm>

#include "app/commands.h"
#include "app/exit_codes.h"
#include "app/settings.h"
#include "base/status_macros.h"
#include "cli/table.h"
#include "db/migrator.h"
#include "db/pg_store.h"
#include "fmt/ranges.h"
#include "wire/json_text.h"

namespace tocsin {
namespace {

using KnownNode = db::PgStore::KnownNode;

absl::StatusOr<std::vector<KnownNode>> ListNodes(const Config& config) {
  TOCSIN_RETURN_IF_ERROR(NamingDatabase(db::CheckMigrated(config.database_url)));
  TOCSIN_ASSIGN_OR_RETURN(const auto store,
                          db::PgStore::Open({.database_url = config.database_url, .pool_size = 1}));
  return store->ListNodes();
}

std::string TimeOf(absl::Time time, const char* format) {
  return absl::FormatTime(format, time, absl::UTCTimeZone());
}

std::string Seconds(absl::Duration duration) {
  return fmt::format("{:.1f} s", absl::ToDoubleSeconds(duration));
}

std::string TableOf(const std::vector<KnownNode>& nodes) {
  std::vector<std::vector<std::string>> rows;
  for (const KnownNode& node : nodes) {
    const db::PgStore::NodeReport& report = node.report;
    rows.push_back(
        {report.node, node.up ? "up" : "silent", fmt::format("{}", fmt::join(report.roles, ",")),
         node.lease.empty() ? "-" : fmt::format("{} ({})", node.lease, node.epoch), report.build,
         fmt::format("{:04}", report.program),
         report.callback_lag ? Seconds(*report.callback_lag) : "-", Seconds(report.clock_ahead),
         TimeOf(node.started_at, "%Y-%m-%d %H:%M:%S UTC"), TimeOf(node.heard_at, "%H:%M:%S")});
  }
  return DrawTable({"NODE", "STATE", "ROLES", "LEASE (EPOCH)", "VERSION", "SCHEMA", "LAG",
                    "CLOCK AHEAD", "STARTED", "HEARD"},
                   rows);
}

std::string JsonOf(const KnownNode& node) {
  const db::PgStore::NodeReport& report = node.report;
  std::string roles;
  for (const std::string& role : report.roles) {
    if (!roles.empty()) roles += ',';
    wire::AppendJsonString(roles, role);
  }
  const auto seconds = [](absl::Duration duration) {
    return fmt::format("{:.3f}", absl::ToDoubleSeconds(duration));
  };
  wire::JsonObject object;
  object.AddString("node", report.node);
  object.AddString("state", node.up ? "UP" : "SILENT");
  object.AddJson("roles", "[" + roles + "]");
  if (node.lease.empty()) {
    object.AddNull("lease");
    object.AddNull("leaseEpoch");
  } else {
    object.AddString("lease", node.lease);
    object.AddInteger("leaseEpoch", node.epoch);
  }
  object.AddString("version", report.build);
  object.AddInteger("newestMigration", report.program);
  if (report.callback_lag) {
    object.AddJson("callbackLagSeconds", seconds(*report.callback_lag));
  } else {
    object.AddNull("callbackLagSeconds");
  }
  object.AddJson("clockAheadSeconds", seconds(report.clock_ahead));
  object.AddString("startedAt", TimeOf(node.started_at, absl::RFC3339_full));
  object.AddString("heardAt", TimeOf(node.heard_at, absl::RFC3339_full));
  return std::move(object).Finish();
}

std::string JsonOf(const std::vector<KnownNode>& nodes) {
  std::string list;
  for (const KnownNode& node : nodes) list += (list.empty() ? "" : ",") + JsonOf(node);
  return "{\"nodes\":[" + list + "]}\n";
}

}  // namespace

int RunNodes(const std::vector<std::string>& arguments) {
  const StartingPoint start = ReadSettings(
      Command::kNodes, "nodes",
      "The nodes on a database: what each does, who holds the pacer's lease, which version it is,\n"
      "how late events come to it, and how far its machine's clock is off. A node that was killed\n"
      "is silent for a day, then forgotten; one that was stopped is gone at once.",
      "", arguments);
  if (start.exit_code) return *start.exit_code;
  const auto nodes = ListNodes(start.config);
  if (!nodes.ok()) return Fail("nodes", nodes.status());
  fmt::print("{}", start.as_json ? JsonOf(*nodes) : TableOf(*nodes));
  return kExitDone;
}

}  // namespace tocsin
