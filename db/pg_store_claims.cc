// From the due queue to planned attempts, and back.
#include <charconv>
#include <map>
#include <set>
#include <string>

#include "base/status_macros.h"
#include "db/array_literal.h"
#include "db/campaign_rows.h"
#include "db/counters.h"
#include "db/operations.h"
#include "db/people.h"
#include "db/pg_store.h"
#include "db/planned_attempts.h"
#include "db/pool.h"
#include "db/row_reader.h"
#include "db/time_text.h"
#include "db/transaction.h"

namespace tocsin::db {
namespace {

std::vector<PlannedAttempt> ReadPlanned(Session& session, CampaignId campaign,
                                        const std::string& attempts) {
  std::vector<PlannedAttempt> planned;
  for (const pqxx::row& raw : session.Run(query::kReadPlanned, campaign.value(), attempts)) {
    RowReader row(raw);
    const AttemptKey key{campaign, AttemptId(row.Int64())};
    PlannedAttempt attempt{key, StoredNumber(row.Text()), row.Text(), "", row.Int(), {}, 1};
    if (const auto caller = row.OptText()) attempt.caller = StoredNumber(*caller);
    attempt.people = row.Int();
    planned.push_back(std::move(attempt));
  }
  return planned;
}

// Whether every pacer that holds a lease, or held one last, is of a later epoch.
bool Succeeded(Session& session, std::int64_t epoch) {
  bool any_later = false;
  for (const pqxx::row& row : session.Run(query::kShareLeases)) {
    const auto other = row[0].as<std::int64_t>();
    if (other == epoch) return false;
    any_later |= other > epoch;
  }
  return any_later;
}

// The planned attempts whose ids `take` brings, kept as the operation's result.
template <class Take>
absl::StatusOr<std::vector<PlannedAttempt>> TakePlanned(Pool& pool, OperationId operation,
                                                        CampaignId campaign, std::int64_t epoch,
                                                        absl::Time now, const Take& take) {
  using Planned = absl::StatusOr<std::vector<PlannedAttempt>>;
  return Transact(pool, [&](Session& session) -> Planned {
    if (const auto first = FindOperation(session, operation)) {
      return ReadPlanned(session, campaign, *first);
    }
    if (Succeeded(session, epoch)) return std::vector<PlannedAttempt>();
    const absl::StatusOr<pqxx::result> taken = take(session);
    if (!taken.ok()) return taken.status();
    ArrayLiteral attempts;
    for (const pqxx::row& row : *taken) attempts.Add(row[0].as<std::int64_t>());
    const std::string ids = std::move(attempts).Take();
    KeepOperation(session, operation, ids, now);
    return ReadPlanned(session, campaign, ids);
  });
}

std::set<PersonKey> PeopleOf(const std::vector<PlannedRow>& attempts) {
  std::set<PersonKey> people;
  for (const PlannedRow& attempt : attempts) {
    for (const Served& served : attempt.served) {
      people.insert({attempt.key.campaign, served.recipient});
    }
  }
  return people;
}

// Concludes the people of planned attempts; returns how many people.
int ConcludePlanned(Session& session, const Campaign& campaign, Outcome otherwise, int limit,
                    absl::Time now, People& people, Counters& counters) {
  std::set<AttemptKey> keys;
  for (const pqxx::row& row : session.Run(query::kListPlanned, campaign.id.value(), limit)) {
    keys.insert({campaign.id, AttemptId(row[0].as<std::int64_t>())});
  }
  const std::vector<PlannedRow> attempts = LockPlanned(session, keys);
  if (attempts.empty()) return 0;
  const std::set<PersonKey> served = PeopleOf(attempts);
  people.Lock(session, served);
  Withdraw(session, attempts, otherwise == Outcome::kExpired ? "expired" : "canceled", now,
           counters);
  for (const PersonKey& key : served) {
    const Person* person = people.Find(key);
    if (person == nullptr) continue;
    people.Settle(campaign, key, ConcludeRecipient(campaign, person->history, otherwise), now,
                  counters);
  }
  return static_cast<int>(served.size());
}

int ConcludeWaiting(Session& session, const Campaign& campaign, Outcome otherwise, int limit,
                    absl::Time now, People& people, Counters& counters) {
  std::set<PersonKey> waiting;
  for (const pqxx::row& row : session.Run(query::kTakeWaiting, campaign.id.value(), limit)) {
    waiting.insert({campaign.id, RecipientId(row[0].as<std::int64_t>())});
  }
  people.Lock(session, waiting);
  for (const PersonKey& key : waiting) {
    const Person* person = people.Find(key);
    if (person == nullptr) continue;
    people.Settle(campaign, key, ConcludeRecipient(campaign, person->history, otherwise), now,
                  counters);
  }
  return static_cast<int>(waiting.size());
}

// A draft that was canceled: nobody of it is in the queue.
int ConcludeDraft(Session& session, const Campaign& campaign, Outcome otherwise, int limit,
                  absl::Time now, Counters& counters) {
  const RecipientVerdict verdict = ConcludeRecipient(campaign, RecipientHistory(), otherwise);
  const pqxx::result concluded =
      session.Run(query::kConcludeUntouched, campaign.id.value(),
                  std::string(Name(*verdict.outcome)), verdict.reason, TimeText(now), limit);
  const auto count = static_cast<int>(concluded.affected_rows());
  counters.Add(campaign.id, *verdict.outcome, count);
  return count;
}

}  // namespace

absl::StatusOr<std::vector<PlannedAttempt>> PgStore::AdoptPlanned(OperationId operation,
                                                                  CampaignId campaign,
                                                                  std::int64_t epoch, int limit,
                                                                  absl::Time now) {
  return TakePlanned(*pool_, operation, campaign, epoch, now, [&](Session& session) {
    return session.Run(query::kReclaimPlanned, campaign.value(), epoch, limit);
  });
}

absl::StatusOr<std::vector<PlannedAttempt>> PgStore::ClaimDue(OperationId operation,
                                                              CampaignId campaign,
                                                              std::int64_t epoch, int limit,
                                                              absl::Time now) {
  using Claimed = absl::StatusOr<pqxx::result>;
  return TakePlanned(*pool_, operation, campaign, epoch, now, [&](Session& session) -> Claimed {
    const std::map<CampaignId, Campaign> known = campaigns_->Read(session, {campaign});
    const auto it = known.find(campaign);
    if (it == known.end()) return NotFound("there is no campaign {}", campaign.value());
    const bool share = it->second.spec.ack.scope == AckScope::kNumber;
    return session.Run(query::kClaimDueRecipients, campaign.value(), TimeText(now), limit, share,
                       epoch);
  });
}

absl::Status PgStore::ReturnToQueue(const std::vector<std::pair<AttemptKey, absl::Time>>& attempts,
                                    absl::Time now) {
  return Transact(*pool_, [&](Session& session) -> absl::Status {
    std::map<AttemptKey, absl::Time> due(attempts.begin(), attempts.end());
    std::set<AttemptKey> keys;
    std::set<CampaignId> ids;
    for (const auto& [key, at] : due) {
      keys.insert(key);
      ids.insert(key.campaign);
    }
    const std::map<CampaignId, Campaign> campaigns = campaigns_->Read(session, ids);
    const std::vector<PlannedRow> planned = LockPlanned(session, keys);
    People people;
    Counters counters;
    people.Lock(session, PeopleOf(planned));
    Withdraw(session, planned, "window", now, counters);
    for (const PlannedRow& attempt : planned) {
      for (const Served& served : attempt.served) {
        const PersonKey key{attempt.key.campaign, served.recipient};
        if (people.Find(key) == nullptr) continue;
        RecipientVerdict verdict;
        verdict.next_at = due.at(attempt.key);
        verdict.number_index = served.number_index;
        people.Settle(campaigns.at(key.first), key, verdict, now, counters);
      }
    }
    people.Write(session);
    counters.Write(session);
    if (people.queued()) session.Run(query::kNotify, "due");
    return absl::OkStatus();
  });
}

absl::StatusOr<int> PgStore::ConcludeRecipients(CampaignId id, Outcome otherwise, int limit,
                                                absl::Time now) {
  return Transact(*pool_, [&](Session& session) -> absl::StatusOr<int> {
    if (session.Run(query::kShareCampaign, id.value()).empty()) {
      return NotFound("there is no campaign {}", id.value());
    }
    TOCSIN_ASSIGN_OR_RETURN(const Campaign campaign, ReadCampaign(session, id));
    const bool canceling = campaign.state == CampaignState::kCanceling;
    const bool expired = campaign.expires_at && now >= *campaign.expires_at;
    if (!canceling && !expired) return 0;
    People people;
    Counters counters;
    int count = ConcludePlanned(session, campaign, otherwise, limit, now, people, counters);
    if (count < limit) {
      count += ConcludeWaiting(session, campaign, otherwise, limit - count, now, people, counters);
    }
    if (count < limit && !campaign.started_at) {
      count += ConcludeDraft(session, campaign, otherwise, limit - count, now, counters);
    }
    people.Write(session);
    counters.Write(session);
    return count;
  });
}

absl::StatusOr<std::vector<ActiveCampaign>> PgStore::ListActiveCampaigns() {
  using Active = absl::StatusOr<std::vector<ActiveCampaign>>;
  return Read(*pool_, [&](Session& session) -> Active {
    std::vector<ActiveCampaign> active;
    std::vector<CampaignId> ids;
    for (const pqxx::row& raw : session.Run(query::kListActiveCampaigns)) {
      RowReader row(raw);
      ActiveCampaign entry;
      entry.campaign.id = CampaignId(row.Int64());
      entry.people = row.Int64();
      entry.next_due = row.OptTime();
      entry.planned = row.Int64();
      entry.live = row.Int64();
      ids.push_back(entry.campaign.id);
      active.push_back(std::move(entry));
    }
    std::map<CampaignId, Campaign> campaigns;
    for (Campaign& campaign : ReadCampaigns(session, ids)) {
      const CampaignId id = campaign.id;
      campaigns.emplace(id, std::move(campaign));
    }
    for (ActiveCampaign& entry : active) entry.campaign = campaigns.at(entry.campaign.id);
    return active;
  });
}

}  // namespace tocsin::db
