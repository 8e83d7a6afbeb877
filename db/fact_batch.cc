#include "db/fact_batch.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "db/array_literal.h"
#include "db/fact_rows.h"
#include "db/row_reader.h"
#include "db/time_text.h"

namespace tocsin::db {
namespace {

bool IsLive(AttemptState state) {
  return state == AttemptState::kDialing || state == AttemptState::kUnresolved;
}

int CountNotSent(const std::vector<Fact>& facts) {
  return static_cast<int>(std::count_if(facts.begin(), facts.end(), [](const Fact& fact) {
    return fact.kind == FactKind::kCreateNotSent;
  }));
}

// How long a send that was given back waits: what the provider said, else a
// second that doubles with each try; hardly at all if it was never tried.
absl::Duration GivenBackDelay(const std::vector<Fact>& facts, const CallView& view) {
  constexpr std::string_view kHint = "retry after ";
  constexpr absl::Duration kUntried = absl::Milliseconds(100);
  for (const Fact& fact : facts) {
    if (fact.number != view.sends) continue;
    if (fact.kind == FactKind::kCreateNotSent && fact.text == kNoPermit) return kUntried;
    const std::string_view text(fact.text);
    if (fact.kind != FactKind::kCreateThrottled || !text.starts_with(kHint)) continue;
    std::int64_t ms = 0;
    std::from_chars(text.data() + kHint.size(), text.data() + text.size(), ms);
    return std::clamp(absl::Milliseconds(ms), absl::Milliseconds(50), absl::Minutes(5));
  }
  return absl::Seconds(1 << std::clamp(view.sends_tried - 1, 0, 4));
}

std::string MessageVersion(const Campaign& campaign, TextId text) {
  if (text.is_set()) return "text:" + std::to_string(text.value());
  const PromptId prompt = campaign.spec.flow.prompt;
  return prompt.is_set() ? "prompt:" + std::to_string(prompt.value()) : "uri";
}

// Adds a fact to a log in memory as the table would keep it; false if it is there.
bool AddFact(std::vector<Fact>& log, const Fact& fact) {
  const bool there = std::any_of(log.begin(), log.end(),
                                 [&fact](const Fact& other) { return other.key == fact.key; });
  if (there) return false;
  Fact& added = log.emplace_back(WithoutRaw(fact));
  added.at = AsStored(fact.at);
  added.received_at = AsStored(fact.received_at);
  return true;
}

}  // namespace

std::vector<AttemptChange> FactBatch::Run() {
  std::set<AttemptKey> asked;
  for (const AttemptInput& input : inputs_) asked.insert(input.attempt);
  if (asked.empty()) return {};
  Lock();
  if (!works_.empty()) {
    Append();
    for (auto& [key, work] : works_) Step(work);
    AppendVerdicts();
    ReadServed();
    SettlePeople();
    WriteRows();
    WriteAcknowledgements();
    WriteSuppressions();
    WriteActions();
    KeepLogs();
    people_.Write(session_);
    counters_.Write(session_);
  }
  std::vector<AttemptChange> changes;
  for (const AttemptKey& key : asked) {
    const auto it = works_.find(key);
    if (it != works_.end()) {
      changes.push_back(std::move(it->second.change));
    } else {
      changes.emplace_back().attempt = key;
    }
  }
  return changes;
}

void FactBatch::Lock() {
  std::set<AttemptKey> keys;
  for (const AttemptInput& input : inputs_) keys.insert(input.attempt);
  std::map<AttemptKey, AttemptRow> rows = LockAttempts(session_, keys);
  if (rows.empty()) return;
  std::set<CampaignId> campaigns;
  for (const auto& [key, row] : rows) campaigns.insert(key.campaign);
  campaigns_ = cache_.Read(session_, campaigns);
  for (auto& [key, row] : rows) {
    Work work;
    work.before = row.result;
    work.change.attempt = key;
    work.change.known = true;
    work.change.trunk = row.trunk;
    work.change.time_scale = campaigns_.at(key.campaign).time_scale;
    work.row = std::move(row);
    works_.emplace(key, std::move(work));
  }
}

// The logs of what is locked, with what is new among the inputs.
void FactBatch::Append() {
  std::set<AttemptKey> unknown = BorrowLogs();
  DisownLogs();
  std::vector<AttemptFact> facts;
  std::map<AttemptKey, int> expected;
  for (const AttemptInput& input : inputs_) {
    const auto it = works_.find(input.attempt);
    if (!input.fact || it == works_.end()) continue;
    if (!unknown.contains(input.attempt)) {
      if (!AddFact(it->second.log, *input.fact)) continue;
      ++expected[input.attempt];
    }
    facts.push_back({input.attempt, &*input.fact});
  }
  std::map<AttemptKey, int> inserted = InsertFacts(session_, facts);
  for (const auto& [key, count] : inserted) works_.at(key).change.new_facts = count;
  // What is in the table and not in memory: memory is wrong, and is not asked.
  for (const auto& [key, count] : expected) {
    if (inserted[key] != count) unknown.insert(key);
  }
  ReadLogs(unknown);
}

// Fills in the logs that are known; returns the others.
std::set<AttemptKey> FactBatch::BorrowLogs() {
  std::set<AttemptKey> ours;
  std::set<AttemptKey> unknown;
  for (const auto& [key, work] : works_) {
    (work.row.log_keeper == keeper_ ? ours : unknown).insert(key);
  }
  std::map<AttemptKey, std::vector<Fact>> logs = loan_.Borrow(ours);
  for (const AttemptKey& key : ours) {
    const auto log = logs.find(key);
    if (log == logs.end()) {
      unknown.insert(key);
    } else {
      works_.at(key).log = std::move(log->second);
    }
  }
  return unknown;
}

// What we are about to add is not in the memory of whoever has the log.
void FactBatch::DisownLogs() {
  std::set<AttemptKey> others;
  for (const AttemptInput& input : inputs_) {
    const auto it = works_.find(input.attempt);
    if (!input.fact || it == works_.end()) continue;
    std::optional<std::int64_t>& keeper = it->second.row.log_keeper;
    if (keeper == keeper_ || keeper == 0) continue;
    keeper = 0;
    others.insert(input.attempt);
  }
  if (others.empty()) return;
  const KeyArrays arrays(others);
  session_.Run(query::kDisownLogs, arrays.campaigns, arrays.ids);
}

void FactBatch::ReadLogs(const std::set<AttemptKey>& attempts) {
  if (attempts.empty()) return;
  std::map<AttemptKey, std::vector<Fact>> logs = ReadFacts(session_, attempts);
  for (const AttemptKey& key : attempts) works_.at(key).log = std::move(logs[key]);
}

// For the next batch, if this one is committed.
void FactBatch::KeepLogs() {
  for (auto& [key, work] : works_) {
    const bool ended = work.step.view.state == AttemptState::kEnded;
    if (work.row.log_keeper == keeper_) loan_.Keep(key, std::move(work.log), ended);
  }
}

void FactBatch::Step(Work& work) {
  const AttemptRow& row = work.row;
  const std::vector<Fact>& facts = work.log;
  if (facts.empty() && row.result.state == AttemptState::kPlanned) {
    work.change.view.state = AttemptState::kPlanned;
    return;
  }
  const Campaign& campaign = campaigns_.at(row.key.campaign);
  work.step = StepAttempt(campaign, row.intended_at.value_or(row.planned_at), facts, now_);
  CallView& view = work.step.view;
  // An earlier send was given back; the one in flight is not logged yet.
  if (view.state == AttemptState::kPlanned && IsLive(row.result.state) && view.sends < row.sends) {
    view.state = row.result.state;
  }
  work.change.view = view;
  work.change.disposition = view.disposition;
  const bool withdrawn =
      row.result.state == AttemptState::kEnded && view.state != AttemptState::kEnded;
  if (withdrawn) {
    // It was taken back before its last send reached anybody, and stays so.
    work.change.disposition = row.result.disposition;
    work.step.actions.clear();
    return;
  }
  work.change.wake = work.step.wake;
  AttemptResult after = ResultOf(view, CountNotSent(facts));
  if (view.state == AttemptState::kPlanned) {
    after.retry_send_at = row.result.retry_send_at;
    if (IsLive(row.result.state)) {
      after.retry_send_at = AsStored(now_ + GivenBackDelay(facts, view));
      work.change.given_back_now = true;
      work.change.retry_send_at = *after.retry_send_at;
    }
  }
  Conclude(work, after);
}

// Compares what the facts say with what the row says.
void FactBatch::Conclude(Work& work, const AttemptResult& after) {
  if (!MustBeWritten(work.before, after)) return;
  const Campaign& campaign = campaigns_.at(work.row.key.campaign);
  Count(campaign, work.before, -1, counters_);
  Count(campaign, after, 1, counters_);
  work.written = true;
  if (after.state == AttemptState::kEnded) {
    work.ended = work.before.state != AttemptState::kEnded;
    work.revised = !work.ended;
    if (work.revised) ++work.row.revision;
    work.change.ended_now = work.ended;
  }
  work.row.result = after;
}

// What the rules concluded themselves is in the log like everything else.
void FactBatch::AppendVerdicts() {
  std::vector<AttemptFact> verdicts;
  for (auto& [key, work] : works_) {
    for (const Fact& fact : work.step.verdicts) {
      if (AddFact(work.log, fact)) verdicts.push_back({key, &fact});
    }
  }
  for (const auto& [key, count] : InsertFacts(session_, verdicts)) {
    works_.at(key).change.new_facts += count;
  }
}

void FactBatch::ReadServed() {
  std::set<AttemptKey> groups;
  for (auto& [key, work] : works_) {
    if (!work.written) continue;
    work.served.push_back({work.row.recipient, work.row.number_index});
    if (work.row.people > 1) groups.insert(key);
  }
  if (groups.empty()) return;
  const KeyArrays arrays(groups);
  for (const pqxx::row& raw :
       session_.Run(query::kReadGroupMembers, arrays.campaigns, arrays.ids)) {
    RowReader row(raw);
    const CampaignId campaign(row.Int64());
    const AttemptKey key{campaign, AttemptId(row.Int64())};
    const RecipientId recipient(row.Int64());
    works_.at(key).served.push_back({recipient, row.Int()});
  }
}

void FactBatch::SettlePeople() {
  std::set<PersonKey> keys;
  for (const auto& [key, work] : works_) {
    if (!work.ended && !work.revised) continue;
    for (const Served& served : work.served) keys.insert({key.campaign, served.recipient});
  }
  people_.Lock(session_, keys);
  for (auto& [key, work] : works_) {
    if (work.ended || work.revised) SettleOne(work);
  }
}

void FactBatch::SettleOne(Work& work) {
  const Campaign& campaign = campaigns_.at(work.row.key.campaign);
  std::set<PersonKey> elsewhere;
  if (work.revised) {
    // Whoever is in another attempt by now is decided when that ends.
    std::set<PersonKey> keys;
    for (const Served& served : work.served) keys.insert({campaign.id, served.recipient});
    const KeyArrays arrays(keys);
    for (const pqxx::row& raw : session_.Run(query::kOpenPeople, arrays.campaigns, arrays.ids)) {
      RowReader row(raw);
      const CampaignId id(row.Int64());
      elsewhere.insert({id, RecipientId(row.Int64())});
    }
  }
  for (const Served& served : work.served) {
    const PersonKey key{campaign.id, served.recipient};
    Person* person = people_.Find(key);
    if (person == nullptr) continue;
    const TriedCall call = TriedCallOf(work.row.key.attempt, served.number_index, work.step.view);
    std::vector<TriedCall>& tried = person->history.tried;
    const auto known = std::find_if(tried.begin(), tried.end(), [&](const TriedCall& other) {
      return other.attempt == call.attempt;
    });
    if (known != tried.end()) {
      *known = call;
    } else {
      tried.push_back(call);
    }
    std::stable_sort(tried.begin(), tried.end(), [](const TriedCall& a, const TriedCall& b) {
      return a.ended_at < b.ended_at;
    });
    const absl::Time began =
        work.row.result.sent_at.value_or(work.row.intended_at.value_or(work.row.planned_at));
    person->first_attempt_at = std::min(person->first_attempt_at.value_or(began), began);
    if (work.row.caller) person->last_caller = work.row.caller;
    people_.Touch(key);
    const RecipientVerdict verdict =
        DecideRecipient(campaign, person->history, tried.back().ended_at);
    if (elsewhere.contains(key) && !verdict.outcome) continue;
    if (work.revised && verdict.outcome) people_.Dequeue(key);
    people_.Settle(campaign, key, verdict, now_, counters_);
  }
}

void FactBatch::WriteRows() {
  std::vector<const AttemptRow*> rows;
  std::set<AttemptKey> unlocked;
  ArrayLiteral group_campaigns, group_attempts, group_ends;
  ArrayLiteral numbers, campaigns, attempts, callers;
  std::map<TrunkId, std::int64_t> not_sent;
  for (const auto& [key, work] : works_) {
    if (!work.written) continue;
    const AttemptResult& after = work.row.result;
    rows.push_back(&work.row);
    not_sent[work.row.trunk] += after.not_sent - work.before.not_sent;
    if (IsLive(work.before.state) && !IsLive(after.state)) unlocked.insert(key);
    if (work.ended && work.row.people > 1) {
      group_campaigns.Add(key.campaign.value());
      group_attempts.Add(key.attempt.value());
      group_ends.Add(*after.ended_at);
    }
    if (work.before.state == AttemptState::kPlanned && IsLive(after.state)) {
      // It had been given back, and rings all the same.
      numbers.Add(work.row.number);
      campaigns.Add(key.campaign.value());
      attempts.Add(key.attempt.value());
      callers.Add(work.row.caller.value_or(""));
      session_.Run(query::kLockNumbers, std::move(numbers).Take(), std::move(campaigns).Take(),
                   std::move(attempts).Take(), std::move(callers).Take(), work.row.trunk.value(),
                   TimeText(now_));
      numbers = campaigns = attempts = callers = ArrayLiteral();
    }
  }
  WriteAttempts(session_, rows);
  if (group_campaigns.size() > 0) {
    session_.Run(query::kEndGroups, std::move(group_campaigns).Take(),
                 std::move(group_attempts).Take(), std::move(group_ends).Take());
  }
  if (!unlocked.empty()) {
    const KeyArrays arrays(unlocked);
    session_.Run(query::kUnlockNumbers, arrays.campaigns, arrays.ids);
    session_.Run(query::kNotify, "slots");
  }
  for (const auto& [trunk, count] : not_sent) {
    if (count != 0) session_.Run(query::kAddTrunkSends, trunk.value(), -count);
  }
  if (people_.queued()) session_.Run(query::kNotify, "due");
}

void FactBatch::WriteAcknowledgements() {
  ArrayLiteral campaigns, recipients, attempts, numbers, tones, at, offsets, versions;
  ArrayLiteral gone_campaigns, gone_recipients, gone_attempts;
  for (const auto& [key, work] : works_) {
    if (!work.written) continue;
    const auto& press = work.step.view.acknowledged;
    if (work.before.acknowledged_at == work.row.result.acknowledged_at) continue;
    for (const Served& served : work.served) {
      ArrayLiteral& first = press ? campaigns : gone_campaigns;
      first.Add(key.campaign.value());
      (press ? recipients : gone_recipients).Add(served.recipient.value());
      (press ? attempts : gone_attempts).Add(key.attempt.value());
      if (!press) continue;
      numbers.Add(work.row.number);
      tones.Add(std::string_view(&press->tone, 1));
      at.Add(press->at);
      offsets.Add(absl::ToInt64Milliseconds(press->offset));
      versions.Add(MessageVersion(campaigns_.at(key.campaign), work.row.text));
    }
  }
  if (campaigns.size() > 0) {
    for (const pqxx::row& row :
         session_.Run(query::kWriteAcknowledgements, std::move(campaigns).Take(),
                      std::move(recipients).Take(), std::move(attempts).Take(),
                      std::move(numbers).Take(), std::move(tones).Take(), std::move(at).Take(),
                      std::move(offsets).Take(), std::move(versions).Take(), TimeText(now_))) {
      counters_.Add(CampaignId(row[0].as<std::int64_t>()), "acknowledged",
                    row[1].as<std::int64_t>());
    }
  }
  if (gone_campaigns.size() > 0) {
    for (const pqxx::row& row :
         session_.Run(query::kDeleteAcknowledgements, std::move(gone_campaigns).Take(),
                      std::move(gone_recipients).Take(), std::move(gone_attempts).Take())) {
      counters_.Add(CampaignId(row[0].as<std::int64_t>()), "acknowledged", -1);
    }
  }
}

// Opting out is for tenant, purpose and number. It is not taken back if a later
// fact takes the key away: a person's No is better kept once too often.
void FactBatch::WriteSuppressions() {
  ArrayLiteral tenants, numbers, purposes, campaigns, attempts;
  for (const auto& [key, work] : works_) {
    if (!work.written || !work.row.result.opted_out_at || work.before.opted_out_at) continue;
    const Campaign& campaign = campaigns_.at(key.campaign);
    tenants.Add(campaign.tenant.value());
    numbers.Add(work.row.number);
    purposes.Add(campaign.spec.purpose);
    campaigns.Add(key.campaign.value());
    attempts.Add(key.attempt.value());
  }
  if (tenants.size() == 0) return;
  session_.Run(query::kAddSuppressions, std::move(tenants).Take(), std::move(numbers).Take(),
               std::move(purposes).Take(), "opt_out", std::move(campaigns).Take(),
               std::move(attempts).Take(), TimeText(now_));
}

void FactBatch::WriteActions() {
  ArrayLiteral campaigns, attempts, ordinals, kinds;
  for (const auto& [key, work] : works_) {
    for (const Action& action : work.step.actions) {
      campaigns.Add(key.campaign.value());
      attempts.Add(key.attempt.value());
      ordinals.Add(action.ordinal);
      kinds.Add(Name(action.kind));
    }
  }
  if (campaigns.size() == 0) return;
  for (const pqxx::row& raw :
       session_.Run(query::kInsertActions, std::move(campaigns).Take(), std::move(attempts).Take(),
                    std::move(ordinals).Take(), std::move(kinds).Take(), TimeText(now_))) {
    RowReader row(raw);
    const CampaignId campaign(row.Int64());
    const AttemptKey key{campaign, AttemptId(row.Int64())};
    Action action;
    action.ordinal = row.Int();
    action.kind = row.Enum<ActionKind>();
    Work& work = works_.at(key);
    work.change.new_actions.push_back(action);
    if (work.change.call) continue;
    work.change.call = {key,
                        work.row.trunk,
                        work.change.view.call,
                        StoredNumber(work.row.number),
                        StoredNumber(*work.row.caller),
                        work.row.text};
  }
}

}  // namespace tocsin::db
