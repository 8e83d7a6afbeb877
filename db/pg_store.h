#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/secret.h"
#include "core/store.h"

namespace tocsin::db {

class CampaignCache;
class FactCache;
class LiveTally;
class Pool;

// Both interfaces over PostgreSQL. Each method is one transaction of at most a
// dozen statements, whatever the size of the batch; lost races are repeated
// inside. The schema must be the newest (migrator.h).
//
// What commits wakes listeners of every node through NOTIFY (change_feed.h).
//
// Thread-safe; blocks on the database, at most pool_size calls at once. Errors
// are those of core/store.h; besides, kDeadlineExceeded if a statement took
// longer than two minutes, kInvalidArgument for a value that no column can hold,
// and kInternal for what should not be.
class PgStore final : public CampaignStore, public DialStore {
 public:
  struct Options {
    Secret database_url;  // "host=/run/x dbname=tocsin" or postgresql://...
    // Sessions for the calls' life. Reports have two more, and so have the lease
    // and signs of life.
    int pool_size = 8;
  };

  // kUnavailable, with what to look at, if the server cannot be reached now.
  static absl::StatusOr<std::unique_ptr<PgStore>> Open(Options options,
                                                       const Clock& clock = SystemClock());
  ~PgStore() override;

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

  // What waits on a trunk.
  struct Backlog {
    TrunkId trunk;
    std::string trunk_name;
    std::int64_t live_calls = 0;
    std::int64_t unresolved = 0;
    std::optional<absl::Time> unresolved_since;  // The intent of the oldest.
    std::int64_t due_people = 0;                 // 10,000 a campaign and priority: or more.
    std::optional<absl::Time> due_since;
    // Of the campaigns that are not over: people, those with an outcome, and
    // acknowledgements.
    std::int64_t people = 0;
    std::int64_t people_ended = 0;
    std::int64_t acknowledged = 0;
  };
  // A line for each trunk. Costs a look at every live attempt: every few
  // seconds, not more often.
  absl::StatusOr<std::vector<Backlog>> ReadBacklog(absl::Time now);

  // What a node tells of itself.
  struct NodeReport {
    std::string node;
    std::vector<std::string> roles;
    std::string build;
    int program = 0;                             // The newest migration that it knows.
    std::optional<absl::Duration> callback_lag;  // Unset: it receives nothing.
    absl::Duration clock_ahead;                  // Of its machine, before the database's.
  };
  // A sign of life. Returns the database's time at that moment: what the clocks of
  // all nodes go by (base/service_clock.h). Waits for no other work of the store.
  absl::StatusOr<absl::Time> NoteNode(const NodeReport& report);
  // It ends: nobody need miss it.
  absl::Status ForgetNode(const std::string& node);

  struct KnownNode {
    NodeReport report;
    bool up = false;         // Heard of within five seconds.
    std::string lease;       // The pacing group that it paces; empty: none.
    std::int64_t epoch = 0;  // Of the lease.
    absl::Time started_at;   // By the database's clock, like the next.
    absl::Time heard_at;
  };
  // Every node that runs, and those that fell silent within the last day.
  absl::StatusOr<std::vector<KnownNode>> ListNodes();

  // After the database was set back to an earlier moment, before any node runs on
  // it: what was handed out since then, and is forgotten, is not handed out again
  // (ids of attempts, epochs of leases). Harmless at any other time.
  // kFailedPrecondition, naming the node, if one paces `group`.
  absl::Status StepOverWhatWasLost(const std::string& group);

  // OK if the database answers.
  absl::Status Ping();

  // What waiting for sessions costs.
  void WriteMetrics(MetricsPage& page) const;

 private:
  PgStore(Options options, const Clock& clock);
  void Analyze(bool due_queue);

  std::unique_ptr<Pool> pool_;          // SessionKind::kHot.
  std::unique_ptr<Pool> reports_pool_;  // SessionKind::kReports.
  std::unique_ptr<Pool> lease_pool_;    // SessionKind::kLease.
  std::unique_ptr<CampaignCache> campaigns_;
  std::unique_ptr<FactCache> facts_;
  std::unique_ptr<LiveTally> live_;
  const Clock& clock_;
};

}  // namespace tocsin::db
