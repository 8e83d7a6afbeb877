// Lists on their way in.
#include <map>
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

constexpr const char* kDuplicate = "DUPLICATE_PERSON";
constexpr std::int64_t kAnalyzeFrom = 1000;

RefusedRow DuplicateOf(const ImportRow& row) {
  return {row.line, row.person_key, "person_key", kDuplicate,
          "this person_key is already in the campaign"};
}

absl::StatusOr<ImportSummary> Summary(Session& session, ImportId import) {
  const pqxx::result sums = session.Run(query::kSumImport, import.value());
  const pqxx::row raw = sums.front();
  RowReader row(raw);
  ImportSummary summary;
  summary.id = import;
  summary.accepted = row.Int64();
  summary.duplicates = row.Int64();
  summary.refused = row.Int64();
  return summary;
}

bool TakesPeople(CampaignState state) {
  return state == CampaignState::kDraft || state == CampaignState::kRunning ||
         state == CampaignState::kPaused;
}

// The campaign, protected from commands until this transaction ends.
absl::StatusOr<Campaign> ShareOpenCampaign(Session& session, CampaignId id) {
  if (session.Run(query::kShareCampaign, id.value()).empty()) {
    return NotFound("there is no campaign {}", id.value());
  }
  TOCSIN_ASSIGN_OR_RETURN(Campaign campaign, ReadCampaign(session, id));
  if (!TakesPeople(campaign.state)) {
    return FailedPrecondition("cannot import into a campaign that is {}", Name(campaign.state));
  }
  return campaign;
}

TextId TextOf(const ImportRow& row) {
  return row.message ? TextIdOf(*row.message) : TextId();
}

// What the people of a batch are told; nothing where a recording is played.
void InsertTexts(Session& session, CampaignId campaign, const std::vector<ImportRow>& rows) {
  std::map<TextId, const SpokenMessage*> texts;
  for (const ImportRow& row : rows) {
    if (row.message) texts.emplace(TextOf(row), &*row.message);
  }
  if (texts.empty()) return;
  ArrayLiteral ids, languages, words;
  for (const auto& [id, message] : texts) {
    ids.Add(id.value());
    languages.Add(message->language);
    words.Add(message->text.Reveal());
  }
  session.Run(query::kInsertTexts, campaign.value(), std::move(ids).Take(),
              std::move(languages).Take(), std::move(words).Take());
}

// Inserts the people; returns who is new, by key.
std::map<std::string, RecipientId> InsertPeople(Session& session, CampaignId campaign,
                                                ImportId import,
                                                const std::vector<ImportRow>& rows) {
  std::map<std::string, RecipientId> inserted;
  if (rows.empty()) return inserted;
  ArrayLiteral lines, keys, names, numbers, zones, languages, priorities, marks, texts;
  for (const ImportRow& row : rows) {
    ArrayLiteral own;
    for (const PhoneNumber& number : row.numbers) own.Add(number.e164());
    lines.Add(row.line);
    keys.Add(row.person_key);
    names.Add(row.name);
    numbers.Add(std::move(own).Take());
    zones.Add(row.time_zone);
    languages.Add(row.language);
    priorities.Add(row.priority);
    marks.Add(std::string(row.numbers.size(), Letter(NumberMark::kUsable)));
    texts.Add(TextOf(row).value());
  }
  const pqxx::result result =
      session.Run(query::kInsertRecipients, campaign.value(), import.value(),
                  std::move(lines).Take(), std::move(keys).Take(), std::move(names).Take(),
                  std::move(numbers).Take(), std::move(zones).Take(), std::move(languages).Take(),
                  std::move(priorities).Take(), std::move(marks).Take(), std::move(texts).Take());
  for (const pqxx::row& row : result) {
    inserted.emplace(row[1].c_str(), RecipientId(row[0].as<std::int64_t>()));
  }
  return inserted;
}

void InsertRefused(Session& session, CampaignId campaign, ImportId import, std::int64_t batch_no,
                   const std::vector<RefusedRow>& rows) {
  if (rows.empty()) return;
  ArrayLiteral lines, keys, fields, reasons, details;
  for (const RefusedRow& row : rows) {
    lines.Add(row.line);
    keys.Add(row.person_key);
    fields.Add(row.field);
    reasons.Add(row.reason);
    details.Add(row.detail);
  }
  session.Run(query::kInsertRefusedRows, campaign.value(), import.value(), batch_no,
              std::move(lines).Take(), std::move(keys).Take(), std::move(fields).Take(),
              std::move(reasons).Take(), std::move(details).Take());
}

// The first try of people who join a campaign that has been started.
void EnqueueNew(Session& session, const Campaign& campaign,
                const std::vector<const ImportRow*>& rows,
                const std::map<std::string, RecipientId>& ids, absl::Time now, Counters& counters) {
  std::map<std::string, RecipientVerdict> by_zone;
  std::set<std::string> closed_zones;
  ArrayLiteral campaigns, recipients, priorities, due_at, numbers, indexes, texts;
  for (const ImportRow* row : rows) {
    auto [it, is_new] = by_zone.try_emplace(row->time_zone);
    if (is_new) {
      RecipientHistory history;
      history.time_zone = row->time_zone;
      history.marks = {NumberMark::kUsable};
      it->second = FirstTry(campaign, history, now);
    }
    if (!it->second.next_at) {
      closed_zones.insert(row->time_zone);
      continue;
    }
    campaigns.Add(campaign.id.value());
    recipients.Add(ids.at(row->person_key).value());
    priorities.Add(row->priority);
    due_at.Add(*it->second.next_at);
    numbers.Add(row->numbers.front().e164());
    indexes.Add(0);
    texts.Add(TextOf(*row).value());
  }
  for (const std::string& zone : closed_zones) {
    const RecipientVerdict& verdict = by_zone.at(zone);
    ArrayLiteral people;
    for (const ImportRow* row : rows) {
      if (row->time_zone == zone) people.Add(ids.at(row->person_key).value());
    }
    const int count = people.size();
    session.Run(query::kConcludeNew, campaign.id.value(), std::move(people).Take(),
                std::string(Name(*verdict.outcome)), verdict.reason, TimeText(now));
    counters.Add(campaign.id, *verdict.outcome, count);
  }
  if (recipients.size() == 0) return;
  session.Run(query::kEnqueue, std::move(campaigns).Take(), std::move(recipients).Take(),
              std::move(priorities).Take(), std::move(due_at).Take(), std::move(numbers).Take(),
              std::move(indexes).Take(), std::move(texts).Take());
  session.Run(query::kNotify, "due");
}

absl::StatusOr<ImportBatchResult> FirstResult(Session& session, ImportId import,
                                              std::int64_t batch_no) {
  ImportBatchResult result;
  const pqxx::result batch = session.Run(query::kReadImportBatch, import.value(), batch_no);
  result.accepted = batch.front()[0].as<std::int64_t>();
  for (const pqxx::row& raw :
       session.Run(query::kReadDuplicatesOfBatch, import.value(), batch_no, kDuplicate)) {
    RowReader row(raw);
    RefusedRow refused;
    refused.line = row.Int64();
    refused.person_key = row.Text();
    refused.field = row.Text();
    refused.reason = row.Text();
    refused.detail = row.Text();
    result.duplicates.push_back(std::move(refused));
  }
  return result;
}

absl::StatusOr<ImportBatchResult> TakeBatch(Session& session, const Campaign& campaign,
                                            ImportId import, std::int64_t batch_no,
                                            const std::vector<ImportRow>& rows,
                                            const std::vector<RefusedRow>& refused,
                                            absl::Time now) {
  Counters counters;
  InsertTexts(session, campaign.id, rows);
  const std::map<std::string, RecipientId> ids = InsertPeople(session, campaign.id, import, rows);
  ImportBatchResult result;
  std::vector<const ImportRow*> taken;
  std::set<std::string> seen;
  for (const ImportRow& row : rows) {
    // Of a key that stands twice in the batch, the first row is the person.
    if (ids.contains(row.person_key) && seen.insert(row.person_key).second) {
      taken.push_back(&row);
    } else {
      result.duplicates.push_back(DuplicateOf(row));
    }
  }
  result.accepted = static_cast<std::int64_t>(taken.size());
  const auto duplicates = static_cast<std::int64_t>(result.duplicates.size());
  const auto refusals = static_cast<std::int64_t>(refused.size());
  InsertRefused(session, campaign.id, import, batch_no, refused);
  InsertRefused(session, campaign.id, import, batch_no, result.duplicates);
  session.Run(query::kCountImportBatch, import.value(), batch_no, result.accepted, duplicates,
              refusals);
  if (campaign.started_at) EnqueueNew(session, campaign, taken, ids, now, counters);
  counters.Add(campaign.id, "people", result.accepted);
  counters.Add(campaign.id, "duplicates", duplicates);
  counters.Add(campaign.id, "refused", refusals);
  counters.Write(session);
  return result;
}

}  // namespace

absl::StatusOr<ImportSummary> PgStore::BeginImport(const ApiRequest& request, CampaignId id,
                                                   absl::Time now) {
  constexpr std::string_view kMethod = "IMPORT";
  return Transact(*pool_, [&](Session& session) -> absl::StatusOr<ImportSummary> {
    TOCSIN_ASSIGN_OR_RETURN(const Campaign campaign, ShareOpenCampaign(session, id));
    if (campaign.tenant != request.tenant) return NotFound("there is no campaign {}", id.value());
    TOCSIN_ASSIGN_OR_RETURN(const std::optional<FirstAnswer> first,
                            FindRequest(session, request, kMethod));
    if (first) {
      if (first->campaign != id) {
        return absl::AlreadyExistsError("request_id was used for another campaign");
      }
      session.Run(query::kReopenImport, first->import.value());
      return Summary(session, first->import);
    }
    const pqxx::result inserted =
        session.Run(query::kInsertImport, id.value(), request.tenant.value(), TimeText(now));
    FirstAnswer answer;
    answer.campaign = id;
    answer.import = ImportId(inserted.front()[0].as<std::int64_t>());
    TOCSIN_RETURN_IF_ERROR(KeepRequest(session, request, kMethod, answer, now));
    ImportSummary summary;
    summary.id = answer.import;
    return summary;
  });
}

absl::StatusOr<ImportBatchResult> PgStore::ImportBatch(ImportId import, std::int64_t batch_no,
                                                       const std::vector<ImportRow>& rows,
                                                       const std::vector<RefusedRow>& refused,
                                                       absl::Time now) {
  return Transact(*pool_, [&](Session& session) -> absl::StatusOr<ImportBatchResult> {
    const pqxx::result found = session.Run(query::kReadImport, import.value());
    if (found.empty()) return NotFound("there is no import {}", import.value());
    const bool is_new = !session.Run(query::kInsertImportBatch, import.value(), batch_no).empty();
    if (!is_new) return FirstResult(session, import, batch_no);
    if (!found.front()[1].as<bool>()) {
      return FailedPrecondition("the import {} is finished; begin another", import.value());
    }
    TOCSIN_ASSIGN_OR_RETURN(
        const Campaign campaign,
        ShareOpenCampaign(session, CampaignId(found.front()[0].as<std::int64_t>())));
    return TakeBatch(session, campaign, import, batch_no, rows, refused, now);
  });
}

absl::StatusOr<ImportSummary> PgStore::FinishImport(ImportId import, absl::Time now) {
  auto summary = Transact(*pool_, [&](Session& session) -> absl::StatusOr<ImportSummary> {
    const pqxx::result finished = session.Run(query::kFinishImport, import.value(), TimeText(now));
    if (finished.empty()) return NotFound("there is no import {}", import.value());
    session.Run(query::kNotify, "campaigns");
    return Summary(session, import);
  });
  if (summary.ok() && summary->accepted >= kAnalyzeFrom) Analyze(false);
  return summary;
}

absl::StatusOr<RefusedPage> PgStore::ListRefusedRows(TenantId tenant, CampaignId id,
                                                     std::int64_t after, int page_size) {
  return Read(*pool_, [&](Session& session) -> absl::StatusOr<RefusedPage> {
    TOCSIN_ASSIGN_OR_RETURN(const Campaign campaign, ReadCampaign(session, id));
    if (campaign.tenant != tenant) return NotFound("there is no campaign {}", id.value());
    RefusedPage page;
    std::int64_t last = 0;
    for (const pqxx::row& raw :
         session.Run(query::kListRefusedRows, tenant.value(), id.value(), after, page_size + 1)) {
      if (static_cast<int>(page.rows.size()) == page_size) {
        page.next_after = last;
        break;
      }
      RowReader row(raw);
      last = row.Int64();
      RefusedRow refused;
      refused.line = row.Int64();
      refused.person_key = row.Text();
      refused.field = row.Text();
      refused.reason = row.Text();
      refused.detail = row.Text();
      page.rows.push_back(std::move(refused));
    }
    return page;
  });
}

}  // namespace tocsin::db
