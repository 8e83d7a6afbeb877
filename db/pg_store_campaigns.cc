// Campaigns: creation, commands, their end.
#include <algorithm>
#include <limits>
#include <random>
#include <set>

#include "base/status_macros.h"
#include "db/api_requests.h"
#include "db/array_literal.h"
#include "db/campaign_rows.h"
#include "db/counters.h"
#include "db/pg_store.h"
#include "db/pool.h"
#include "db/row_reader.h"
#include "db/time_text.h"
#include "db/transaction.h"

namespace tocsin::db {
namespace {

// Below this the planner's old idea of the queue does no harm.
constexpr std::int64_t kAnalyzeFrom = 1000;

// Time-ordered, and different from that of another created in the same instant.
CampaignId NewCampaignId(absl::Time now) {
  static thread_local std::random_device random;
  return CampaignId((absl::ToUnixMillis(now) << 16) | static_cast<std::int64_t>(random() & 0xffff));
}

absl::Status NotFoundCampaign(CampaignId id) {
  return NotFound("there is no campaign {}", id.value());
}

void Trail(Session& session, TenantId tenant, CampaignId id, const std::string& actor,
           std::string_view action, const std::string& detail, absl::Time now) {
  session.Run(query::kAddAuditTrail, tenant.value(), id.value(), TimeText(now), actor,
              std::string(action), detail);
}

// Moves a locked campaign; what `campaign` says besides the state is kept.
absl::Status Move(Session& session, const Campaign& campaign, CampaignState from) {
  std::optional<std::string> mode, started, expires, ended;
  if (campaign.cancel_mode) mode = std::string(Name(*campaign.cancel_mode));
  if (campaign.started_at) started = TimeText(*campaign.started_at);
  if (campaign.expires_at) expires = TimeText(*campaign.expires_at);
  if (campaign.ended_at) ended = TimeText(*campaign.ended_at);
  const pqxx::result moved = session.Run(query::kMoveCampaign, campaign.id.value(),
                                         std::string(Name(from)), std::string(Name(campaign.state)),
                                         campaign.state_reason, mode, started, expires, ended);
  if (moved.affected_rows() != 1) return absl::AbortedError("the campaign has moved meanwhile");
  session.Run(query::kNotify, "campaigns");
  return absl::OkStatus();
}

bool Asked(Session& session, const query::Query& question, CampaignId id) {
  const pqxx::result answer = session.Run(question, id.value());
  return answer.front()[0].as<bool>();
}

// Everybody's first try. All people of a zone are due at the same moment, so
// the rules are asked once a zone and the rows are written where they are.
std::int64_t EnqueueAll(Session& session, const Campaign& campaign, absl::Time now) {
  RecipientHistory history;
  history.marks = {NumberMark::kUsable};
  if (campaign.spec.window.is_whole_day()) {
    const RecipientVerdict verdict = FirstTry(campaign, history, now);
    if (verdict.next_at) {
      const pqxx::result queued =
          session.Run(query::kEnqueueEverybody, campaign.id.value(), TimeText(*verdict.next_at));
      return static_cast<std::int64_t>(queued.affected_rows());
    }
  }
  Counters counters;
  std::int64_t queued = 0;
  for (const pqxx::row& row : session.Run(query::kDistinctTimeZones, campaign.id.value())) {
    history.time_zone = row[0].c_str();
    const RecipientVerdict verdict = FirstTry(campaign, history, now);
    if (verdict.next_at) {
      queued += static_cast<std::int64_t>(session
                                              .Run(query::kEnqueueZone, campaign.id.value(),
                                                   TimeText(*verdict.next_at), history.time_zone)
                                              .affected_rows());
    } else {
      const pqxx::result concluded =
          session.Run(query::kConcludeZone, campaign.id.value(), history.time_zone,
                      std::string(Name(*verdict.outcome)), verdict.reason, TimeText(now));
      counters.Add(campaign.id, *verdict.outcome,
                   static_cast<std::int64_t>(concluded.affected_rows()));
    }
  }
  counters.Write(session);
  return queued;
}

absl::StatusOr<std::int64_t> Start(Session& session, Campaign& campaign, absl::Time now) {
  if (Asked(session, query::kHasOpenImport, campaign.id)) {
    return FailedPrecondition("an import into this campaign is still open; finish it first");
  }
  if (!Asked(session, query::kHasRecipients, campaign.id)) {
    return FailedPrecondition("the campaign has no recipients; import some first");
  }
  campaign.started_at = now;
  campaign.expires_at = now + campaign.spec.expires_after;
  return EnqueueAll(session, campaign, now);
}

struct Commanded {
  Campaign campaign;
  std::int64_t queued = 0;  // People who became due by it.
};

absl::StatusOr<Commanded> Obey(Session& session, const ApiRequest& request, CampaignId id,
                               CampaignCommand command, CancelMode mode, const std::string& reason,
                               absl::Time now) {
  TOCSIN_ASSIGN_OR_RETURN(const std::optional<FirstAnswer> first,
                          FindRequest(session, request, Name(command)));
  const pqxx::result locked = session.Run(query::kLockCampaign, id.value());
  if (locked.empty() || locked.front()[1].as<std::int64_t>() != request.tenant.value()) {
    return NotFoundCampaign(id);
  }
  Commanded commanded;
  TOCSIN_ASSIGN_OR_RETURN(commanded.campaign, ReadCampaign(session, id));
  Campaign& campaign = commanded.campaign;
  if (first) {
    campaign.state = first->state.value_or(campaign.state);
    campaign.state_reason = first->state_reason;
    return commanded;
  }
  const CampaignState before = campaign.state;
  TOCSIN_ASSIGN_OR_RETURN(const CampaignState after, AfterCommand(before, command));
  if (after != before) {
    campaign.state = after;
    campaign.state_reason = reason;
    if (command == CampaignCommand::kCancel) campaign.cancel_mode = mode;
    if (command == CampaignCommand::kStart) {
      TOCSIN_ASSIGN_OR_RETURN(commanded.queued, Start(session, campaign, now));
    }
    TOCSIN_RETURN_IF_ERROR(Move(session, campaign, before));
    Trail(session, campaign.tenant, id, request.actor, Name(command), reason, now);
    if (after == CampaignState::kRunning) session.Run(query::kNotify, "due");
  }
  FirstAnswer answer{id, ImportId(), campaign.state, campaign.state_reason};
  TOCSIN_RETURN_IF_ERROR(KeepRequest(session, request, Name(command), answer, now));
  return commanded;
}

}  // namespace

absl::StatusOr<Campaign> PgStore::CreateCampaign(const ApiRequest& request,
                                                 const CampaignSpec& spec, absl::Time now) {
  constexpr std::string_view kMethod = "CREATE_CAMPAIGN";
  return Transact(*pool_, [&](Session& session) -> absl::StatusOr<Campaign> {
    TOCSIN_ASSIGN_OR_RETURN(const std::optional<FirstAnswer> first,
                            FindRequest(session, request, kMethod));
    if (first) return ReadCampaign(session, first->campaign);
    if (session.Run(query::kReadTrunks, spec.trunk).empty()) {
      return NotFound("there is no trunk '{}'; `tocsin trunk apply` makes one", spec.trunk);
    }
    CampaignId id = NewCampaignId(now);
    TOCSIN_ASSIGN_OR_RETURN(const bool inserted,
                            InsertCampaign(session, id, request.tenant, spec, now));
    if (!inserted) return absl::AbortedError("the campaign id is taken");
    Trail(session, request.tenant, id, request.actor, "CREATE", "", now);
    FirstAnswer answer;
    answer.campaign = id;
    TOCSIN_RETURN_IF_ERROR(KeepRequest(session, request, kMethod, answer, now));
    return ReadCampaign(session, id);
  });
}

absl::StatusOr<Campaign> PgStore::GetCampaign(CampaignId id) {
  return Read(*pool_, [&](Session& session) { return ReadCampaign(session, id); });
}

absl::StatusOr<Campaign> PgStore::GetCampaign(TenantId tenant, CampaignId id) {
  TOCSIN_ASSIGN_OR_RETURN(Campaign campaign, GetCampaign(id));
  if (campaign.tenant != tenant) return NotFoundCampaign(id);
  return campaign;
}

absl::StatusOr<CampaignPage> PgStore::ListCampaigns(TenantId tenant, CampaignId after,
                                                    int page_size) {
  return Read(*pool_, [&](Session& session) -> absl::StatusOr<CampaignPage> {
    const std::int64_t before =
        after.is_set() ? after.value() : std::numeric_limits<std::int64_t>::max();
    std::vector<CampaignId> ids;
    // One more than the page, to know whether there is another.
    for (const pqxx::row& row :
         session.Run(query::kListCampaignIds, tenant.value(), before, page_size + 1)) {
      ids.emplace_back(row[0].as<std::int64_t>());
    }
    CampaignPage page;
    if (static_cast<int>(ids.size()) > page_size) {
      ids.pop_back();
      page.next_after = ids.back();
    }
    page.campaigns = ReadCampaigns(session, ids);
    return page;
  });
}

absl::StatusOr<Campaign> PgStore::CommandCampaign(const ApiRequest& request, CampaignId id,
                                                  CampaignCommand command, CancelMode mode,
                                                  const std::string& reason, absl::Time now) {
  auto commanded = Transact(*pool_, [&](Session& session) {
    return Obey(session, request, id, command, mode, reason, now);
  });
  if (!commanded.ok()) return commanded.status();
  if (commanded->queued >= kAnalyzeFrom) Analyze(true);
  return std::move(commanded->campaign);
}

absl::Status PgStore::PauseCampaign(CampaignId id, const std::string& reason, absl::Time now) {
  return Transact(*pool_, [&](Session& session) -> absl::Status {
    const pqxx::result locked = session.Run(query::kLockCampaign, id.value());
    if (locked.empty()) return NotFoundCampaign(id);
    TOCSIN_ASSIGN_OR_RETURN(Campaign campaign, ReadCampaign(session, id));
    if (campaign.state != CampaignState::kRunning) return absl::OkStatus();
    campaign.state = CampaignState::kPaused;
    campaign.state_reason = reason;
    TOCSIN_RETURN_IF_ERROR(Move(session, campaign, CampaignState::kRunning));
    Trail(session, campaign.tenant, id, "breaker", Name(CampaignCommand::kPause), reason, now);
    return absl::OkStatus();
  });
}

absl::StatusOr<bool> PgStore::CompleteIfDone(CampaignId id, absl::Time now) {
  return Transact(*pool_, [&](Session& session) -> absl::StatusOr<bool> {
    if (session.Run(query::kLockCampaign, id.value()).empty()) return NotFoundCampaign(id);
    TOCSIN_ASSIGN_OR_RETURN(Campaign campaign, ReadCampaign(session, id));
    const CampaignState before = campaign.state;
    if (before != CampaignState::kRunning && before != CampaignState::kCanceling) return false;
    if (Asked(session, query::kHasOpenWork, id)) return false;
    // Whoever left an import open may come back to it, but not after the end.
    const bool over =
        before == CampaignState::kCanceling || (campaign.expires_at && now >= *campaign.expires_at);
    if (!over && Asked(session, query::kHasOpenImport, id)) return false;
    if (Asked(session, query::kHasUnfinishedPeople, id)) return false;
    campaign.state =
        before == CampaignState::kRunning ? CampaignState::kCompleted : CampaignState::kCanceled;
    campaign.ended_at = now;
    TOCSIN_RETURN_IF_ERROR(Move(session, campaign, before));
    Trail(session, campaign.tenant, id, "scheduler",
          before == CampaignState::kRunning ? "COMPLETE" : "CANCELED", "", now);
    return true;
  });
}

absl::StatusOr<CampaignProgress> PgStore::GetProgress(CampaignId id) {
  return Read(*pool_, [&](Session& session) -> absl::StatusOr<CampaignProgress> {
    const pqxx::result found = session.Run(query::kReadProgress, id.value());
    if (found.empty()) return NotFoundCampaign(id);
    const pqxx::row raw = found.front();
    RowReader row(raw);
    CampaignProgress progress;
    progress.state = row.Enum<CampaignState>();
    progress.state_reason = row.Text();
    progress.live = row.Int64();
    const std::int64_t in_attempts = row.Int64();
    const bool started = row.Bool();
    std::map<std::string, std::int64_t, std::less<>> counters;
    for (const pqxx::row& counter : session.Run(query::kReadCounters, id.value())) {
      counters[counter[0].c_str()] = counter[1].as<std::int64_t>();
    }
    progress.people = counters["people"];
    progress.duplicates = counters["duplicates"];
    progress.refused = counters["refused"];
    progress.sends = counters["sends"];
    progress.attempts = counters["attempts"];
    progress.acknowledged = counters["acknowledged"];
    progress.unheard_answers = counters["unheard_answers"];
    progress.short_calls = counters["short_calls"];
    progress.opt_outs = counters["opt_outs"];
    for (const auto& [key, value] : counters) {
      const std::string_view name(key);
      if (value == 0) continue;
      if (name.starts_with("outcome:")) {
        if (const auto outcome = FromName<Outcome>(name.substr(8))) {
          progress.outcomes[*outcome] = value;
        }
      } else if (name.starts_with("disposition:")) {
        if (const auto disposition = FromName<Disposition>(name.substr(12))) {
          progress.dispositions[*disposition] = value;
        }
      }
    }
    // Whoever is neither done nor in an attempt waits: cheaper than to count
    // a million rows each second.
    if (started) {
      progress.due = std::max<std::int64_t>(0, progress.people - progress.done() - in_attempts);
    }
    return progress;
  });
}

}  // namespace tocsin::db
