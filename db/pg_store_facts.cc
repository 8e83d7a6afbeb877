// Append, then fold.
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "db/array_literal.h"
#include "db/fact_batch.h"
#include "db/fact_cache.h"
#include "db/pg_store.h"
#include "db/pool.h"
#include "db/row_reader.h"
#include "db/time_text.h"
#include "db/transaction.h"

namespace tocsin::db {
namespace {

using Keys = absl::StatusOr<std::vector<AttemptKey>>;

std::vector<AttemptKey> ReadKeys(const pqxx::result& result) {
  std::vector<AttemptKey> keys;
  for (const pqxx::row& raw : result) {
    RowReader row(raw);
    const CampaignId campaign(row.Int64());
    keys.push_back({campaign, AttemptId(row.Int64())});
  }
  return keys;
}

}  // namespace

absl::StatusOr<std::vector<AttemptChange>> PgStore::RecordFacts(
    const std::vector<AttemptInput>& inputs, absl::Time now) {
  using Changes = absl::StatusOr<std::vector<AttemptChange>>;
  // One for each try: what a try that was rolled back has borrowed is forgotten.
  std::optional<FactLoan> loan;
  Changes changes = Transact(*pool_, [&](Session& session) -> Changes {
    loan.emplace(*facts_);
    return FactBatch(session, *campaigns_, *facts_, *loan, inputs, now).Run();
  });
  if (changes.ok() && loan) loan->Commit();
  return changes;
}

absl::StatusOr<std::vector<AttemptKey>> PgStore::ListLiveAttempts(AttemptKey after, int limit) {
  return Read(*pool_, [&](Session& session) -> Keys {
    return ReadKeys(session.Run(query::kListLiveAttempts, after.campaign.value(),
                                after.attempt.value(), limit));
  });
}

absl::StatusOr<std::vector<AttemptKey>> PgStore::ListHangUpsOwed(CampaignId campaign, int limit) {
  return Read(*pool_, [&](Session& session) -> Keys {
    return ReadKeys(session.Run(query::kListHangUpsOwed, campaign.value(), limit));
  });
}

absl::StatusOr<std::vector<PendingAction>> PgStore::ClaimPendingActions(absl::Time before,
                                                                        int limit, absl::Time now) {
  using Pending = absl::StatusOr<std::vector<PendingAction>>;
  return Transact(*pool_, [&](Session& session) -> Pending {
    std::vector<PendingAction> pending;
    for (const pqxx::row& raw :
         session.Run(query::kClaimPendingActions, TimeText(before), limit, TimeText(now))) {
      RowReader row(raw);
      PendingAction action;
      action.attempt.campaign = CampaignId(row.Int64());
      action.attempt.attempt = AttemptId(row.Int64());
      action.action.ordinal = row.Int();
      action.action.kind = row.Enum<ActionKind>();
      action.trunk = TrunkId(row.Int64());
      action.call = row.Text();
      pending.push_back(std::move(action));
    }
    return pending;
  });
}

}  // namespace tocsin::db
