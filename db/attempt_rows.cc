#include "db/attempt_rows.h"

#include <utility>

#include "db/array_literal.h"
#include "db/people.h"
#include "db/row_reader.h"
#include "db/time_text.h"

namespace tocsin::db {
namespace {

// An answer that was over this soon, without a key: counted for the breaker.
constexpr absl::Duration kShortCall = absl::Seconds(6);

AttemptResult ReadResult(RowReader& row) {
  AttemptResult result;
  result.not_sent = row.Int();
  result.retry_send_at = row.OptTime();
  result.call = row.Text();
  result.seizure = row.Bool();
  result.sent_at = row.OptTime();
  result.ringing_at = row.OptTime();
  result.answered_at = row.OptTime();
  result.ended_at = row.OptTime();
  result.disposition = row.OptEnum<Disposition>();
  result.source = row.OptEnum<DispositionSource>();
  result.code = row.Int();
  result.subcode = row.Int();
  result.sip = row.Int();
  result.q850 = row.Int();
  result.cause = row.OptEnum<EndCause>();
  result.reason = row.Text();
  result.delivery = row.Enum<Delivery>();
  result.heard_ms = row.Int64();
  result.answered_by = row.Enum<AnsweredBy>();
  result.acknowledged_at = row.OptTime();
  result.refused_at = row.OptTime();
  result.opted_out_at = row.OptTime();
  result.asked_operator_at = row.OptTime();
  result.put_through_at = row.OptTime();
  return result;
}

AttemptRow ReadAttempt(const pqxx::row& raw) {
  RowReader row(raw);
  AttemptRow attempt;
  attempt.key.campaign = CampaignId(row.Int64());
  attempt.key.attempt = AttemptId(row.Int64());
  attempt.recipient = RecipientId(row.Int64());
  attempt.people = row.Int();
  attempt.trunk = TrunkId(row.Int64());
  attempt.number = row.Text();
  attempt.number_index = row.Int();
  const auto state = row.Enum<AttemptState>();
  attempt.caller = row.OptText();
  attempt.planned_at = row.Time();
  attempt.intended_at = row.OptTime();
  attempt.sends = row.Int();
  attempt.result = ReadResult(row);
  attempt.result.state = state;
  attempt.revision = row.Int();
  attempt.log_keeper = row.OptInt64();
  attempt.text = TextId(row.Int64());
  return attempt;
}

std::optional<absl::Time> Stored(const std::optional<absl::Time>& time) {
  if (!time) return std::nullopt;
  return AsStored(*time);
}

std::optional<absl::Time> PressedAt(const std::optional<KeyPress>& press) {
  if (!press) return std::nullopt;
  return AsStored(press->at);
}

}  // namespace

std::map<AttemptKey, AttemptRow> LockAttempts(Session& session, const std::set<AttemptKey>& keys) {
  std::map<AttemptKey, AttemptRow> rows;
  const KeyArrays arrays(keys);
  for (const pqxx::row& raw : session.Run(query::kLockAttempts, arrays.campaigns, arrays.ids)) {
    AttemptRow row = ReadAttempt(raw);
    const AttemptKey key = row.key;
    rows.emplace(key, std::move(row));
  }
  return rows;
}

AttemptResult ResultOf(const CallView& view, int not_sent) {
  AttemptResult result;
  result.state = view.state;
  result.not_sent = not_sent;
  result.call = view.call;
  result.seizure = view.seizure;
  result.sent_at = Stored(view.sent_at);
  result.ringing_at = Stored(view.ringing_at);
  result.answered_at = Stored(view.answered_at);
  result.ended_at = Stored(view.ended_at);
  result.disposition = view.disposition;
  if (view.disposition) result.source = view.source;
  result.code = view.code;
  result.subcode = view.subcode;
  result.sip = view.sip;
  result.q850 = view.q850;
  result.cause = view.cause;
  result.reason = view.reason;
  result.delivery = view.delivery;
  result.heard_ms = absl::ToInt64Milliseconds(view.heard);
  result.answered_by = view.answered_by;
  result.acknowledged_at = PressedAt(view.acknowledged);
  result.refused_at = PressedAt(view.refused);
  result.opted_out_at = PressedAt(view.opted_out);
  result.asked_operator_at = PressedAt(view.asked_operator);
  result.put_through_at = Stored(view.put_through_at());
  return result;
}

bool MustBeWritten(const AttemptResult& before, const AttemptResult& after) {
  if (before.state != after.state || before.not_sent != after.not_sent) return true;
  if (after.state == AttemptState::kEnded) return before != after;
  return before.acknowledged_at != after.acknowledged_at || before.refused_at != after.refused_at ||
         before.opted_out_at != after.opted_out_at;
}

void Count(const Campaign& campaign, const AttemptResult& result, int sign, Counters& counters) {
  counters.Add(campaign.id, "sends", -sign * result.not_sent);
  if (result.opted_out_at) counters.Add(campaign.id, "opt_outs", sign);
  if (result.state != AttemptState::kEnded) return;
  counters.Add(campaign.id, "attempts", sign);
  counters.Add(campaign.id, *result.disposition, sign);
  if (result.disposition != Disposition::kAnswered) return;
  if (result.delivery == Delivery::kNone) counters.Add(campaign.id, "unheard_answers", sign);
  const bool is_short = result.answered_at &&
                        *result.ended_at - *result.answered_at < kShortCall / campaign.time_scale;
  if (is_short && result.answered_by != AnsweredBy::kHuman) {
    counters.Add(campaign.id, "short_calls", sign);
  }
}

void WriteAttempts(Session& session, const std::vector<const AttemptRow*>& rows) {
  if (rows.empty()) return;
  ArrayLiteral campaigns, attempts, states, not_sent, retry_send_at, calls, seizures, sent_at,
      ringing_at, answered_at, ended_at, dispositions, sources, codes, subcodes, sips, q850s,
      causes, reasons, deliveries, heard_ms, answered_by, acknowledged_at, refused_at, opted_out_at,
      asked_operator_at, put_through_at, revisions;
  for (const AttemptRow* row : rows) {
    const AttemptResult& result = row->result;
    campaigns.Add(row->key.campaign.value());
    attempts.Add(row->key.attempt.value());
    states.Add(Name(result.state));
    not_sent.Add(result.not_sent);
    retry_send_at.Add(result.retry_send_at);
    calls.AddOrNull(result.call);
    seizures.AddBool(result.seizure);
    sent_at.Add(result.sent_at);
    ringing_at.Add(result.ringing_at);
    answered_at.Add(result.answered_at);
    ended_at.Add(result.ended_at);
    dispositions.AddName(result.disposition);
    sources.AddName(result.source);
    codes.Add(result.code);
    subcodes.Add(result.subcode);
    sips.Add(result.sip);
    q850s.Add(result.q850);
    causes.AddName(result.cause);
    reasons.Add(result.reason);
    deliveries.Add(Name(result.delivery));
    heard_ms.Add(result.heard_ms);
    answered_by.Add(Name(result.answered_by));
    acknowledged_at.Add(result.acknowledged_at);
    refused_at.Add(result.refused_at);
    opted_out_at.Add(result.opted_out_at);
    asked_operator_at.Add(result.asked_operator_at);
    put_through_at.Add(result.put_through_at);
    revisions.Add(row->revision);
  }
  session.Run(query::kWriteAttempts, std::move(campaigns).Take(), std::move(attempts).Take(),
              std::move(states).Take(), std::move(not_sent).Take(), std::move(retry_send_at).Take(),
              std::move(calls).Take(), std::move(seizures).Take(), std::move(sent_at).Take(),
              std::move(ringing_at).Take(), std::move(answered_at).Take(),
              std::move(ended_at).Take(), std::move(dispositions).Take(), std::move(sources).Take(),
              std::move(codes).Take(), std::move(subcodes).Take(), std::move(sips).Take(),
              std::move(q850s).Take(), std::move(causes).Take(), std::move(reasons).Take(),
              std::move(deliveries).Take(), std::move(heard_ms).Take(),
              std::move(answered_by).Take(), std::move(acknowledged_at).Take(),
              std::move(refused_at).Take(), std::move(opted_out_at).Take(),
              std::move(asked_operator_at).Take(), std::move(put_through_at).Take(),
              std::move(revisions).Take());
}

}  // namespace tocsin::db
