// planned -> dialing.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "base/check.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "db/array_literal.h"
#include "db/campaign_rows.h"
#include "db/counters.h"
#include "db/fact_cache.h"
#include "db/live_tally.h"
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

char LetterOf(IntentVerdict verdict) {
  switch (verdict) {
    case IntentVerdict::kGo: return 'G';
    case IntentVerdict::kNumberBusy: return 'B';
    case IntentVerdict::kNoSlot: return 'F';
    case IntentVerdict::kStopped: return 'S';
    case IntentVerdict::kWithdrawn: return 'W';
    case IntentVerdict::kNotHolder: return 'N';
  }
  return 'N';
}

IntentVerdict VerdictOf(char letter) {
  switch (letter) {
    case 'G': return IntentVerdict::kGo;
    case 'B': return IntentVerdict::kNumberBusy;
    case 'F': return IntentVerdict::kNoSlot;
    case 'S': return IntentVerdict::kStopped;
    case 'W': return IntentVerdict::kWithdrawn;
    default: return IntentVerdict::kNotHolder;
  }
}

// One batch, from the locks to the verdicts. Lives in a transaction's body.
class IntentBatch {
 public:
  IntentBatch(Session& session, CampaignCache& cache, const FactCache& facts, LiveTally& tally,
              const Clock& clock, const std::string& group, std::int64_t epoch, const Trunk& trunk,
              const std::vector<IntentRequest>& requests, absl::Time now)
      : session_(session),
        cache_(cache),
        log_keeper_(facts.keeper()),
        tally_(tally),
        clock_(clock),
        group_(group),
        epoch_(epoch),
        trunk_(trunk),
        requests_(requests),
        now_(now),
        verdicts_(requests.size(), IntentVerdict::kWithdrawn) {}

  std::vector<IntentVerdict> Run() {
    if (!HoldsLease()) return {requests_.size(), IntentVerdict::kNotHolder};
    ShareCampaigns();
    LockAttempts();
    FindSuppressed();
    FindDone();
    CountLive();
    FindBusy();
    for (std::size_t i = 0; i < requests_.size(); ++i) Judge(i);
    TakeNumbers();
    Go();
    WithdrawThose();
    tally_.Raised(trunk_.id, epoch_, live_);
    return verdicts_;
  }

 private:
  bool HoldsLease() { return !session_.Run(query::kLockLease, group_, epoch_).empty(); }

  void ShareCampaigns() {
    std::set<CampaignId> ids;
    ArrayLiteral literal;
    for (const IntentRequest& request : requests_) ids.insert(request.attempt.campaign);
    for (const CampaignId id : ids) literal.Add(id.value());
    // The lock first: what is read after it stays so until the commit.
    session_.Run(query::kShareCampaigns, std::move(literal).Take());
    campaigns_ = cache_.Read(session_, ids);
  }

  void LockAttempts() {
    std::set<AttemptKey> keys;
    for (const IntentRequest& request : requests_) keys.insert(request.attempt);
    for (PlannedRow& attempt : LockPlanned(session_, keys)) {
      const AttemptKey key = attempt.key;
      planned_.emplace(key, std::move(attempt));
    }
  }

  void FindSuppressed() {
    ArrayLiteral tenants, purposes, numbers;
    for (const auto& [key, attempt] : planned_) {
      const Campaign& campaign = campaigns_.at(key.campaign);
      tenants.Add(campaign.tenant.value());
      purposes.Add(campaign.spec.purpose);
      numbers.Add(attempt.number);
    }
    if (tenants.size() == 0) return;
    for (const pqxx::row& raw :
         session_.Run(query::kFindSuppressed, std::move(tenants).Take(), std::move(purposes).Take(),
                      std::move(numbers).Take())) {
      RowReader row(raw);
      const TenantId tenant(row.Int64());
      std::string purpose = row.Text();
      std::string number = row.Text();
      suppressed_[{tenant, std::move(purpose), std::move(number)}] = row.Text();
    }
  }

  // Whose outcome is known: an acknowledgement that came late, perhaps.
  void FindDone() {
    std::set<PersonKey> keys;
    for (const auto& [key, attempt] : planned_) {
      for (const Served& served : attempt.served) keys.insert({key.campaign, served.recipient});
    }
    if (keys.empty()) return;
    const KeyArrays arrays(keys);
    for (const pqxx::row& raw : session_.Run(query::kReadIntended, arrays.campaigns, arrays.ids)) {
      RowReader row(raw);
      const CampaignId campaign(row.Int64());
      const RecipientId recipient(row.Int64());
      if (!row.Bool()) unfinished_.insert({campaign, recipient});
    }
  }

  void CountLive() {
    const SteadyTime asked_at = clock_.Steady();
    if (auto known = tally_.Find(trunk_.id, epoch_, asked_at)) {
      live_ = *std::move(known);
      if (HasRoomForAll()) return;
    }
    live_ = LiveCount();
    for (const pqxx::row& raw : session_.Run(query::kCountLive, trunk_.id.value())) {
      RowReader row(raw);
      const std::string caller = row.Text();
      const CampaignId campaign(row.Int64());
      const std::int64_t live = row.Int64();
      live_.all += live;
      live_.by_caller[caller] += live;
      live_.by_campaign[campaign] += live;
    }
    tally_.Counted(trunk_.id, epoch_, asked_at, live_);
  }

  // Whether no cap could stop any of the requests, whoever of them goes.
  bool HasRoomForAll() {
    const auto size = static_cast<std::int64_t>(requests_.size());
    return std::all_of(requests_.begin(), requests_.end(), [&](const IntentRequest& request) {
      const auto campaign = campaigns_.find(request.attempt.campaign);
      return campaign == campaigns_.end() ||
             HasSlots(campaign->second, request.caller.e164(), size);
    });
  }

  void FindBusy() {
    std::set<std::string> wanted;
    for (const auto& [key, attempt] : planned_) wanted.insert(attempt.number);
    if (wanted.empty()) return;
    const std::vector<std::string> numbers(wanted.begin(), wanted.end());
    for (const pqxx::row& row : session_.Run(query::kFindLockedNumbers, ArrayOf(numbers))) {
      busy_.insert(row[0].c_str());
    }
  }

  bool HasSlots(const Campaign& campaign, const std::string& caller, std::int64_t wanted) {
    const int campaign_max = campaign.spec.concurrent_max;
    return live_.all + wanted <= trunk_.concurrent_max &&
           live_.by_caller[caller] + wanted <= trunk_.concurrent_max_per_caller &&
           (campaign_max == 0 || live_.by_campaign[campaign.id] + wanted <= campaign_max);
  }

  void Judge(std::size_t i) {
    const IntentRequest& request = requests_[i];
    const auto it = planned_.find(request.attempt);
    if (it == planned_.end()) return;  // Withdrawn: no longer planned.
    const PlannedRow& attempt = it->second;
    const Campaign& campaign = campaigns_.at(request.attempt.campaign);
    if (campaign.state != CampaignState::kRunning) {
      verdicts_[i] = IntentVerdict::kStopped;
      return;
    }
    const auto suppressed =
        suppressed_.find({campaign.tenant, campaign.spec.purpose, attempt.number});
    if (request.guard_refusal) {
      withdrawn_.push_back({request.attempt, NumberMark::kRefusedByGuard, *request.guard_refusal});
      return;
    }
    if (suppressed != suppressed_.end()) {
      withdrawn_.push_back({request.attempt, NumberMark::kSuppressed, suppressed->second});
      return;
    }
    const bool wanted =
        std::any_of(attempt.served.begin(), attempt.served.end(), [&](const Served& served) {
          return unfinished_.contains({request.attempt.campaign, served.recipient});
        });
    if (!wanted) {
      withdrawn_.push_back({request.attempt, NumberMark::kUsable, ""});
      return;
    }
    const std::string& caller = request.caller.e164();
    if (busy_.contains(attempt.number)) {
      verdicts_[i] = IntentVerdict::kNumberBusy;
    } else if (!HasSlots(campaign, caller, 1)) {
      verdicts_[i] = IntentVerdict::kNoSlot;
    } else {
      verdicts_[i] = IntentVerdict::kGo;
      ++live_.all;
      ++live_.by_caller[caller];
      ++live_.by_campaign[campaign.id];
      busy_.insert(attempt.number);
      going_.emplace(request.attempt, i);
    }
  }

  // Somebody of another pacing group may have been faster since we looked.
  void TakeNumbers() {
    if (going_.empty()) return;
    ArrayLiteral numbers, campaigns, attempts, callers;
    for (const auto& [key, i] : going_) {
      numbers.Add(planned_.at(key).number);
      campaigns.Add(key.campaign.value());
      attempts.Add(key.attempt.value());
      callers.Add(requests_[i].caller.e164());
    }
    std::set<AttemptKey> taken;
    for (const pqxx::row& raw :
         session_.Run(query::kLockNumbers, std::move(numbers).Take(), std::move(campaigns).Take(),
                      std::move(attempts).Take(), std::move(callers).Take(), trunk_.id.value(),
                      TimeText(now_))) {
      RowReader row(raw);
      const CampaignId campaign(row.Int64());
      taken.insert({campaign, AttemptId(row.Int64())});
    }
    std::erase_if(going_, [&](const auto& entry) {
      if (taken.contains(entry.first)) return false;
      verdicts_[entry.second] = IntentVerdict::kNumberBusy;
      return true;
    });
  }

  void Go() {
    if (going_.empty()) return;
    ArrayLiteral campaigns, attempts, callers;
    for (const auto& [key, i] : going_) {
      campaigns.Add(key.campaign.value());
      attempts.Add(key.attempt.value());
      callers.Add(requests_[i].caller.e164());
      counters_.Add(key.campaign, "sends", 1);
    }
    const pqxx::result gone = session_.Run(
        query::kIntend, std::move(campaigns).Take(), std::move(attempts).Take(),
        std::move(callers).Take(), group_, epoch_, TimeText(now_), trunk_.id.value(), log_keeper_);
    TOCSIN_CHECK(gone.affected_rows() == going_.size());
    session_.Run(query::kAddTrunkSends, trunk_.id.value(),
                 static_cast<std::int64_t>(going_.size()));
  }

  // Their numbers are marked and their people go on without them.
  void WithdrawThose() {
    std::vector<PlannedRow> attempts;
    std::set<PersonKey> keys;
    for (const Withdrawal& withdrawal : withdrawn_) {
      attempts.push_back(planned_.at(withdrawal.key));
      for (const Served& served : attempts.back().served) {
        keys.insert({withdrawal.key.campaign, served.recipient});
      }
    }
    people_.Lock(session_, keys);
    for (std::size_t i = 0; i < withdrawn_.size(); ++i) {
      const Withdrawal& withdrawal = withdrawn_[i];
      const Campaign& campaign = campaigns_.at(withdrawal.key.campaign);
      for (const Served& served : attempts[i].served) {
        const PersonKey key{withdrawal.key.campaign, served.recipient};
        Person* person = people_.Find(key);
        if (person == nullptr) continue;
        if (withdrawal.mark != NumberMark::kUsable) {
          person->history.marks.at(static_cast<std::size_t>(served.number_index)) = withdrawal.mark;
          person->history.mark_reason = withdrawal.why;
        }
        people_.Settle(campaign, key, DecideRecipient(campaign, person->history, now_), now_,
                       counters_);
      }
    }
    if (!attempts.empty()) Withdraw(session_, attempts, "withdrawn", now_, counters_);
    people_.Write(session_);
    counters_.Write(session_);
    if (people_.queued()) session_.Run(query::kNotify, "due");
  }

  struct Withdrawal {
    AttemptKey key;
    NumberMark mark;
    std::string why;
  };

  Session& session_;
  CampaignCache& cache_;
  const std::int64_t log_keeper_;
  LiveTally& tally_;
  const Clock& clock_;
  const std::string& group_;
  const std::int64_t epoch_;
  const Trunk& trunk_;
  const std::vector<IntentRequest>& requests_;
  const absl::Time now_;

  std::vector<IntentVerdict> verdicts_;
  std::map<CampaignId, Campaign> campaigns_;
  std::map<AttemptKey, PlannedRow> planned_;
  std::map<std::tuple<TenantId, std::string, std::string>, std::string> suppressed_;
  std::set<PersonKey> unfinished_;
  LiveCount live_;
  std::set<std::string> busy_;
  std::map<AttemptKey, std::size_t> going_;  // To their request.
  std::vector<Withdrawal> withdrawn_;
  People people_;
  Counters counters_;
};

}  // namespace

absl::StatusOr<std::vector<IntentVerdict>> PgStore::CommitIntents(
    OperationId operation, const std::string& group, std::int64_t epoch, const Trunk& trunk,
    const std::vector<IntentRequest>& requests, absl::Time now) {
  using Verdicts = absl::StatusOr<std::vector<IntentVerdict>>;
  return Transact(*pool_, [&](Session& session) -> Verdicts {
    if (const auto first = FindOperation(session, operation)) {
      std::vector<IntentVerdict> verdicts;
      for (const char letter : *first) verdicts.push_back(VerdictOf(letter));
      return verdicts;
    }
    IntentBatch batch(session, *campaigns_, *facts_, *live_, clock_, group, epoch, trunk, requests,
                      now);
    std::vector<IntentVerdict> verdicts = batch.Run();
    std::string letters;
    for (const IntentVerdict verdict : verdicts) letters += LetterOf(verdict);
    KeepOperation(session, operation, letters, now);
    return verdicts;
  });
}

absl::StatusOr<SlotCount> PgStore::CountSlots(TrunkId trunk) {
  return Read(*pool_, [&](Session& session) -> absl::StatusOr<SlotCount> {
    SlotCount count;
    for (const pqxx::row& raw : session.Run(query::kCountLive, trunk.value())) {
      RowReader row(raw);
      const std::string caller = row.Text();
      row.Int64();  // The campaign.
      const std::int64_t live = row.Int64();
      count.live += live;
      count.live_by_caller[caller] += live;
    }
    const pqxx::result sends = session.Run(query::kReadTrunkSends, trunk.value());
    count.sends = sends.front()[0].as<std::int64_t>();
    return count;
  });
}

}  // namespace tocsin::db
