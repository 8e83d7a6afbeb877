#include "cli/json_output.h"

#include <nlohmann/json.hpp>

#include "absl/time/time.h"
#include "cli/progress.h"

namespace tocsin {
namespace {

// Ordered: people read this too.
using Json = nlohmann::ordered_json;

std::string Rfc3339(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", TimeOf(time), absl::UTCTimeZone());
}

template <class Map>
Json Counts(const Map& counts) {
  Json json = Json::object();
  const std::map<std::string, std::int64_t> sorted(counts.begin(), counts.end());
  for (const auto& [name, count] : sorted) json[name] = count;
  return json;
}

Json Of(const v1::Campaign& campaign) {
  Json json = {{"name", campaign.name()},
               {"display_name", campaign.display_name()},
               {"purpose", campaign.purpose()},
               {"trunk", campaign.trunk()},
               {"priority", campaign.priority()},
               {"synthetic", campaign.recipients().synthetic()},
               {"state", ShortName(campaign.state())},
               {"state_reason", campaign.state_reason()},
               {"time_scale", campaign.time_scale()}};
  if (campaign.has_create_time()) json["create_time"] = Rfc3339(campaign.create_time());
  if (campaign.has_start_time()) json["start_time"] = Rfc3339(campaign.start_time());
  if (campaign.has_expire_time()) json["expire_time"] = Rfc3339(campaign.expire_time());
  if (campaign.has_end_time()) json["end_time"] = Rfc3339(campaign.end_time());
  return json;
}

Json Of(const v1::RefusedRow& row) {
  return {{"line", row.line()},
          {"person_key", row.person_key()},
          {"field", row.field()},
          {"reason", row.reason()},
          {"detail", row.detail()}};
}

Json Of(const v1::ImportRecipientsResponse& imported) {
  Json json = {{"campaign", imported.campaign()},
               {"accepted", imported.accepted()},
               {"duplicates", imported.duplicates()},
               {"refused", imported.refused()},
               {"refused_by_reason", Counts(imported.refused_by_reason())},
               {"ignored_numbers", imported.ignored_numbers()},
               {"ignored_by_reason", Counts(imported.ignored_by_reason())}};
  Json rows = Json::array();
  for (const v1::RefusedRow& row : imported.first_refused()) rows.push_back(Of(row));
  json["first_refused"] = std::move(rows);
  return json;
}

Json Of(const v1::ReportTable& table) {
  Json json = {{"title", table.title()}, {"sql", table.sql()}};
  json["columns"] = std::vector<std::string>(table.columns().begin(), table.columns().end());
  Json rows = Json::array();
  for (const v1::ReportRow& row : table.rows()) {
    rows.push_back(std::vector<std::string>(row.cells().begin(), row.cells().end()));
  }
  json["rows"] = std::move(rows);
  return json;
}

Json Of(const v1::CampaignProgress& progress) {
  Json json = {{"name", progress.name()},
               {"display_name", progress.display_name()},
               {"state", ShortName(progress.state())},
               {"state_reason", progress.state_reason()},
               {"as_of", Rfc3339(progress.as_of())},
               {"people", progress.people()},
               {"duplicates", progress.duplicates()},
               {"refused", progress.refused()},
               {"done", progress.done()},
               {"acknowledged", progress.acknowledged()},
               {"opt_outs", progress.opt_outs()},
               {"outcomes", Counts(progress.outcomes())},
               {"sends", progress.sends()},
               {"attempts", progress.attempts()},
               {"dispositions", Counts(progress.dispositions())},
               {"live", progress.live()},
               {"due", progress.due()},
               {"unheard_answers", progress.unheard_answers()},
               {"short_calls", progress.short_calls()},
               {"calls_per_second_max", progress.calls_per_second_max()},
               {"concurrent_max", progress.concurrent_max()}};
  if (progress.has_start_time()) json["start_time"] = Rfc3339(progress.start_time());
  if (progress.has_end_time()) json["end_time"] = Rfc3339(progress.end_time());
  return json;
}

// What is no UTF-8 must not stop the output: it is shown as U+FFFD.
std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string ToJson(const v1::Campaign& campaign) {
  return Dump(Of(campaign), 2);
}

std::string ToJson(const std::vector<v1::Campaign>& campaigns) {
  Json json = Json::array();
  for (const v1::Campaign& campaign : campaigns) json.push_back(Of(campaign));
  return Dump(json, 2);
}

std::string ToJson(const v1::ImportRecipientsResponse& imported) {
  return Dump(Of(imported), 2);
}

std::string ToJson(const std::vector<v1::RefusedRow>& rows) {
  Json json = Json::array();
  for (const v1::RefusedRow& row : rows) json.push_back(Of(row));
  return Dump(json, 2);
}

std::string ToJson(const v1::Report& report) {
  Json tables = Json::array();
  for (const v1::ReportTable& table : report.tables()) tables.push_back(Of(table));
  return Dump({{"name", report.name()}, {"tables", std::move(tables)}}, 2);
}

std::string ToJson(const v1::RunAuditResponse& audit) {
  const std::vector<std::string> findings(audit.findings().begin(), audit.findings().end());
  return Dump({{"findings", findings}}, 2);
}

std::string ToJson(const v1::Campaign& campaign, const v1::ImportRecipientsResponse& imported) {
  return Dump({{"campaign", Of(campaign)}, {"import", Of(imported)}}, -1);
}

std::string ToJson(const v1::Campaign& campaign, const v1::CampaignProgress& progress) {
  return Dump({{"campaign", Of(campaign)}, {"progress", Of(progress)}}, 2);
}

std::string ToJsonLine(const v1::CampaignProgress& progress) {
  return Dump(Of(progress), -1);
}

}  // namespace tocsin
