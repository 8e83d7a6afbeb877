#pragma once
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "core/campaign.h"
#include "core/ids.h"
#include "db/transaction.h"

namespace tocsin::db {

// Campaigns by id as they stand in this transaction, newest first; those that
// do not exist are left out.
std::vector<Campaign> ReadCampaigns(Session& session, const std::vector<CampaignId>& ids);

// kNotFound if there is no such campaign.
absl::StatusOr<Campaign> ReadCampaign(Session& session, CampaignId id);

// The parameters of a specification in a row: what kInsertCampaign writes.
absl::StatusOr<bool> InsertCampaign(Session& session, CampaignId id, TenantId tenant,
                                    const CampaignSpec& spec, absl::Time now);

// What of a campaign never changes, so that a batch of facts has to read only
// where it stands. Thread-safe; forgets everything when it has grown large.
class CampaignCache {
 public:
  // The campaigns of `ids` as they stand now. Those that do not exist are left out.
  std::map<CampaignId, Campaign> Read(Session& session, const std::set<CampaignId>& ids);

 private:
  std::mutex mutex_;
  std::map<CampaignId, Campaign> known_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tocsin::db
