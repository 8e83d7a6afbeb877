#include "cli/report.h"

#include <algorithm>
#include <map>
#include <vector>

#include "cli/progress.h"
#include "cli/table.h"
#include "cli/utf8.h"
#include "fmt/format.h"

namespace tocsin {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string Indented(const std::string& text) {
  std::string indented;
  bool at_begin = true;
  for (const char c : text) {
    if (at_begin && c != '\n') indented += "    ";
    indented += c;
    at_begin = c == '\n';
  }
  return indented;
}

// The most first.
template <class Map>
Rows CountRows(const Map& counts) {
  std::vector<std::pair<std::string, std::int64_t>> sorted(counts.begin(), counts.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  Rows rows;
  for (const auto& [name, count] : sorted) rows.push_back({name, WithCommas(count)});
  return rows;
}

std::string LocalTime(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S %Ez", TimeOf(time), absl::LocalTimeZone());
}

std::string Plural(std::int64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", WithCommas(count), count == 1 ? one : many);
}

}  // namespace

std::string DrawReport(const v1::Report& report) {
  std::string drawn = Printable(report.name()) + "\n";
  for (const v1::ReportTable& table : report.tables()) {
    Rows rows;
    for (const v1::ReportRow& row : table.rows()) {
      rows.emplace_back(row.cells().begin(), row.cells().end());
    }
    std::vector<std::string> columns(table.columns().begin(), table.columns().end());
    drawn += fmt::format("\n{}\n\n{}", Printable(table.title()), DrawTable(columns, rows));
    std::string sql = table.sql();
    sql.erase(sql.find_last_not_of(" \n;") + 1);
    drawn += fmt::format("\n  ask it yourself:\n{};\n", Indented(sql));
  }
  return drawn;
}

std::string DrawImport(const v1::ImportRecipientsResponse& imported, const std::string& path) {
  std::string drawn = fmt::format(
      "{}: {} accepted, {}, {} refused\n", path, WithCommas(imported.accepted()),
      Plural(imported.duplicates(), "duplicate", "duplicates"), WithCommas(imported.refused()));
  if (!imported.refused_by_reason().empty()) {
    drawn += Indented(DrawTable({"REASON", "ROWS"}, CountRows(imported.refused_by_reason())));
    drawn += fmt::format("    each row and its reason: tocsin campaign refused {}\n",
                         imported.campaign());
  }
  if (imported.ignored_numbers() > 0) {
    drawn += fmt::format("    {} left out of accepted rows:\n",
                         Plural(imported.ignored_numbers(), "number was", "numbers were"));
    drawn += Indented(DrawTable({"REASON", "NUMBERS"}, CountRows(imported.ignored_by_reason())));
  }
  return drawn;
}

std::string DrawCampaign(const v1::Campaign& campaign, const v1::CampaignProgress& progress) {
  Rows rows = {{"name", campaign.name()},
               {"display name", Printable(campaign.display_name())},
               {"state", ShortName(campaign.state())}};
  if (!campaign.state_reason().empty()) rows.push_back({"reason", campaign.state_reason()});
  rows.push_back({"purpose", campaign.purpose()});
  rows.push_back({"trunk", campaign.trunk()});
  rows.push_back({"created", LocalTime(campaign.create_time())});
  if (campaign.has_start_time()) rows.push_back({"started", LocalTime(campaign.start_time())});
  if (campaign.has_expire_time()) rows.push_back({"expires", LocalTime(campaign.expire_time())});
  if (campaign.has_end_time()) rows.push_back({"ended", LocalTime(campaign.end_time())});
  rows.push_back(
      {"people", fmt::format("{}, and {} duplicates and {} refused", WithCommas(progress.people()),
                             WithCommas(progress.duplicates()), WithCommas(progress.refused()))});
  rows.push_back({"done", WithCommas(progress.done())});
  rows.push_back({"acknowledged", WithCommas(progress.acknowledged())});
  rows.push_back({"waiting", WithCommas(progress.due())});
  rows.push_back({"live calls", WithCommas(progress.live())});
  rows.push_back({"attempts", WithCommas(progress.attempts())});
  std::string drawn;
  for (const auto& row : rows) drawn += fmt::format("{:<13} {}\n", row[0], Printable(row[1]));
  if (!progress.outcomes().empty()) {
    drawn += "\n" + DrawTable({"OUTCOME", "PEOPLE"}, CountRows(progress.outcomes()));
  }
  return drawn;
}

std::string DrawEnd(const v1::CampaignProgress& progress) {
  std::string took;
  if (progress.has_start_time() && progress.has_end_time()) {
    took = " in " + ShortDuration(TimeOf(progress.end_time()) - TimeOf(progress.start_time()));
  }
  std::string drawn =
      fmt::format("{} is {}{}: {} people, {} acknowledged, {} attempts\n", progress.name(),
                  ShortName(progress.state()), took, WithCommas(progress.people()),
                  WithCommas(progress.acknowledged()), WithCommas(progress.attempts()));
  if (!progress.outcomes().empty()) {
    drawn += DrawTable({"OUTCOME", "PEOPLE"}, CountRows(progress.outcomes()));
  }
  return drawn;
}

}  // namespace tocsin
