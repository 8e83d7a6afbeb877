#include <algorithm>

#include "app/commands.h"
#include "app/exit_codes.h"
#include "app/settings.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "cli/table.h"
#include "db/migrator.h"
#include "db/pg_store.h"
#include "scheduler/scheduler.h"

namespace tocsin {
namespace {

constexpr const char* kReason =
    "restored from a backup: who was rung since is not known here; see \"Restore\" in "
    "docs/operating.md before you resume it";

struct Found {
  std::vector<ActiveCampaign> campaigns;
  absl::Duration lost_after;  // The longest that a call may live unseen.
};

// A backup that is seconds old holds the lease of the node that ran: it runs out by
// itself, and that of a node which is running does not.
absl::Status StepOverWhatWasLost(db::PgStore& store) {
  const scheduler::Scheduler::Options pacing;  // As all nodes have them.
  const absl::Status stepped = store.StepOverWhatWasLost(pacing.group);
  if (!absl::IsFailedPrecondition(stepped)) return stepped;
  const absl::Duration lease_is_over = pacing.lease_length + absl::Seconds(3);
  fmt::print(stderr, "tocsin restored: a node holds the lease; looking again in {} s\n",
             absl::ToInt64Seconds(lease_is_over));
  SystemClock().SleepUntil(SystemClock().Steady() + absl::ToChronoNanoseconds(lease_is_over), {});
  return store.StepOverWhatWasLost(pacing.group);
}

absl::StatusOr<Found> PauseAll(const Config& config, absl::Time now) {
  TOCSIN_RETURN_IF_ERROR(NamingDatabase(db::CheckMigrated(config.database_url)));
  TOCSIN_ASSIGN_OR_RETURN(const auto store,
                          db::PgStore::Open({.database_url = config.database_url, .pool_size = 1}));
  TOCSIN_RETURN_IF_ERROR(StepOverWhatWasLost(*store));
  Found found;
  TOCSIN_ASSIGN_OR_RETURN(found.campaigns, store->ListActiveCampaigns());
  for (const ActiveCampaign& active : found.campaigns) {
    found.lost_after = std::max(found.lost_after, LostAfter(active.campaign));
    if (active.campaign.state != CampaignState::kRunning) continue;
    TOCSIN_RETURN_IF_ERROR(store->PauseCampaign(active.campaign.id, kReason, now));
  }
  TOCSIN_ASSIGN_OR_RETURN(found.campaigns, store->ListActiveCampaigns());
  return found;
}

void Print(const Found& found, absl::Time now) {
  if (found.campaigns.empty()) {
    fmt::print("No campaign was running; nodes may start.\n");
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const ActiveCampaign& active : found.campaigns) {
    rows.push_back({fmt::format("campaigns/{}", active.campaign.id.value()),
                    std::string(Name(active.campaign.state)), WithCommas(active.people),
                    WithCommas(active.live)});
  }
  fmt::print("{}", DrawTable({"CAMPAIGN", "STATE", "PEOPLE", "LIVE AT THE BACKUP"}, rows));
  fmt::print(
      "\nNodes may start; nobody is rung before `tocsin campaign resume`. Do not resume before\n"
      "{}: until then a call may be live that this database does not know.\n",
      absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", now + found.lost_after, absl::UTCTimeZone()));
}

}  // namespace

int RunRestored(const std::vector<std::string>& arguments) {
  const StartingPoint start = ReadSettings(
      Command::kMigrate, "restored",
      "After a restore, before any node starts: pauses every campaign, and steps over the ids\n"
      "that were handed out after the backup, so that late callbacks of lost calls find nobody\n"
      "else. Safe to repeat.",
      "", arguments);
  if (start.exit_code) return *start.exit_code;
  const absl::Time now = SystemClock().Now();
  const auto found = PauseAll(start.config, now);
  if (!found.ok()) return Fail("restored", found.status());
  Print(*found, now);
  return kExitDone;
}

}  // namespace tocsin
