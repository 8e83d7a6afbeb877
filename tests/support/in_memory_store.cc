#include "tests/support/in_memory_store.h"

#include <algorithm>

#include "base/check.h"
#include "base/status_macros.h"
#include "fmt/format.h"

namespace tocsin {
namespace {

std::vector<Fact> FactsOf(const std::map<std::string, Fact>& facts) {
  std::vector<Fact> list;
  for (const auto& [key, fact] : facts) list.push_back(fact);
  return list;
}

bool TakesPeople(CampaignState state) {
  return state == CampaignState::kDraft || state == CampaignState::kRunning ||
         state == CampaignState::kPaused;
}

}  // namespace

void InMemoryStore::SetLeaseClock(absl::Time now) {
  std::lock_guard lock(mutex_);
  lease_now_ = now;
}

// --- Campaigns --------------------------------------------------------------

absl::StatusOr<Campaign> InMemoryStore::CreateCampaign(const ApiRequest& request,
                                                       const CampaignSpec& spec, absl::Time now) {
  std::lock_guard lock(mutex_);
  if (const auto it = requests_.find(request.request_id);
      !request.request_id.empty() && it != requests_.end()) {
    if (it->second.first != request.fingerprint) {
      return absl::AlreadyExistsError("request_id was used for another request");
    }
    return campaigns_.at(it->second.second).campaign;
  }
  const auto trunk = trunks_.find(spec.trunk);
  if (trunk == trunks_.end())
    return NotFound("there is no trunk '{}'; `tocsin trunk apply` makes one", spec.trunk);
  CampaignRow row;
  row.campaign.id = CampaignId((absl::ToUnixMillis(now) << 16) + next_id_++);
  row.campaign.tenant = request.tenant;
  row.campaign.spec = spec;
  row.campaign.created_at = now;
  row.campaign.time_scale = trunk->second.time_scale;
  if (!request.request_id.empty()) {
    requests_[request.request_id] = {request.fingerprint, row.campaign.id};
  }
  return campaigns_.emplace(row.campaign.id, row).first->second.campaign;
}

absl::StatusOr<Campaign> InMemoryStore::GetCampaign(TenantId tenant, CampaignId id) {
  std::lock_guard lock(mutex_);
  const auto it = campaigns_.find(id);
  if (it == campaigns_.end() || it->second.campaign.tenant != tenant) {
    return NotFound("there is no campaign {}", id.value());
  }
  return it->second.campaign;
}

absl::StatusOr<Campaign> InMemoryStore::GetCampaign(CampaignId id) {
  std::lock_guard lock(mutex_);
  const auto it = campaigns_.find(id);
  if (it == campaigns_.end()) return NotFound("there is no campaign {}", id.value());
  return it->second.campaign;
}

absl::StatusOr<CampaignPage> InMemoryStore::ListCampaigns(TenantId tenant, CampaignId after,
                                                          int page_size) {
  std::lock_guard lock(mutex_);
  CampaignPage page;
  for (auto it = campaigns_.rbegin(); it != campaigns_.rend(); ++it) {
    if (it->second.campaign.tenant != tenant || (after.is_set() && it->first >= after)) continue;
    if (static_cast<int>(page.campaigns.size()) == page_size) {
      page.next_after = page.campaigns.back().id;
      break;
    }
    page.campaigns.push_back(it->second.campaign);
  }
  return page;
}

absl::StatusOr<Campaign> InMemoryStore::CommandCampaign(const ApiRequest& request, CampaignId id,
                                                        CampaignCommand command, CancelMode mode,
                                                        const std::string& reason, absl::Time now) {
  std::lock_guard lock(mutex_);
  const auto it = campaigns_.find(id);
  if (it == campaigns_.end() || it->second.campaign.tenant != request.tenant) {
    return NotFound("there is no campaign {}", id.value());
  }
  Campaign& campaign = it->second.campaign;
  TOCSIN_ASSIGN_OR_RETURN(const CampaignState after, AfterCommand(campaign.state, command));
  if (after == campaign.state) return campaign;
  if (command == CampaignCommand::kStart) {
    if (HasOpenImport(id)) {
      return FailedPrecondition("an import into this campaign is still open; finish it first");
    }
    if (it->second.people == 0) {
      return FailedPrecondition("the campaign has no recipients; import some first");
    }
    campaign.started_at = now;
    campaign.expires_at = now + campaign.spec.expires_after;
    campaign.state = after;
    for (auto& [key, row] : recipients_) {
      if (key.first == id) Apply(id, key.second, row, FirstTry(campaign, row.history, now));
    }
  }
  campaign.state = after;
  campaign.state_reason = reason;
  if (command == CampaignCommand::kCancel) campaign.cancel_mode = mode;
  return campaign;
}

absl::StatusOr<ImportSummary> InMemoryStore::BeginImport(const ApiRequest& request, CampaignId id,
                                                         absl::Time) {
  std::lock_guard lock(mutex_);
  const auto it = campaigns_.find(id);
  if (it == campaigns_.end() || it->second.campaign.tenant != request.tenant) {
    return NotFound("there is no campaign {}", id.value());
  }
  const CampaignState state = it->second.campaign.state;
  if (!TakesPeople(state)) {
    return FailedPrecondition("cannot import into a campaign that is {}", Name(state));
  }
  if (const auto known = import_requests_.find(request.request_id);
      !request.request_id.empty() && known != import_requests_.end()) {
    if (known->second.first != request.fingerprint) {
      return absl::AlreadyExistsError("request_id was used for another request");
    }
    ImportState& first = imports_.at(known->second.second);
    first.open = true;
    return first.summary;
  }
  const ImportId import(next_id_++);
  imports_[import].campaign = id;
  imports_[import].summary.id = import;
  if (!request.request_id.empty()) {
    import_requests_[request.request_id] = {request.fingerprint, import};
  }
  return imports_[import].summary;
}

absl::StatusOr<ImportBatchResult> InMemoryStore::ImportBatch(ImportId id, std::int64_t batch_no,
                                                             const std::vector<ImportRow>& rows,
                                                             const std::vector<RefusedRow>& refused,
                                                             absl::Time now) {
  std::lock_guard lock(mutex_);
  const auto import = imports_.find(id);
  if (import == imports_.end()) return NotFound("there is no import {}", id.value());
  if (const auto known = import->second.batches.find(batch_no);
      known != import->second.batches.end()) {
    return known->second;
  }
  if (!import->second.open) {
    return FailedPrecondition("the import {} is finished; begin another", id.value());
  }
  CampaignRow& campaign = campaigns_.at(import->second.campaign);
  if (!TakesPeople(campaign.campaign.state)) {
    return FailedPrecondition("cannot import into a campaign that is {}",
                              Name(campaign.campaign.state));
  }
  ImportBatchResult result;
  for (const ImportRow& row : rows) {
    if (!person_keys_[campaign.campaign.id].insert(row.person_key).second) {
      result.duplicates.push_back({row.line, row.person_key, "person_key", "DUPLICATE_PERSON",
                                   "this person_key is already in the campaign"});
      continue;
    }
    const RecipientId recipient(next_id_++);
    RecipientRow& added = recipients_[{campaign.campaign.id, recipient}];
    added.person_key = row.person_key;
    added.numbers = row.numbers;
    added.priority = row.priority;
    if (row.message) {
      added.text = TextIdOf(*row.message);
      texts_[{campaign.campaign.id, added.text}] = *row.message;
    }
    added.history.recipient = recipient;
    added.history.time_zone = row.time_zone;
    added.history.marks.assign(row.numbers.size(), NumberMark::kUsable);
    ++campaign.people;
    ++result.accepted;
    if (campaign.campaign.started_at) {
      Apply(campaign.campaign.id, recipient, added,
            FirstTry(campaign.campaign, added.history, now));
    }
  }
  campaign.refused.insert(campaign.refused.end(), refused.begin(), refused.end());
  campaign.refused.insert(campaign.refused.end(), result.duplicates.begin(),
                          result.duplicates.end());
  ImportSummary& summary = import->second.summary;
  summary.accepted += result.accepted;
  summary.duplicates += static_cast<std::int64_t>(result.duplicates.size());
  summary.refused += static_cast<std::int64_t>(refused.size());
  import->second.batches[batch_no] = result;
  return result;
}

absl::StatusOr<ImportSummary> InMemoryStore::FinishImport(ImportId id, absl::Time) {
  std::lock_guard lock(mutex_);
  const auto import = imports_.find(id);
  if (import == imports_.end()) return NotFound("there is no import {}", id.value());
  import->second.open = false;
  return import->second.summary;
}

bool InMemoryStore::HasOpenImport(CampaignId id) const {
  return std::any_of(imports_.begin(), imports_.end(), [&](const auto& entry) {
    return entry.second.campaign == id && entry.second.open;
  });
}

absl::StatusOr<RefusedPage> InMemoryStore::ListRefusedRows(TenantId tenant, CampaignId id,
                                                           std::int64_t after, int page_size) {
  std::lock_guard lock(mutex_);
  const auto it = campaigns_.find(id);
  if (it == campaigns_.end() || it->second.campaign.tenant != tenant) {
    return NotFound("there is no campaign {}", id.value());
  }
  RefusedPage page;
  const auto& all = it->second.refused;
  for (std::size_t i = static_cast<std::size_t>(after); i < all.size(); ++i) {
    if (static_cast<int>(page.rows.size()) == page_size) {
      page.next_after = static_cast<std::int64_t>(i);
      break;
    }
    page.rows.push_back(all[i]);
  }
  return page;
}

absl::StatusOr<CampaignProgress> InMemoryStore::GetProgress(CampaignId id) {
  std::lock_guard lock(mutex_);
  const auto it = campaigns_.find(id);
  if (it == campaigns_.end()) return NotFound("there is no campaign {}", id.value());
  CampaignProgress progress;
  progress.state = it->second.campaign.state;
  progress.state_reason = it->second.campaign.state_reason;
  progress.people = it->second.people;
  for (const RefusedRow& row : it->second.refused) {
    ++(row.reason == "DUPLICATE_PERSON" ? progress.duplicates : progress.refused);
  }
  progress.due = static_cast<std::int64_t>(due_[id].size());
  for (const auto& [key, row] : recipients_) {
    if (key.first != id) continue;
    if (row.outcome) ++progress.outcomes[*row.outcome];
    if (row.acknowledged_at) ++progress.acknowledged;
  }
  for (const auto& [key, row] : attempts_) {
    if (key.campaign != id) continue;
    if (Live(row)) ++progress.live;
    progress.sends += row.view.sends;
    if (row.state != AttemptState::kEnded) continue;
    ++progress.attempts;
    ++progress.dispositions[*row.view.disposition];
    if (row.view.opted_out) ++progress.opt_outs;
    if (row.view.disposition != Disposition::kAnswered) continue;
    if (row.view.delivery == Delivery::kNone) ++progress.unheard_answers;
    if (row.view.answered_by != AnsweredBy::kHuman && row.view.ended_at && row.view.answered_at &&
        *row.view.ended_at - *row.view.answered_at <
            absl::Seconds(6) / it->second.campaign.time_scale) {
      ++progress.short_calls;
    }
  }
  return progress;
}

absl::StatusOr<std::vector<ReportTable>> InMemoryStore::RunReport(CampaignId) {
  return absl::UnimplementedError("the report is SQL; the in-memory store has none");
}

absl::StatusOr<std::vector<std::string>> InMemoryStore::RunAudit(std::optional<CampaignId> id) {
  std::lock_guard lock(mutex_);
  std::vector<std::string> findings;
  std::set<RecipientKey> open;
  std::set<std::string> numbers;
  for (const auto& [key, row] : attempts_) {
    if ((id && key.campaign != *id) || row.state == AttemptState::kEnded) continue;
    for (const Member& member : row.members) {
      if (!open.insert({key.campaign, member.recipient}).second) {
        findings.push_back("a person is in two attempts");
      }
    }
    if (Live(row) && !numbers.insert(row.to.e164()).second) {
      findings.push_back("two live attempts for one number");
    }
  }
  for (const auto& [key, row] : recipients_) {
    if (id && key.first != *id) continue;
    const CampaignState state = campaigns_.at(key.first).campaign.state;
    const bool over = state == CampaignState::kCompleted || state == CampaignState::kCanceled;
    if (over && !row.outcome) findings.push_back("a person without outcome in an ended campaign");
    if (row.in_attempt != open.contains(key)) {
      findings.push_back("a person's attempt and the attempts differ");
    }
    if (row.in_queue && (row.in_attempt || row.outcome)) {
      findings.push_back("a person is queued and also elsewhere");
    }
    if (row.outcome == Outcome::kConfirmed && !row.acknowledged_at) {
      findings.push_back("confirmed without an acknowledgement");
    }
  }
  return findings;
}

std::vector<std::string> InMemoryStore::DescribeOpen() {
  std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  for (const auto& [key, row] : attempts_) {
    if (row.state == AttemptState::kEnded) continue;
    std::string line =
        fmt::format("attempt {} {} claim_epoch={} intent_epoch={} members={}:", key.attempt.value(),
                    Name(row.state), row.claim_epoch, row.intent_epoch, row.members.size());
    for (const auto& [fact_key, fact] : row.facts) line += " " + fact_key;
    lines.push_back(line);
  }
  return lines;
}

// --- Prompts, trunks, suppressions ------------------------------------------

absl::StatusOr<PromptId> InMemoryStore::SavePrompt(TenantId, const std::string& wav,
                                                   absl::Duration length, absl::Time) {
  std::lock_guard lock(mutex_);
  for (const auto& [id, prompt] : prompts_) {
    if (prompt.wav == wav) return id;
  }
  const PromptId id(next_id_++);
  prompts_[id] = {id, fmt::format("prompt-{}.wav", id.value()), wav, length};
  return id;
}

absl::StatusOr<Prompt> InMemoryStore::GetPrompt(PromptId id) {
  std::lock_guard lock(mutex_);
  const auto it = prompts_.find(id);
  if (it == prompts_.end()) return NotFound("there is no prompt {}", id.value());
  return it->second;
}

absl::StatusOr<SpokenMessage> InMemoryStore::GetText(CampaignId campaign, TextId text) {
  std::lock_guard lock(mutex_);
  const auto it = texts_.find({campaign, text});
  if (it == texts_.end()) return absl::NotFoundError("there is no such text");
  return it->second;
}

absl::StatusOr<Prompt> InMemoryStore::FindPrompt(const std::string& public_name) {
  std::lock_guard lock(mutex_);
  for (const auto& [id, prompt] : prompts_) {
    if (prompt.public_name == public_name) return prompt;
  }
  return absl::NotFoundError("there is no such prompt");
}

absl::StatusOr<Trunk> InMemoryStore::SaveTrunk(const Trunk& trunk, absl::Time) {
  std::lock_guard lock(mutex_);
  Trunk& row = trunks_[trunk.name];
  const TrunkId id = row.id.is_set() ? row.id : TrunkId(next_id_++);
  row = trunk;
  row.id = id;
  return row;
}

absl::StatusOr<Trunk> InMemoryStore::GetTrunk(const std::string& name) {
  std::lock_guard lock(mutex_);
  const auto it = trunks_.find(name);
  if (it == trunks_.end()) return NotFound("there is no trunk '{}'", name);
  return it->second;
}

absl::StatusOr<std::vector<Trunk>> InMemoryStore::ListTrunks() {
  std::lock_guard lock(mutex_);
  std::vector<Trunk> list;
  for (const auto& [name, trunk] : trunks_) list.push_back(trunk);
  return list;
}

absl::Status InMemoryStore::AddSuppressions(TenantId tenant, const std::string& purpose,
                                            const std::vector<PhoneNumber>& numbers,
                                            const std::string&, absl::Time) {
  std::lock_guard lock(mutex_);
  for (const PhoneNumber& number : numbers) suppressions_.insert({tenant, purpose, number.e164()});
  return absl::OkStatus();
}

bool InMemoryStore::Suppressed(const Campaign& campaign, const PhoneNumber& number) const {
  return suppressions_.contains({campaign.tenant, campaign.spec.purpose, number.e164()}) ||
         suppressions_.contains({campaign.tenant, "*", number.e164()});
}

// --- Lease ------------------------------------------------------------------

absl::StatusOr<Lease> InMemoryStore::AcquireLease(const std::string& group, const std::string& node,
                                                  absl::Duration length) {
  std::lock_guard lock(mutex_);
  LeaseRow& row = leases_[group];
  const bool ours = row.holder == node;
  if (!ours && lease_now_ < row.expires_at) {
    return Lease{false, row.epoch, row.expires_at - lease_now_, row.holder};
  }
  if (!ours) ++row.epoch;
  row.holder = node;
  row.expires_at = lease_now_ + length;
  return Lease{true, row.epoch, length, node};
}

absl::Status InMemoryStore::ReleaseLease(const std::string& group, const std::string& node,
                                         std::int64_t epoch) {
  std::lock_guard lock(mutex_);
  LeaseRow& row = leases_[group];
  if (row.holder != node || row.epoch != epoch) return absl::OkStatus();
  row.holder.clear();
  row.expires_at = lease_now_;
  return absl::OkStatus();
}

absl::StatusOr<int> InMemoryStore::TakeOver(const std::string&, std::int64_t epoch,
                                            absl::Time now) {
  std::lock_guard lock(mutex_);
  int unresolved = 0;
  for (auto& [key, row] : attempts_) {
    if (row.state != AttemptState::kDialing || row.intent_epoch >= epoch) continue;
    // The send that was on its way: results of earlier ones may be logged.
    if (row.view.sends > 0 && !row.view.given_back) continue;
    if (row.view.seen_alive) continue;
    Fact fact;
    fact.kind = FactKind::kCreateUnknown;
    fact.at = row.intended_at;
    fact.received_at = now;
    fact.number = row.view.sends + 1;
    fact.key = OwnFactKey(fact.kind, fact.number);
    fact.text = "interrupted";
    RecordOne(key, {fact}, now);
    ++unresolved;
  }
  return unresolved;
}

// --- Scheduling -------------------------------------------------------------

void InMemoryStore::Enqueue(CampaignId campaign, RecipientId recipient, RecipientRow& row,
                            const RecipientVerdict& verdict) {
  TOCSIN_CHECK(!row.in_queue && !row.in_attempt && !row.outcome);
  row.waiting = verdict;
  row.in_queue = true;
  due_[campaign].insert({-row.priority, *verdict.next_at, recipient});
}

void InMemoryStore::Dequeue(CampaignId campaign, RecipientId recipient, RecipientRow& row) {
  due_[campaign].erase({-row.priority, *row.waiting.next_at, recipient});
  row.in_queue = false;
}

void InMemoryStore::Apply(CampaignId campaign, RecipientId recipient, RecipientRow& row,
                          const RecipientVerdict& verdict) {
  if (verdict.outcome) {
    if (row.in_queue) Dequeue(campaign, recipient, row);
    row.outcome = verdict.outcome;
    row.reason = verdict.reason;
  } else if (!row.in_queue && !row.outcome) {
    Enqueue(campaign, recipient, row, verdict);
  }
}

absl::StatusOr<std::vector<ActiveCampaign>> InMemoryStore::ListActiveCampaigns() {
  std::lock_guard lock(mutex_);
  std::map<CampaignId, ActiveCampaign> active;
  for (const auto& [id, row] : campaigns_) {
    const CampaignState state = row.campaign.state;
    if (state != CampaignState::kRunning && state != CampaignState::kPaused &&
        state != CampaignState::kCanceling) {
      continue;
    }
    ActiveCampaign& entry = active[id];
    entry.campaign = row.campaign;
    entry.people = row.people;
    for (const auto& [priority, at, recipient] : due_[id]) {
      if (!entry.next_due || at < *entry.next_due) entry.next_due = at;
    }
  }
  for (const auto& [key, row] : attempts_) {
    const auto it = active.find(key.campaign);
    if (it == active.end()) continue;
    if (Live(row)) ++it->second.live;
    if (row.state == AttemptState::kPlanned) ++it->second.planned;
  }
  std::vector<ActiveCampaign> list;
  for (auto& [id, entry] : active) list.push_back(std::move(entry));
  return list;
}

PlannedAttempt InMemoryStore::Planned(const AttemptKey& key, const AttemptRow& row) const {
  const RecipientRow& leader = recipients_.at({key.campaign, row.members.front().recipient});
  PlannedAttempt planned{key,
                         row.to,
                         leader.history.time_zone,
                         "",
                         row.view.sends,
                         leader.caller,
                         static_cast<int>(row.members.size())};
  return planned;
}

AttemptKey InMemoryStore::Plan(CampaignRow& campaign, RecipientId leader, std::int64_t epoch) {
  const CampaignId id = campaign.campaign.id;
  const AttemptKey key{id, AttemptId(next_id_++)};
  RecipientRow& first = recipients_.at({id, leader});
  const auto number_of = [](const RecipientRow& row) {
    return row.numbers[static_cast<std::size_t>(row.waiting.number_index)];
  };
  AttemptRow row{{}, number_of(first), trunks_.at(campaign.campaign.spec.trunk).id, first.text};
  row.claim_epoch = epoch;
  const auto join = [&](RecipientId recipient, RecipientRow& person) {
    row.members.push_back({recipient, person.waiting.number_index});
    Dequeue(id, recipient, person);
    person.in_attempt = true;
  };
  const PhoneNumber to = number_of(first);
  join(leader, first);
  if (campaign.campaign.spec.ack.scope == AckScope::kNumber) {
    const std::set<DueKey> queue = due_[id];
    for (const auto& [priority, at, recipient] : queue) {
      RecipientRow& person = recipients_.at({id, recipient});
      if (number_of(person) == to && person.text == row.text) join(recipient, person);
    }
  }
  attempts_.emplace(key, std::move(row));
  return key;
}

std::vector<PlannedAttempt> InMemoryStore::TakePlanned(
    OperationId operation, const std::function<std::vector<AttemptKey>()>& take) {
  const auto known = claims_.find(operation);
  const std::vector<AttemptKey> keys =
      known != claims_.end() ? known->second : claims_.emplace(operation, take()).first->second;
  std::vector<PlannedAttempt> planned;
  for (const AttemptKey& key : keys) planned.push_back(Planned(key, attempts_.at(key)));
  return planned;
}

absl::StatusOr<std::vector<PlannedAttempt>> InMemoryStore::AdoptPlanned(
    OperationId operation, CampaignId id, std::int64_t epoch, int limit, absl::Time /*now*/) {
  std::lock_guard lock(mutex_);
  return TakePlanned(operation, [&] {
    std::vector<AttemptKey> keys;
    for (auto& [key, row] : attempts_) {
      if (static_cast<int>(keys.size()) == limit) break;
      if (key.campaign != id || row.state != AttemptState::kPlanned || row.claim_epoch >= epoch) {
        continue;
      }
      row.claim_epoch = epoch;
      keys.push_back(key);
    }
    return keys;
  });
}

absl::StatusOr<std::vector<PlannedAttempt>> InMemoryStore::ClaimDue(OperationId operation,
                                                                    CampaignId id,
                                                                    std::int64_t epoch, int limit,
                                                                    absl::Time now) {
  std::lock_guard lock(mutex_);
  return TakePlanned(operation, [&] {
    std::vector<AttemptKey> keys;
    CampaignRow& campaign = campaigns_.at(id);
    if (campaign.campaign.state != CampaignState::kRunning) return keys;
    while (static_cast<int>(keys.size()) < limit) {
      const auto& queue = due_[id];
      const auto first = std::find_if(queue.begin(), queue.end(), [&](const DueKey& entry) {
        return std::get<absl::Time>(entry) <= now;
      });
      if (first == queue.end()) break;
      keys.push_back(Plan(campaign, std::get<RecipientId>(*first), epoch));
    }
    return keys;
  });
}

absl::StatusOr<SlotCount> InMemoryStore::CountSlots(TrunkId trunk) {
  std::lock_guard lock(mutex_);
  SlotCount count;
  for (const auto& [key, row] : attempts_) {
    if (row.trunk != trunk) continue;
    count.sends += row.view.sends;
    if (!Live(row)) continue;
    ++count.live;
    if (row.caller) ++count.live_by_caller[row.caller->e164()];
  }
  return count;
}

absl::StatusOr<std::vector<IntentVerdict>> InMemoryStore::CommitIntents(
    OperationId operation, const std::string& group, std::int64_t epoch, const Trunk& trunk,
    const std::vector<IntentRequest>& requests, absl::Time now) {
  std::lock_guard lock(mutex_);
  if (const auto known = intents_.find(operation); known != intents_.end()) return known->second;
  std::vector<IntentVerdict> verdicts;
  const bool holder = leases_[group].epoch == epoch && !leases_[group].holder.empty();
  for (const IntentRequest& request : requests) {
    verdicts.push_back(holder ? CommitIntent(request, epoch, trunk, now)
                              : IntentVerdict::kNotHolder);
  }
  intents_[operation] = verdicts;
  return verdicts;
}

IntentVerdict InMemoryStore::CommitIntent(const IntentRequest& request, std::int64_t epoch,
                                          const Trunk& trunk, absl::Time now) {
  const auto it = attempts_.find(request.attempt);
  if (it == attempts_.end() || it->second.state != AttemptState::kPlanned) {
    return IntentVerdict::kWithdrawn;
  }
  AttemptRow& row = it->second;
  const CampaignId id = request.attempt.campaign;
  const Campaign& campaign = campaigns_.at(id).campaign;
  if (campaign.state != CampaignState::kRunning) return IntentVerdict::kStopped;
  const bool suppressed = Suppressed(campaign, row.to);
  bool wanted = false;
  for (const Member& member : row.members) {
    RecipientRow& person = recipients_.at({id, member.recipient});
    NumberMark& mark = person.history.marks[static_cast<std::size_t>(member.number_index)];
    if (request.guard_refusal) {
      mark = NumberMark::kRefusedByGuard;
      person.history.mark_reason = *request.guard_refusal;
    } else if (suppressed) {
      mark = NumberMark::kSuppressed;
      person.history.mark_reason = "suppressed";
    }
    wanted |= !DecideRecipient(campaign, person.history, now).outcome.has_value();
  }
  if (request.guard_refusal || suppressed || !wanted) {
    Withdraw(request.attempt, now);
    return IntentVerdict::kWithdrawn;
  }
  int live = 0;
  int live_caller = 0;
  int live_campaign = 0;
  for (const auto& [key, other] : attempts_) {
    if (!Live(other)) continue;
    if (other.trunk == trunk.id) ++live;
    if (other.trunk == trunk.id && other.caller == request.caller) ++live_caller;
    if (key.campaign == id) ++live_campaign;
  }
  if (live >= trunk.concurrent_max || live_caller >= trunk.concurrent_max_per_caller ||
      (campaign.spec.concurrent_max > 0 && live_campaign >= campaign.spec.concurrent_max)) {
    return IntentVerdict::kNoSlot;
  }
  if (!number_locks_.emplace(row.to.e164(), request.attempt).second) {
    return IntentVerdict::kNumberBusy;
  }
  row.state = AttemptState::kDialing;
  row.intended_at = now;
  ++row.intents;
  row.intent_epoch = epoch;
  row.caller = request.caller;
  for (const Member& member : row.members) {
    recipients_.at({id, member.recipient}).caller = request.caller;
  }
  return IntentVerdict::kGo;
}

// A planned attempt that will not be made; its people go on without it.
void InMemoryStore::Withdraw(const AttemptKey& key, absl::Time now) {
  AttemptRow& row = attempts_.at(key);
  const Campaign& campaign = campaigns_.at(key.campaign).campaign;
  for (const Member& member : row.members) {
    RecipientRow& person = recipients_.at({key.campaign, member.recipient});
    person.in_attempt = false;
    Apply(key.campaign, member.recipient, person, DecideRecipient(campaign, person.history, now));
  }
  if (row.facts.empty()) {
    attempts_.erase(key);
    return;
  }
  row.state = AttemptState::kEnded;
  row.view.state = AttemptState::kEnded;
  row.view.disposition = Disposition::kCanceled;
  row.view.ended_at = now;
}

absl::Status InMemoryStore::ReturnToQueue(
    const std::vector<std::pair<AttemptKey, absl::Time>>& attempts, absl::Time now) {
  std::lock_guard lock(mutex_);
  for (const auto& [key, due] : attempts) {
    const auto it = attempts_.find(key);
    if (it == attempts_.end() || it->second.state != AttemptState::kPlanned) continue;
    const std::vector<Member> members = it->second.members;
    for (const Member& member : members) {
      RecipientRow& person = recipients_.at({key.campaign, member.recipient});
      person.in_attempt = false;
      RecipientVerdict verdict;
      verdict.next_at = due;
      verdict.number_index = member.number_index;
      Apply(key.campaign, member.recipient, person, verdict);
    }
    if (it->second.facts.empty()) {
      attempts_.erase(it);
    } else {
      it->second.state = AttemptState::kEnded;
      it->second.view.state = AttemptState::kEnded;
      it->second.view.disposition = Disposition::kCanceled;
      it->second.view.ended_at = now;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int> InMemoryStore::ConcludeRecipients(CampaignId id, Outcome otherwise, int limit,
                                                      absl::Time now) {
  std::lock_guard lock(mutex_);
  const Campaign& campaign = campaigns_.at(id).campaign;
  int concluded = 0;
  std::vector<AttemptKey> planned;
  for (const auto& [key, row] : attempts_) {
    if (key.campaign == id && row.state == AttemptState::kPlanned) planned.push_back(key);
  }
  const auto conclude = [&](RecipientId recipient, RecipientRow& person) {
    Apply(id, recipient, person, ConcludeRecipient(campaign, person.history, otherwise));
    ++concluded;
  };
  for (const AttemptKey& key : planned) {
    if (concluded >= limit) break;
    AttemptRow& row = attempts_.at(key);
    for (const Member& member : row.members) {
      RecipientRow& person = recipients_.at({id, member.recipient});
      person.in_attempt = false;
      conclude(member.recipient, person);
    }
    row.members.clear();
    if (row.facts.empty()) {
      attempts_.erase(key);
    } else {
      row.state = AttemptState::kEnded;
      row.view.state = AttemptState::kEnded;
      row.view.disposition = Disposition::kCanceled;
      row.view.ended_at = now;
    }
  }
  const std::set<DueKey> queue = due_[id];
  for (const auto& [priority, at, recipient] : queue) {
    if (concluded >= limit) break;
    conclude(recipient, recipients_.at({id, recipient}));
  }
  for (auto& [key, person] : recipients_) {
    // A draft that was canceled: nobody of it is in the queue.
    if (concluded >= limit || campaign.started_at) break;
    if (key.first == id && !person.outcome) conclude(key.second, person);
  }
  return concluded;
}

absl::StatusOr<bool> InMemoryStore::CompleteIfDone(CampaignId id, absl::Time now) {
  std::lock_guard lock(mutex_);
  CampaignRow& row = campaigns_.at(id);
  if (row.campaign.state != CampaignState::kRunning &&
      row.campaign.state != CampaignState::kCanceling) {
    return false;
  }
  if (!due_[id].empty()) return false;
  const bool over = row.campaign.state == CampaignState::kCanceling ||
                    (row.campaign.expires_at && now >= *row.campaign.expires_at);
  if (!over && HasOpenImport(id)) return false;
  for (const auto& [key, attempt] : attempts_) {
    if (key.campaign == id && attempt.state != AttemptState::kEnded) return false;
  }
  for (const auto& [key, person] : recipients_) {
    if (key.first == id && !person.outcome) return false;
  }
  row.campaign.state = row.campaign.state == CampaignState::kRunning ? CampaignState::kCompleted
                                                                     : CampaignState::kCanceled;
  row.campaign.ended_at = now;
  return true;
}

absl::Status InMemoryStore::PauseCampaign(CampaignId id, const std::string& reason, absl::Time) {
  std::lock_guard lock(mutex_);
  Campaign& campaign = campaigns_.at(id).campaign;
  if (campaign.state != CampaignState::kRunning) return absl::OkStatus();
  campaign.state = CampaignState::kPaused;
  campaign.state_reason = reason;
  return absl::OkStatus();
}

// --- Facts ------------------------------------------------------------------

absl::StatusOr<std::vector<AttemptChange>> InMemoryStore::RecordFacts(
    const std::vector<AttemptInput>& inputs, absl::Time now) {
  std::lock_guard lock(mutex_);
  std::map<AttemptKey, std::vector<Fact>> by_attempt;
  for (const AttemptInput& input : inputs) {
    auto& facts = by_attempt[input.attempt];
    if (input.fact) facts.push_back(*input.fact);
  }
  std::vector<AttemptChange> changes;
  for (const auto& [key, facts] : by_attempt) changes.push_back(RecordOne(key, facts, now));
  return changes;
}

AttemptChange InMemoryStore::RecordOne(const AttemptKey& key, const std::vector<Fact>& facts,
                                       absl::Time now) {
  AttemptChange change;
  change.attempt = key;
  const auto it = attempts_.find(key);
  if (it == attempts_.end()) return change;
  AttemptRow& row = it->second;
  const Campaign& campaign = campaigns_.at(key.campaign).campaign;
  change.known = true;
  change.trunk = row.trunk;
  change.time_scale = campaign.time_scale;
  for (const Fact& fact : facts) change.new_facts += row.facts.emplace(fact.key, fact).second;
  if (row.facts.empty() && row.state == AttemptState::kPlanned) return change;

  AttemptStep step = StepAttempt(campaign, row.intended_at, FactsOf(row.facts), now);
  for (const Fact& verdict : step.verdicts) row.facts.emplace(verdict.key, verdict);
  for (const Action& action : step.actions) {
    if (!row.actions.emplace(action.ordinal, now).second) continue;
    row.action_kinds[action.ordinal] = action.kind;
    change.new_actions.push_back(action);
  }
  change.view = step.view;
  if (!change.new_actions.empty()) {
    change.call = {key, row.trunk, step.view.call, row.to, *row.caller, row.text};
  }
  change.wake = step.wake;
  change.disposition = step.view.disposition;
  const AttemptState before = row.state;
  const bool withdrawn = before == AttemptState::kEnded &&
                         row.view.disposition == Disposition::kCanceled &&
                         step.view.state != AttemptState::kEnded;
  if (withdrawn) return change;
  row.view = step.view;
  NoteResponses(key, row);
  if (before == AttemptState::kEnded) {
    Revise(key, row);
  } else if (step.view.state == AttemptState::kEnded) {
    End(key, row, change);
  } else if (step.view.state == AttemptState::kPlanned) {
    if (Live(row) && row.view.sends < row.intents) {
      // An earlier send was given back; the one in flight is not logged yet.
      change.view.state = row.state;
    } else if (Live(row)) {
      row.state = AttemptState::kPlanned;
      ReleaseNumber(key, row);
      change.given_back_now = true;
      change.retry_send_at = now + absl::Seconds(1);
    }
  } else {
    row.state = step.view.state;
  }
  return change;
}

void InMemoryStore::ReleaseNumber(const AttemptKey& key, const AttemptRow& row) {
  const auto lock = number_locks_.find(row.to.e164());
  if (lock != number_locks_.end() && lock->second == key) number_locks_.erase(lock);
}

void InMemoryStore::NoteResponses(const AttemptKey& key, AttemptRow& row) {
  const Campaign& campaign = campaigns_.at(key.campaign).campaign;
  if (row.view.opted_out) {
    suppressions_.insert({campaign.tenant, campaign.spec.purpose, row.to.e164()});
  }
  if (!row.view.acknowledged) return;
  for (const Member& member : row.members) {
    RecipientRow& person = recipients_.at({key.campaign, member.recipient});
    if (!person.acknowledged_at) person.acknowledged_at = row.view.acknowledged->at;
  }
}

void InMemoryStore::End(const AttemptKey& key, AttemptRow& row, AttemptChange& change) {
  row.state = AttemptState::kEnded;
  ReleaseNumber(key, row);
  change.ended_now = true;
  const Campaign& campaign = campaigns_.at(key.campaign).campaign;
  for (const Member& member : row.members) {
    RecipientRow& person = recipients_.at({key.campaign, member.recipient});
    person.history.tried.push_back(TriedCallOf(key.attempt, member.number_index, row.view));
    person.in_attempt = false;
    Apply(key.campaign, member.recipient, person,
          DecideRecipient(campaign, person.history, *row.view.ended_at));
  }
}

void InMemoryStore::Revise(const AttemptKey& key, AttemptRow& row) {
  const Campaign& campaign = campaigns_.at(key.campaign).campaign;
  for (const Member& member : row.members) {
    RecipientRow& person = recipients_.at({key.campaign, member.recipient});
    for (TriedCall& call : person.history.tried) {
      if (call.attempt == key.attempt) {
        call = TriedCallOf(key.attempt, member.number_index, row.view);
      }
    }
    // Whoever is in another attempt is decided when that ends; nobody is
    // queued again who was done.
    if (person.in_attempt) continue;
    const RecipientVerdict verdict = DecideRecipient(campaign, person.history, *row.view.ended_at);
    if (verdict.outcome) Apply(key.campaign, member.recipient, person, verdict);
  }
}

absl::StatusOr<std::vector<AttemptKey>> InMemoryStore::ListLiveAttempts(AttemptKey after,
                                                                        int limit) {
  std::lock_guard lock(mutex_);
  std::vector<AttemptKey> keys;
  for (auto it = attempts_.upper_bound(after); it != attempts_.end(); ++it) {
    if (static_cast<int>(keys.size()) == limit) break;
    if (Live(it->second)) keys.push_back(it->first);
  }
  return keys;
}

absl::StatusOr<std::vector<PendingAction>> InMemoryStore::ClaimPendingActions(absl::Time before,
                                                                              int limit,
                                                                              absl::Time now) {
  std::lock_guard lock(mutex_);
  std::vector<PendingAction> pending;
  for (auto& [key, row] : attempts_) {
    if (!Live(row)) continue;
    for (auto& [ordinal, since] : row.actions) {
      if (static_cast<int>(pending.size()) == limit) return pending;
      if (row.action_kinds[ordinal] == ActionKind::kTransfer) continue;
      const bool answered = row.facts.contains(OwnFactKey(FactKind::kActionAccepted, ordinal)) ||
                            row.facts.contains(OwnFactKey(FactKind::kActionRefused, ordinal));
      if (answered || since >= before) continue;
      since = now;
      pending.push_back({{key, row.trunk, row.view.call, row.to, *row.caller, row.text},
                         {ordinal, row.action_kinds[ordinal]}});
    }
  }
  return pending;
}

absl::StatusOr<std::vector<UnresolvedSend>> InMemoryStore::ListUnresolved(TrunkId trunk,
                                                                          int limit) {
  std::lock_guard lock(mutex_);
  std::vector<UnresolvedSend> sends;
  for (const auto& [key, row] : attempts_) {
    const bool running = campaigns_.at(key.campaign).campaign.state == CampaignState::kRunning;
    if (row.trunk != trunk || row.state != AttemptState::kUnresolved || !running) continue;
    if (static_cast<int>(sends.size()) == limit) break;
    const auto person = recipients_.find({key.campaign, row.members.front().recipient});
    sends.push_back({.attempt = key,
                     .to = row.to,
                     .from = *row.caller,
                     .time_zone = person->second.history.time_zone,
                     .send_no = row.intents,
                     .intended_at = row.intended_at,
                     .last_sent = row.view.sent_at.value_or(row.intended_at),
                     .repetitions = row.view.asked_again});
  }
  return sends;
}

absl::StatusOr<std::vector<AttemptKey>> InMemoryStore::ListHangUpsOwed(CampaignId campaign,
                                                                       int limit) {
  std::lock_guard lock(mutex_);
  std::vector<AttemptKey> keys;
  const auto it = campaigns_.find(campaign);
  if (it == campaigns_.end() || it->second.campaign.cancel_mode != CancelMode::kHangUp) return keys;
  for (const auto& [key, row] : attempts_) {
    if (static_cast<int>(keys.size()) == limit) break;
    if (key.campaign == campaign && Live(row) && !row.view.hang_up_ordered) keys.push_back(key);
  }
  return keys;
}

}  // namespace tocsin
