// What nodes tell of themselves.
#include "db/array_literal.h"
#include "db/pg_store.h"
#include "db/pool.h"
#include "db/row_reader.h"
#include "db/transaction.h"

namespace tocsin::db {

absl::StatusOr<absl::Time> PgStore::NoteNode(const NodeReport& report) {
  return Read(*lease_pool_, [&](Session& session) -> absl::StatusOr<absl::Time> {
    std::optional<std::int64_t> lag;
    if (report.callback_lag) lag = absl::ToInt64Milliseconds(*report.callback_lag);
    const pqxx::result noted =
        session.Run(query::kNoteNode, report.node, ArrayOf(report.roles), report.build,
                    report.program, lag, absl::ToInt64Milliseconds(report.clock_ahead));
    const pqxx::row raw = noted.front();
    return RowReader(raw).Time();
  });
}

absl::Status PgStore::ForgetNode(const std::string& node) {
  return Read(*lease_pool_, [&](Session& session) -> absl::Status {
    session.Run(query::kForgetNode, node);
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<PgStore::KnownNode>> PgStore::ListNodes() {
  return Read(*reports_pool_, [&](Session& session) -> absl::StatusOr<std::vector<KnownNode>> {
    std::vector<KnownNode> nodes;
    for (const pqxx::row& raw : session.Run(query::kListNodes)) {
      RowReader row(raw);
      KnownNode& node = nodes.emplace_back();
      node.report.node = row.Text();
      node.up = row.Bool();
      node.report.roles = row.Texts();
      node.lease = row.Text();
      node.epoch = row.Int64();
      node.report.build = row.Text();
      node.report.program = row.Int();
      node.started_at = row.Time();
      node.heard_at = row.Time();
      if (const auto lag = row.OptInt64()) node.report.callback_lag = absl::Milliseconds(*lag);
      node.report.clock_ahead = row.Milliseconds();
    }
    return nodes;
  });
}

}  // namespace tocsin::db
