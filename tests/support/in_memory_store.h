#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <tuple>
#include <vector>

#include "core/store.h"

namespace tocsin {

// Both interfaces over maps, for the simulation and for unit tests. One mutex:
// each method is trivially one transaction. Held to the PostgreSQL store by the
// conformance suite in tests/store.
class InMemoryStore : public CampaignStore, public DialStore {
 public:
  InMemoryStore() = default;

  // The lease's clock; the simulation moves it.
  void SetLeaseClock(absl::Time now);

  // A line for each attempt that has not ended, to explain why a run got stuck.
  std::vector<std::string> DescribeOpen();

  // CampaignStore.
  absl::StatusOr<Campaign> CreateCampaign(const ApiRequest& request, const CampaignSpec& spec,
                                          absl::Time now) override;
  absl::StatusOr<Campaign> GetCampaign(TenantId tenant, CampaignId id) override;
  absl::StatusOr<CampaignPage> ListCampaigns(TenantId tenant, CampaignId after,
                                             int page_size) override;
  absl::StatusOr<Campaign> CommandCampaign(const ApiRequest& request, CampaignId id,
                                           CampaignCommand command, CancelMode mode,
                                           const std::string& reason, absl::Time now) override;
  absl::StatusOr<ImportSummary> BeginImport(const ApiRequest& request, CampaignId id,
                                            absl::Time now) override;
  absl::StatusOr<ImportBatchResult> ImportBatch(ImportId import, std::int64_t batch_no,
                                                const std::vector<ImportRow>& rows,
                                                const std::vector<RefusedRow>& refused,
                                                absl::Time now) override;
  absl::StatusOr<ImportSummary> FinishImport(ImportId import, absl::Time now) override;
  absl::StatusOr<RefusedPage> ListRefusedRows(TenantId tenant, CampaignId id, std::int64_t after,
                                              int page_size) override;
  absl::StatusOr<CampaignProgress> GetProgress(CampaignId id) override;
  absl::StatusOr<std::vector<ReportTable>> RunReport(CampaignId id) override;
  absl::StatusOr<std::vector<std::string>> RunAudit(std::optional<CampaignId> id) override;
  absl::StatusOr<PromptId> SavePrompt(TenantId tenant, const std::string& wav,
                                      absl::Duration length, absl::Time now) override;
  absl::StatusOr<Prompt> GetPrompt(PromptId id) override;
  absl::StatusOr<SpokenMessage> GetText(CampaignId campaign, TextId text) override;
  absl::StatusOr<Prompt> FindPrompt(const std::string& public_name) override;
  absl::StatusOr<Trunk> SaveTrunk(const Trunk& trunk, absl::Time now) override;
  absl::StatusOr<Trunk> GetTrunk(const std::string& name) override;
  absl::StatusOr<std::vector<Trunk>> ListTrunks() override;
  absl::Status AddSuppressions(TenantId tenant, const std::string& purpose,
                               const std::vector<PhoneNumber>& numbers, const std::string& source,
                               absl::Time now) override;

  // DialStore.
  absl::StatusOr<Lease> AcquireLease(const std::string& group, const std::string& node,
                                     absl::Duration length) override;
  absl::Status ReleaseLease(const std::string& group, const std::string& node,
                            std::int64_t epoch) override;
  absl::StatusOr<int> TakeOver(const std::string& group, std::int64_t epoch,
                               absl::Time now) override;
  absl::StatusOr<std::vector<ActiveCampaign>> ListActiveCampaigns() override;
  absl::StatusOr<std::vector<PlannedAttempt>> AdoptPlanned(OperationId operation,
                                                           CampaignId campaign, std::int64_t epoch,
                                                           int limit, absl::Time now) override;
  absl::StatusOr<std::vector<PlannedAttempt>> ClaimDue(OperationId operation, CampaignId campaign,
                                                       std::int64_t epoch, int limit,
                                                       absl::Time now) override;
  absl::StatusOr<SlotCount> CountSlots(TrunkId trunk) override;
  absl::StatusOr<std::vector<IntentVerdict>> CommitIntents(
      OperationId operation, const std::string& group, std::int64_t epoch, const Trunk& trunk,
      const std::vector<IntentRequest>& requests, absl::Time now) override;
  absl::Status ReturnToQueue(const std::vector<std::pair<AttemptKey, absl::Time>>& attempts,
                             absl::Time now) override;
  absl::StatusOr<int> ConcludeRecipients(CampaignId campaign, Outcome otherwise, int limit,
                                         absl::Time now) override;
  absl::StatusOr<bool> CompleteIfDone(CampaignId campaign, absl::Time now) override;
  absl::Status PauseCampaign(CampaignId campaign, const std::string& reason,
                             absl::Time now) override;
  absl::StatusOr<std::vector<AttemptChange>> RecordFacts(const std::vector<AttemptInput>& inputs,
                                                         absl::Time now) override;
  absl::StatusOr<std::vector<AttemptKey>> ListLiveAttempts(AttemptKey after, int limit) override;
  absl::StatusOr<std::vector<UnresolvedSend>> ListUnresolved(TrunkId trunk, int limit) override;
  absl::StatusOr<std::vector<PendingAction>> ClaimPendingActions(absl::Time before, int limit,
                                                                 absl::Time now) override;
  absl::StatusOr<Campaign> GetCampaign(CampaignId id) override;
  absl::StatusOr<std::vector<AttemptKey>> ListHangUpsOwed(CampaignId campaign, int limit) override;

 private:
  struct CampaignRow {
    Campaign campaign;
    std::int64_t people = 0;
    std::int64_t sends = 0;
    std::vector<RefusedRow> refused;  // Duplicates too.
  };
  struct RecipientRow {
    std::string person_key;
    std::vector<PhoneNumber> numbers;
    RecipientHistory history;
    int priority = 0;
    TextId text;
    std::optional<PhoneNumber> caller;
    RecipientVerdict waiting;  // While in the due queue.
    bool in_queue = false;
    bool in_attempt = false;
    std::optional<Outcome> outcome;
    std::string reason;
    std::optional<absl::Time> acknowledged_at;
  };
  using RecipientKey = std::pair<CampaignId, RecipientId>;
  // Higher priority first, then earlier.
  using DueKey = std::tuple<int, absl::Time, RecipientId>;
  struct Member {
    RecipientId recipient;
    int number_index = 0;
  };
  struct AttemptRow {
    std::vector<Member> members;  // The first is whom it was planned for.
    PhoneNumber to;
    TrunkId trunk;
    TextId text = {};
    AttemptState state = AttemptState::kPlanned;
    std::int64_t claim_epoch = 0;
    std::int64_t intent_epoch = 0;
    absl::Time intended_at;
    int intents = 0;  // Sends committed to; the last one's result may not be logged yet.
    std::optional<PhoneNumber> caller;
    CallView view;
    std::map<std::string, Fact> facts;
    std::map<int, absl::Time> actions;  // Ordinal -> decided or claimed at.
    std::map<int, ActionKind> action_kinds;
  };
  struct ImportState {
    CampaignId campaign;
    bool open = true;
    ImportSummary summary;
    std::map<std::int64_t, ImportBatchResult> batches;
  };
  struct LeaseRow {
    std::string holder;
    std::int64_t epoch = 0;
    absl::Time expires_at = absl::InfinitePast();
  };

  bool Live(const AttemptRow& row) const {
    return row.state == AttemptState::kDialing || row.state == AttemptState::kUnresolved;
  }
  void Enqueue(CampaignId campaign, RecipientId recipient, RecipientRow& row,
               const RecipientVerdict& verdict);
  void Dequeue(CampaignId campaign, RecipientId recipient, RecipientRow& row);
  void Apply(CampaignId campaign, RecipientId recipient, RecipientRow& row,
             const RecipientVerdict& verdict);
  PlannedAttempt Planned(const AttemptKey& key, const AttemptRow& row) const;
  // Under the lock.
  std::vector<PlannedAttempt> TakePlanned(OperationId operation,
                                          const std::function<std::vector<AttemptKey>()>& take);
  AttemptKey Plan(CampaignRow& campaign, RecipientId leader, std::int64_t epoch);
  IntentVerdict CommitIntent(const IntentRequest& request, std::int64_t epoch, const Trunk& trunk,
                             absl::Time now);
  void Withdraw(const AttemptKey& key, absl::Time now);
  AttemptChange RecordOne(const AttemptKey& key, const std::vector<Fact>& facts, absl::Time now);
  void End(const AttemptKey& key, AttemptRow& row, AttemptChange& change);
  void Revise(const AttemptKey& key, AttemptRow& row);
  void NoteResponses(const AttemptKey& key, AttemptRow& row);
  void ReleaseNumber(const AttemptKey& key, const AttemptRow& row);
  bool HasOpenImport(CampaignId id) const;
  bool Suppressed(const Campaign& campaign, const PhoneNumber& number) const;

  std::mutex mutex_;
  absl::Time lease_now_;
  std::int64_t next_id_ = 1;
  std::map<CampaignId, CampaignRow> campaigns_;
  std::map<RecipientKey, RecipientRow> recipients_;
  std::map<CampaignId, std::set<std::string>> person_keys_;
  std::map<CampaignId, std::set<DueKey>> due_;
  std::map<AttemptKey, AttemptRow> attempts_;
  std::map<std::string, AttemptKey> number_locks_;
  std::set<std::tuple<TenantId, std::string, std::string>> suppressions_;
  std::map<ImportId, ImportState> imports_;
  std::map<std::string, Trunk> trunks_;
  std::map<PromptId, Prompt> prompts_;
  std::map<std::pair<CampaignId, TextId>, SpokenMessage> texts_;
  std::map<std::string, LeaseRow> leases_;
  std::map<std::string, std::pair<std::string, CampaignId>> requests_;
  std::map<std::string, std::pair<std::string, ImportId>> import_requests_;
  std::map<OperationId, std::vector<AttemptKey>> claims_;
  std::map<OperationId, std::vector<IntentVerdict>> intents_;
};

}  // namespace tocsin
