#include "db/campaign_rows.h"

#include <optional>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "db/array_literal.h"
#include "db/row_reader.h"
#include "db/time_text.h"

namespace tocsin::db {
namespace {

constexpr std::size_t kCacheMax = 1000;

std::string IdArray(const std::vector<CampaignId>& ids) {
  ArrayLiteral literal;
  for (const CampaignId id : ids) literal.Add(id.value());
  return std::move(literal).Take();
}

std::int64_t Ms(absl::Duration duration) {
  return absl::ToInt64Milliseconds(duration);
}

std::string KeysText(const std::map<char, KeyMeaning>& keys) {
  ArrayLiteral literal;
  for (const auto& [key, meaning] : keys) {
    literal.Add(std::string(1, key) + "=" + std::string(Name(meaning)));
  }
  return std::move(literal).Take();
}

std::map<char, KeyMeaning> ReadKeys(const std::vector<std::string>& texts) {
  std::map<char, KeyMeaning> keys;
  for (const std::string& text : texts) {
    if (text.size() < 2) continue;
    const auto meaning = FromName<KeyMeaning>(std::string_view(text).substr(2));
    if (meaning) keys[text.front()] = *meaning;
  }
  return keys;
}

CallFlow ReadFlow(RowReader& row) {
  CallFlow flow;
  flow.audio_uri = row.Text();
  flow.prompt = PromptId(row.Int64());
  flow.keys = ReadKeys(row.Texts());
  flow.identity_ends = row.Milliseconds();
  flow.plays = row.Int();
  flow.pause = row.Milliseconds();
  flow.wait_for_key = row.Milliseconds();
  flow.replays_max = row.Int();
  flow.ring_limit = row.Milliseconds();
  flow.call_limit = row.Milliseconds();
  return flow;
}

AckPolicy ReadAck(RowReader& row) {
  AckPolicy ack;
  ack.required = row.Bool();
  ack.scope = row.Enum<AckScope>();
  ack.retry_after = row.Milliseconds();
  ack.unconfirmed_answers_max = row.Int();
  return ack;
}

RetryPolicy ReadRetry(RowReader& row) {
  RetryPolicy retry;
  retry.attempts_max = row.Int();
  retry.backoff = row.Double();
  for (absl::Duration* duration :
       {&retry.busy, &retry.no_answer, &retry.unreachable, &retry.declined, &retry.congestion,
        &retry.provider_error, &retry.lost}) {
    *duration = row.Milliseconds();
  }
  return retry;
}

MessageTexts ReadTexts(RowReader& row) {
  const std::vector<std::string> languages = row.Texts();
  const std::vector<std::string> templates = row.Texts();
  MessageTexts texts;
  for (std::size_t i = 0; i < languages.size() && i < templates.size(); ++i) {
    texts.templates.emplace(languages[i], templates[i]);
  }
  texts.language = row.Text();
  return texts;
}

Campaign ReadOne(const pqxx::row& raw) {
  RowReader row(raw);
  Campaign campaign;
  campaign.id = CampaignId(row.Int64());
  campaign.tenant = TenantId(row.Int64());
  CampaignSpec& spec = campaign.spec;
  spec.trunk = row.Text();
  spec.name = row.Text();
  spec.purpose = row.Text();
  spec.priority = row.Int();
  spec.flow = ReadFlow(row);
  spec.ack = ReadAck(row);
  spec.retry = ReadRetry(row);
  spec.calls_per_second = row.Double();
  spec.concurrent_max = row.Int();
  spec.window.open_minute = row.Int();
  spec.window.close_minute = row.Int();
  spec.time_zone = row.Text();
  spec.expires_after = row.Milliseconds();
  spec.default_region = row.Text();
  spec.synthetic = row.Bool();
  const std::optional<std::string> operator_number = row.OptText();
  std::string operator_region = row.Text();
  if (operator_number) {
    spec.flow.operator_line =
        OperatorLine{StoredNumber(*operator_number), std::move(operator_region)};
  }
  spec.texts = ReadTexts(row);
  campaign.time_scale = row.Double();
  campaign.state = row.Enum<CampaignState>();
  campaign.state_reason = row.Text();
  campaign.cancel_mode = row.OptEnum<CancelMode>();
  campaign.created_at = row.Time();
  campaign.started_at = row.OptTime();
  campaign.expires_at = row.OptTime();
  campaign.ended_at = row.OptTime();
  return campaign;
}

}  // namespace

std::vector<Campaign> ReadCampaigns(Session& session, const std::vector<CampaignId>& ids) {
  std::vector<Campaign> campaigns;
  if (ids.empty()) return campaigns;
  for (const pqxx::row& row : session.Run(query::kReadCampaigns, IdArray(ids))) {
    campaigns.push_back(ReadOne(row));
  }
  return campaigns;
}

absl::StatusOr<Campaign> ReadCampaign(Session& session, CampaignId id) {
  std::vector<Campaign> found = ReadCampaigns(session, {id});
  if (found.empty()) return NotFound("there is no campaign {}", id.value());
  return std::move(found.front());
}

absl::StatusOr<bool> InsertCampaign(Session& session, CampaignId id, TenantId tenant,
                                    const CampaignSpec& spec, absl::Time now) {
  const CallFlow& flow = spec.flow;
  const RetryPolicy& retry = spec.retry;
  std::optional<std::string> prompt;
  if (flow.prompt.is_set()) prompt = std::to_string(flow.prompt.value());
  std::vector<std::string> languages;
  std::vector<std::string> templates;
  for (const auto& [language, text] : spec.texts.templates) {
    languages.push_back(language);
    templates.push_back(text);
  }
  std::optional<std::string> operator_number;
  if (flow.operator_line) operator_number = flow.operator_line->number.e164();
  const std::string operator_region = flow.operator_line ? flow.operator_line->region : "";
  const pqxx::result inserted = session.Run(
      query::kInsertCampaign, id.value(), tenant.value(), spec.trunk, spec.name, spec.purpose,
      spec.priority, flow.audio_uri, prompt, KeysText(flow.keys), Ms(flow.identity_ends),
      flow.plays, Ms(flow.pause), Ms(flow.wait_for_key), flow.replays_max, Ms(flow.ring_limit),
      Ms(flow.call_limit), spec.ack.required, std::string(Name(spec.ack.scope)),
      Ms(spec.ack.retry_after), spec.ack.unconfirmed_answers_max, retry.attempts_max, retry.backoff,
      Ms(retry.busy), Ms(retry.no_answer), Ms(retry.unreachable), Ms(retry.declined),
      Ms(retry.congestion), Ms(retry.provider_error), Ms(retry.lost), spec.calls_per_second,
      spec.concurrent_max, spec.window.open_minute, spec.window.close_minute, spec.time_zone,
      Ms(spec.expires_after), spec.default_region, spec.synthetic, operator_number, operator_region,
      ArrayOf(languages), ArrayOf(templates), spec.texts.language, TimeText(now));
  return !inserted.empty();
}

std::map<CampaignId, Campaign> CampaignCache::Read(Session& session,
                                                   const std::set<CampaignId>& ids) {
  std::map<CampaignId, Campaign> campaigns;
  std::vector<CampaignId> unknown;
  {
    std::lock_guard lock(mutex_);
    for (const CampaignId id : ids) {
      const auto it = known_.find(id);
      if (it == known_.end()) {
        unknown.push_back(id);
      } else {
        campaigns.insert(*it);
      }
    }
  }
  if (!unknown.empty()) {
    std::vector<Campaign> read = ReadCampaigns(session, unknown);
    std::lock_guard lock(mutex_);
    if (known_.size() + read.size() > kCacheMax) known_.clear();
    for (Campaign& campaign : read) {
      known_.insert_or_assign(campaign.id, campaign);
      campaigns.insert_or_assign(campaign.id, std::move(campaign));
    }
  }
  const std::vector<CampaignId> all(ids.begin(), ids.end());
  for (const pqxx::row& raw : session.Run(query::kReadCampaignStates, IdArray(all))) {
    RowReader row(raw);
    Campaign& campaign = campaigns[CampaignId(row.Int64())];
    campaign.state = row.Enum<CampaignState>();
    campaign.state_reason = row.Text();
    campaign.cancel_mode = row.OptEnum<CancelMode>();
    campaign.started_at = row.OptTime();
    campaign.expires_at = row.OptTime();
    campaign.ended_at = row.OptTime();
  }
  return campaigns;
}

}  // namespace tocsin::db
