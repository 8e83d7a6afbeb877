#include "db/fact_rows.h"

#include <string_view>
#include <utility>

#include "db/array_literal.h"
#include "db/people.h"
#include "db/row_reader.h"

namespace tocsin::db {

std::map<AttemptKey, int> InsertFacts(Session& session, const std::vector<AttemptFact>& facts) {
  std::map<AttemptKey, int> inserted;
  if (facts.empty()) return inserted;
  ArrayLiteral campaigns, attempts, keys, kinds, at, received_at, numbers, codes, subcodes, sips,
      q850s, causes, tones, calls, texts, raws;
  for (const auto& [attempt, told] : facts) {
    const Fact& fact = *told;
    campaigns.Add(attempt.campaign.value());
    attempts.Add(attempt.attempt.value());
    keys.Add(fact.key);
    kinds.Add(Name(fact.kind));
    at.Add(fact.at);
    received_at.Add(fact.received_at);
    numbers.Add(fact.number);
    codes.Add(fact.code);
    subcodes.Add(fact.subcode);
    sips.Add(fact.sip);
    q850s.Add(fact.q850);
    causes.AddName(fact.cause);
    tones.AddOrNull(fact.tone == 0 ? std::string_view() : std::string_view(&fact.tone, 1));
    calls.AddOrNull(fact.call);
    texts.AddOrNull(fact.text);
    raws.AddOrNull(fact.raw);
  }
  const pqxx::result result =
      session.Run(query::kInsertFacts, std::move(campaigns).Take(), std::move(attempts).Take(),
                  std::move(keys).Take(), std::move(kinds).Take(), std::move(at).Take(),
                  std::move(received_at).Take(), std::move(numbers).Take(), std::move(codes).Take(),
                  std::move(subcodes).Take(), std::move(sips).Take(), std::move(q850s).Take(),
                  std::move(causes).Take(), std::move(tones).Take(), std::move(calls).Take(),
                  std::move(texts).Take(), std::move(raws).Take());
  for (const pqxx::row& raw : result) {
    RowReader row(raw);
    const CampaignId campaign(row.Int64());
    const AttemptKey key{campaign, AttemptId(row.Int64())};
    inserted[key] = row.Int();
  }
  return inserted;
}

std::map<AttemptKey, std::vector<Fact>> ReadFacts(Session& session,
                                                  const std::set<AttemptKey>& keys) {
  std::map<AttemptKey, std::vector<Fact>> facts;
  const KeyArrays arrays(keys);
  for (const pqxx::row& raw : session.Run(query::kReadFacts, arrays.campaigns, arrays.ids)) {
    RowReader row(raw);
    const CampaignId campaign(row.Int64());
    const AttemptKey key{campaign, AttemptId(row.Int64())};
    Fact fact;
    fact.kind = row.Enum<FactKind>();
    fact.at = row.Time();
    fact.received_at = row.Time();
    fact.key = row.Text();
    fact.number = row.Int();
    fact.code = row.Int();
    fact.subcode = row.Int();
    fact.sip = row.Int();
    fact.q850 = row.Int();
    fact.cause = row.OptEnum<EndCause>();
    const std::string tone = row.Text();
    fact.tone = tone.empty() ? '\0' : tone.front();
    fact.call = row.Text();
    fact.text = row.Text();
    facts[key].push_back(std::move(fact));
  }
  return facts;
}

}  // namespace tocsin::db
