// Reports and the audit, from the reporting schema.
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "db/pg_store.h"
#include "db/pool.h"
#include "db/row_reader.h"
#include "db/transaction.h"

namespace tocsin::db {
namespace {

struct Report {
  const char* title;
  const query::Query& query;
};

const Report kReports[] = {
    {"Campaign", query::kReportCampaign},
    {"People by outcome", query::kReportOutcomes},
    {"Why people were not reached", query::kReportNotReached},
    {"Attempts by disposition", query::kReportDispositions},
    {"Acknowledgement", query::kReportAcknowledgement},
    {"Attempts per person", query::kReportAttemptsPerPerson},
    {"Pace", query::kReportPace},
};

// The statement as one would type it: with the campaign instead of a parameter.
std::string Filled(const char* sql, CampaignId id) {
  std::string text(sql);
  const std::string value = std::to_string(id.value());
  for (std::size_t at = text.find("$1"); at != std::string::npos; at = text.find("$1", at)) {
    text.replace(at, 2, value);
    at += value.size();
  }
  return text + ";";
}

ReportTable TableOf(const Report& report, CampaignId id, const pqxx::result& result) {
  ReportTable table;
  table.title = report.title;
  table.sql = Filled(report.query.sql, id);
  for (pqxx::row_size_type column = 0; column < result.columns(); ++column) {
    table.columns.emplace_back(result.column_name(column));
  }
  for (const pqxx::row& row : result) {
    std::vector<std::string>& cells = table.rows.emplace_back();
    for (const pqxx::field& field : row) cells.emplace_back(field.is_null() ? "-" : field.c_str());
  }
  return table;
}

}  // namespace

absl::StatusOr<std::vector<ReportTable>> PgStore::RunReport(CampaignId id) {
  using Tables = absl::StatusOr<std::vector<ReportTable>>;
  TOCSIN_ASSIGN_OR_RETURN(const Campaign campaign, GetCampaign(id));
  return Read(*reports_pool_, [&](Session& session) -> Tables {
    std::vector<ReportTable> tables;
    for (const Report& report : kReports) {
      tables.push_back(TableOf(report, id, session.Run(report.query, id.value())));
    }
    return tables;
  });
}

absl::StatusOr<std::vector<std::string>> PgStore::RunAudit(std::optional<CampaignId> id) {
  using Findings = absl::StatusOr<std::vector<std::string>>;
  return Read(*reports_pool_, [&](Session& session) -> Findings {
    std::optional<std::string> campaign;
    if (id) campaign = std::to_string(id->value());
    std::vector<std::string> findings;
    for (const pqxx::row& raw : session.Run(query::kRunAudit, campaign)) {
      RowReader row(raw);
      std::string line = row.Text() + ":";
      if (const auto value = row.OptText()) line += " campaign " + *value;
      if (const auto value = row.OptText()) line += " recipient " + *value;
      if (const auto value = row.OptText()) line += " attempt " + *value;
      findings.push_back(line + ": " + row.Text());
    }
    return findings;
  });
}

}  // namespace tocsin::db
