#include "db/planned_attempts.h"

#include <map>
#include <utility>

#include "db/row_reader.h"
#include "db/time_text.h"

namespace tocsin::db {

std::vector<PlannedRow> LockPlanned(Session& session, const std::set<AttemptKey>& keys) {
  std::vector<PlannedRow> attempts;
  if (keys.empty()) return attempts;
  const KeyArrays arrays(keys);
  std::map<AttemptKey, std::size_t> groups;
  for (const pqxx::row& raw : session.Run(query::kLockPlanned, arrays.campaigns, arrays.ids)) {
    RowReader row(raw);
    PlannedRow attempt;
    attempt.key.campaign = CampaignId(row.Int64());
    attempt.key.attempt = AttemptId(row.Int64());
    const RecipientId leader(row.Int64());
    const int people = row.Int();
    attempt.number = row.Text();
    attempt.served.push_back({leader, row.Int()});
    attempt.sends = row.Int();
    if (people > 1) groups.emplace(attempt.key, attempts.size());
    attempts.push_back(std::move(attempt));
  }
  if (groups.empty()) return attempts;
  std::set<AttemptKey> group_keys;
  for (const auto& [key, index] : groups) group_keys.insert(key);
  const KeyArrays group_arrays(group_keys);
  for (const pqxx::row& raw :
       session.Run(query::kReadGroupMembers, group_arrays.campaigns, group_arrays.ids)) {
    RowReader row(raw);
    const CampaignId campaign(row.Int64());
    const AttemptKey key{campaign, AttemptId(row.Int64())};
    const RecipientId recipient(row.Int64());
    attempts[groups.at(key)].served.push_back({recipient, row.Int()});
  }
  return attempts;
}

void Withdraw(Session& session, const std::vector<PlannedRow>& attempts, const std::string& why,
              absl::Time now, Counters& counters) {
  std::set<AttemptKey> unsent, given_back, groups;
  for (const PlannedRow& attempt : attempts) {
    (attempt.sends == 0 ? unsent : given_back).insert(attempt.key);
    if (attempt.served.size() > 1) groups.insert(attempt.key);
  }
  if (!groups.empty()) {
    const KeyArrays arrays(groups);
    session.Run(query::kDeleteGroups, arrays.campaigns, arrays.ids);
  }
  if (!unsent.empty()) {
    const KeyArrays arrays(unsent);
    session.Run(query::kDropUnsent, arrays.campaigns, arrays.ids);
  }
  if (given_back.empty()) return;
  const KeyArrays arrays(given_back);
  session.Run(query::kRetireGivenBack, arrays.campaigns, arrays.ids, TimeText(now), why);
  for (const AttemptKey& key : given_back) {
    counters.Add(key.campaign, "attempts", 1);
    counters.Add(key.campaign, Disposition::kCanceled, 1);
  }
}

}  // namespace tocsin::db
