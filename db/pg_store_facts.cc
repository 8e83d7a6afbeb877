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

absl::StatusOr<std::vector<UnresolvedSend>> PgStore::ListUnresolved(TrunkId trunk, int limit) {
  using Sends = absl::StatusOr<std::vector<UnresolvedSend>>;
  return Read(*pool_, [&](Session& session) -> Sends {
    std::vector<UnresolvedSend> sends;
    for (const pqxx::row& raw : session.Run(query::kListUnresolved, trunk.value(), limit)) {
      RowReader row(raw);
      const CampaignId campaign(row.Int64());
      const AttemptKey attempt{campaign, AttemptId(row.Int64())};
      PhoneNumber to = row.Number();
      UnresolvedSend send{attempt, std::move(to), row.Number()};
      send.time_zone = row.Text();
      send.send_no = row.Int();
      send.intended_at = row.Time();
      send.last_sent = row.Time();
      send.repetitions = row.Int();
      sends.push_back(std::move(send));
    }
    return sends;
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
      const CampaignId campaign(row.Int64());
      const AttemptId attempt(row.Int64());
      Action action;
      action.ordinal = row.Int();
      action.kind = row.Enum<ActionKind>();
      const TrunkId trunk(row.Int64());
      PhoneNumber to = row.Number();
      PhoneNumber from = row.Number();
      const TextId text(row.Int64());
      pending.push_back(
          {{{campaign, attempt}, trunk, row.Text(), std::move(to), std::move(from), text}, action});
    }
    return pending;
  });
}

}  // namespace tocsin::db
