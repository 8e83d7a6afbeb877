#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/store.h"

namespace tocsin {

// A CampaignStore over another one that fails as it is told to: before the
// other store has seen the call (the database is away) or after it (the answer
// got lost). Thread-safe; `inner` must outlive it.
class FaultyCampaignStore final : public CampaignStore {
 public:
  explicit FaultyCampaignStore(CampaignStore& inner) : inner_(inner) {}

  struct Fault {
    absl::Status status;
    bool after = false;  // The call has taken effect, and nobody knows.
  };

  // The coming calls of `method` meet these faults, one each; then all is well.
  void FailNext(const std::string& method, std::vector<Fault> faults) {
    std::lock_guard lock(mutex_);
    faults_[method] = std::deque<Fault>(faults.begin(), faults.end());
  }
  // How often a method was called, failed calls included.
  int calls(const std::string& method) const {
    std::lock_guard lock(mutex_);
    const auto at = calls_.find(method);
    return at == calls_.end() ? 0 : at->second;
  }
  // What RunReport answers instead of the other store, which may have no SQL.
  void SetReport(std::vector<ReportTable> report) {
    std::lock_guard lock(mutex_);
    report_ = std::move(report);
  }
  // Runs in each ImportBatch before anything else, on the store's caller's thread.
  void OnImportBatch(std::function<void()> hook) {
    std::lock_guard lock(mutex_);
    on_import_batch_ = std::move(hook);
  }

  absl::StatusOr<Campaign> CreateCampaign(const ApiRequest& request, const CampaignSpec& spec,
                                          absl::Time now) override {
    return Run("CreateCampaign", [&] { return inner_.CreateCampaign(request, spec, now); });
  }
  absl::StatusOr<Campaign> GetCampaign(TenantId tenant, CampaignId id) override {
    return Run("GetCampaign", [&] { return inner_.GetCampaign(tenant, id); });
  }
  absl::StatusOr<CampaignPage> ListCampaigns(TenantId tenant, CampaignId after,
                                             int page_size) override {
    return Run("ListCampaigns", [&] { return inner_.ListCampaigns(tenant, after, page_size); });
  }
  absl::StatusOr<Campaign> CommandCampaign(const ApiRequest& request, CampaignId id,
                                           CampaignCommand command, CancelMode mode,
                                           const std::string& reason, absl::Time now) override {
    return Run("CommandCampaign",
               [&] { return inner_.CommandCampaign(request, id, command, mode, reason, now); });
  }
  absl::StatusOr<ImportSummary> BeginImport(const ApiRequest& request, CampaignId id,
                                            absl::Time now) override {
    return Run("BeginImport", [&] { return inner_.BeginImport(request, id, now); });
  }
  absl::StatusOr<ImportBatchResult> ImportBatch(ImportId import, std::int64_t batch_no,
                                                const std::vector<ImportRow>& rows,
                                                const std::vector<RefusedRow>& refused,
                                                absl::Time now) override {
    if (const auto hook = ImportBatchHook()) hook();
    return Run("ImportBatch",
               [&] { return inner_.ImportBatch(import, batch_no, rows, refused, now); });
  }
  absl::StatusOr<ImportSummary> FinishImport(ImportId import, absl::Time now) override {
    return Run("FinishImport", [&] { return inner_.FinishImport(import, now); });
  }
  absl::StatusOr<RefusedPage> ListRefusedRows(TenantId tenant, CampaignId id, std::int64_t after,
                                              int page_size) override {
    return Run("ListRefusedRows",
               [&] { return inner_.ListRefusedRows(tenant, id, after, page_size); });
  }
  absl::StatusOr<CampaignProgress> GetProgress(CampaignId id) override {
    return Run("GetProgress", [&] { return inner_.GetProgress(id); });
  }
  absl::StatusOr<std::vector<ReportTable>> RunReport(CampaignId id) override {
    return Run("RunReport", [&]() -> absl::StatusOr<std::vector<ReportTable>> {
      if (const auto report = Report()) return *report;
      return inner_.RunReport(id);
    });
  }
  absl::StatusOr<std::vector<std::string>> RunAudit(std::optional<CampaignId> id) override {
    return Run("RunAudit", [&] { return inner_.RunAudit(id); });
  }
  absl::StatusOr<PromptId> SavePrompt(TenantId tenant, const std::string& wav,
                                      absl::Duration length, absl::Time now) override {
    return Run("SavePrompt", [&] { return inner_.SavePrompt(tenant, wav, length, now); });
  }
  absl::StatusOr<Prompt> GetPrompt(PromptId id) override {
    return Run("GetPrompt", [&] { return inner_.GetPrompt(id); });
  }
  absl::StatusOr<Prompt> FindPrompt(const std::string& public_name) override {
    return Run("FindPrompt", [&] { return inner_.FindPrompt(public_name); });
  }
  absl::StatusOr<Trunk> SaveTrunk(const Trunk& trunk, absl::Time now) override {
    return Run("SaveTrunk", [&] { return inner_.SaveTrunk(trunk, now); });
  }
  absl::StatusOr<Trunk> GetTrunk(const std::string& name) override {
    return Run("GetTrunk", [&] { return inner_.GetTrunk(name); });
  }
  absl::StatusOr<std::vector<Trunk>> ListTrunks() override {
    return Run("ListTrunks", [&] { return inner_.ListTrunks(); });
  }
  absl::Status AddSuppressions(TenantId tenant, const std::string& purpose,
                               const std::vector<PhoneNumber>& numbers, const std::string& source,
                               absl::Time now) override {
    return Run("AddSuppressions",
               [&] { return inner_.AddSuppressions(tenant, purpose, numbers, source, now); });
  }

 private:
  std::function<void()> ImportBatchHook() const {
    std::lock_guard lock(mutex_);
    return on_import_batch_;
  }
  std::optional<std::vector<ReportTable>> Report() const {
    std::lock_guard lock(mutex_);
    return report_;
  }

  std::optional<Fault> Next(const std::string& method) {
    std::lock_guard lock(mutex_);
    ++calls_[method];
    std::deque<Fault>& faults = faults_[method];
    if (faults.empty()) return std::nullopt;
    Fault fault = std::move(faults.front());
    faults.pop_front();
    return fault;
  }

  template <class Call>
  auto Run(const std::string& method, Call&& call) -> decltype(call()) {
    const std::optional<Fault> fault = Next(method);
    if (fault && fault->after) static_cast<void>(call());
    if (fault) return fault->status;
    return call();
  }

  CampaignStore& inner_;
  mutable std::mutex mutex_;  // Guards the following.
  std::function<void()> on_import_batch_;
  std::optional<std::vector<ReportTable>> report_;
  std::map<std::string, std::deque<Fault>> faults_;
  std::map<std::string, int> calls_;
};

}  // namespace tocsin
