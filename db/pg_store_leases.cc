// The pacer lease, and what its new holder takes over.
//
// Whoever asks for it may be frozen at any moment, and must not hold its row then:
// each statement is a transaction of its own, begun and ended in the server. Its
// sessions are of a pool of their own, so that a renewal waits for no other work.
#include <utility>

#include "base/status_macros.h"
#include "db/pg_store.h"
#include "db/pool.h"
#include "db/row_reader.h"
#include "db/transaction.h"

namespace tocsin::db {
namespace {

constexpr int kTakeOverBatch = 500;

// More than any time between two backups can use up.
constexpr std::int64_t kAttemptsStepped = 1'000'000'000;
constexpr std::int64_t kEpochsStepped = 1'000'000;

}  // namespace

absl::StatusOr<Lease> PgStore::AcquireLease(const std::string& group, const std::string& node,
                                            absl::Duration length) {
  return Read(*lease_pool_, [&](Session& session) -> absl::StatusOr<Lease> {
    const pqxx::result taken =
        session.Run(query::kAcquirePacerLease, group, node, absl::ToInt64Milliseconds(length));
    if (!taken.empty()) {
      return Lease{true, taken.front()[0].as<std::int64_t>(), length, node};
    }
    const pqxx::result held = session.Run(query::kReadPacerLease, group);
    if (held.empty()) return absl::AbortedError("the lease went away while it was read");
    const pqxx::row raw = held.front();
    RowReader row(raw);
    Lease lease;
    lease.holder = row.Text();
    lease.epoch = row.Int64();
    lease.remaining = row.Milliseconds();
    return lease;
  });
}

absl::Status PgStore::ReleaseLease(const std::string& group, const std::string& node,
                                   std::int64_t epoch) {
  return Read(*lease_pool_, [&](Session& session) -> absl::Status {
    session.Run(query::kReleasePacerLease, group, node, epoch);
    return absl::OkStatus();
  });
}

absl::Status PgStore::StepOverWhatWasLost(const std::string& group) {
  return Transact(*pool_, [&](Session& session) -> absl::Status {
    for (const pqxx::row& raw : session.Run(query::kReadPacerLease, group)) {
      RowReader row(raw);
      const std::string holder = row.Text();
      row.Int64();  // The epoch.
      if (holder.empty() || row.Milliseconds() <= absl::ZeroDuration()) continue;
      return FailedPrecondition("node {} is running on this database; stop all nodes first",
                                holder);
    }
    session.Run(query::kStepOverEpochs, kEpochsStepped);
    session.Run(query::kStepOverAttemptIds, kAttemptsStepped);
    session.Run(query::kRenamePlannedAttempts);
    return absl::OkStatus();
  });
}

absl::StatusOr<int> PgStore::TakeOver(const std::string& group, std::int64_t epoch,
                                      absl::Time now) {
  using Inputs = absl::StatusOr<std::vector<AttemptInput>>;
  int unresolved = 0;
  for (AttemptKey after;;) {
    const auto left = Transact(*pool_, [&](Session& session) -> Inputs {
      std::vector<AttemptInput> inputs;
      for (const pqxx::row& raw :
           session.Run(query::kListIntentsLeft, group, epoch, after.campaign.value(),
                       after.attempt.value(), kTakeOverBatch)) {
        RowReader row(raw);
        AttemptInput input;
        input.attempt.campaign = CampaignId(row.Int64());
        input.attempt.attempt = AttemptId(row.Int64());
        Fact fact;
        fact.kind = FactKind::kCreateUnknown;
        fact.number = row.Int();
        fact.at = row.Time();
        fact.received_at = now;
        fact.key = OwnFactKey(fact.kind, fact.number);
        fact.text = "interrupted";
        input.fact = std::move(fact);
        inputs.push_back(std::move(input));
      }
      return inputs;
    });
    if (!left.ok()) return left.status();
    if (left->empty()) return unresolved;
    const auto changes = RecordFacts(*left, now);
    if (!changes.ok()) return changes.status();
    unresolved += static_cast<int>(left->size());
    after = left->back().attempt;
  }
}

}  // namespace tocsin::db
