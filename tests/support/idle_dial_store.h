#pragma once
#include "core/store.h"

namespace tocsin {

// A DialStore in which nothing ever happens: what a test does not override
// finds nothing and changes nothing.
class IdleDialStore : public DialStore {
 public:
  absl::StatusOr<Lease> AcquireLease(const std::string&, const std::string&,
                                     absl::Duration) override {
    return Lease{};
  }
  absl::Status ReleaseLease(const std::string&, const std::string&, std::int64_t) override {
    return absl::OkStatus();
  }
  absl::StatusOr<int> TakeOver(const std::string&, std::int64_t, absl::Time) override { return 0; }
  absl::StatusOr<std::vector<ActiveCampaign>> ListActiveCampaigns() override {
    return std::vector<ActiveCampaign>{};
  }
  absl::StatusOr<std::vector<Trunk>> ListTrunks() override { return std::vector<Trunk>{}; }
  absl::StatusOr<std::vector<PlannedAttempt>> AdoptPlanned(OperationId, CampaignId, std::int64_t,
                                                           int, absl::Time) override {
    return std::vector<PlannedAttempt>{};
  }
  absl::StatusOr<std::vector<PlannedAttempt>> ClaimDue(OperationId, CampaignId, std::int64_t, int,
                                                       absl::Time) override {
    return std::vector<PlannedAttempt>{};
  }
  absl::StatusOr<SlotCount> CountSlots(TrunkId) override { return SlotCount{}; }
  absl::StatusOr<std::vector<IntentVerdict>> CommitIntents(
      OperationId, const std::string&, std::int64_t, const Trunk&,
      const std::vector<IntentRequest>& requests, absl::Time) override {
    return std::vector<IntentVerdict>(requests.size(), IntentVerdict::kWithdrawn);
  }
  absl::StatusOr<std::vector<UnresolvedSend>> ListUnresolved(TrunkId, int) override {
    return std::vector<UnresolvedSend>{};
  }
  absl::Status ReturnToQueue(const std::vector<std::pair<AttemptKey, absl::Time>>&,
                             absl::Time) override {
    return absl::OkStatus();
  }
  absl::StatusOr<int> ConcludeRecipients(CampaignId, Outcome, int, absl::Time) override {
    return 0;
  }
  absl::StatusOr<bool> CompleteIfDone(CampaignId, absl::Time) override { return false; }
  absl::Status PauseCampaign(CampaignId, const std::string&, absl::Time) override {
    return absl::OkStatus();
  }
  absl::StatusOr<CampaignProgress> GetProgress(CampaignId) override { return CampaignProgress{}; }
  absl::StatusOr<std::vector<AttemptChange>> RecordFacts(const std::vector<AttemptInput>&,
                                                         absl::Time) override {
    return std::vector<AttemptChange>{};
  }
  absl::StatusOr<std::vector<AttemptKey>> ListLiveAttempts(AttemptKey, int) override {
    return std::vector<AttemptKey>{};
  }
  absl::StatusOr<std::vector<PendingAction>> ClaimPendingActions(absl::Time, int,
                                                                 absl::Time) override {
    return std::vector<PendingAction>{};
  }
  absl::StatusOr<Campaign> GetCampaign(CampaignId) override {
    return absl::NotFoundError("no campaigns");
  }
  absl::StatusOr<Prompt> GetPrompt(PromptId) override { return absl::NotFoundError("no prompts"); }
  absl::StatusOr<SpokenMessage> GetText(CampaignId, TextId) override {
    return absl::NotFoundError("no texts");
  }
  absl::StatusOr<std::vector<AttemptKey>> ListHangUpsOwed(CampaignId, int) override {
    return std::vector<AttemptKey>{};
  }
};

}  // namespace tocsin
