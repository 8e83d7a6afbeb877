#include "db/people.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/check.h"
#include "db/array_literal.h"
#include "db/row_reader.h"

namespace tocsin::db {
namespace {

std::vector<NumberMark> ReadMarks(const std::string& letters) {
  std::vector<NumberMark> marks;
  for (const char letter : letters) {
    const auto mark = MarkOfLetter(letter);
    if (!mark) throw std::runtime_error("unexpected mark");
    marks.push_back(*mark);
  }
  return marks;
}

std::vector<TriedCall> ReadHistory(const std::vector<std::string>& texts) {
  std::vector<TriedCall> tried;
  for (const std::string& text : texts) {
    auto call = DecodeTriedCall(text);
    if (!call.ok()) throw std::runtime_error("unexpected history");
    tried.push_back(*std::move(call));
  }
  return tried;
}

std::string MarksText(const std::vector<NumberMark>& marks) {
  std::string letters;
  for (const NumberMark mark : marks) letters += Letter(mark);
  return letters;
}

std::string HistoryText(const std::vector<TriedCall>& tried) {
  ArrayLiteral literal;
  for (const TriedCall& call : tried) literal.Add(EncodeTriedCall(call));
  return std::move(literal).Take();
}

std::optional<std::string> NameOf(const std::optional<Outcome>& outcome) {
  if (!outcome) return std::nullopt;
  return std::string(Name(*outcome));
}

}  // namespace

KeyArrays::KeyArrays(const std::set<PersonKey>& keys) {
  ArrayLiteral first, second;
  for (const auto& [campaign, recipient] : keys) {
    first.Add(campaign.value());
    second.Add(recipient.value());
  }
  campaigns = std::move(first).Take();
  ids = std::move(second).Take();
}

KeyArrays::KeyArrays(const std::set<AttemptKey>& keys) {
  ArrayLiteral first, second;
  for (const AttemptKey& key : keys) {
    first.Add(key.campaign.value());
    second.Add(key.attempt.value());
  }
  campaigns = std::move(first).Take();
  ids = std::move(second).Take();
}

AttemptId DecisiveAttempt(const RecipientHistory& history, Outcome outcome) {
  const auto first = [&](auto predicate) {
    const auto it = std::find_if(history.tried.begin(), history.tried.end(), predicate);
    return it == history.tried.end() ? history.tried.back().attempt : it->attempt;
  };
  if (history.tried.empty()) return AttemptId();
  switch (outcome) {
    case Outcome::kConfirmed: return first([](const TriedCall& c) { return c.acknowledged; });
    case Outcome::kOptedOut: return first([](const TriedCall& c) { return c.opted_out; });
    case Outcome::kRefused: return first([](const TriedCall& c) { return c.refused; });
    case Outcome::kDeliveredUnconfirmed:
      return first([](const TriedCall& c) { return c.delivery == Delivery::kFull; });
    case Outcome::kPartial:
      return first([](const TriedCall& c) { return c.delivery == Delivery::kPartial; });
    case Outcome::kNotReached:
    case Outcome::kNoUsableNumber:
    case Outcome::kSuppressed:
    case Outcome::kExpired:
    case Outcome::kCanceled:
    case Outcome::kUnknown: return history.tried.back().attempt;
  }
  return AttemptId();
}

void People::Lock(Session& session, const std::set<PersonKey>& keys) {
  std::set<PersonKey> unknown;
  for (const PersonKey& key : keys) {
    if (!people_.contains(key)) unknown.insert(key);
  }
  if (unknown.empty()) return;
  const KeyArrays arrays(unknown);
  for (const pqxx::row& raw : session.Run(query::kLockPeople, arrays.campaigns, arrays.ids)) {
    RowReader row(raw);
    const CampaignId campaign(row.Int64());
    Person person;
    person.history.recipient = RecipientId(row.Int64());
    person.history.time_zone = row.Text();
    person.history.marks = ReadMarks(row.Text());
    person.history.mark_reason = row.Text();
    person.history.tried = ReadHistory(row.Texts());
    person.numbers = row.Texts();
    person.priority = row.Int();
    person.outcome = row.OptEnum<Outcome>();
    person.outcome_reason = row.Text();
    person.served_by = AttemptId(row.Int64());
    person.first_attempt_at = row.OptTime();
    person.last_caller = row.OptText();
    person.concluded_at = row.OptTime();
    person.revision = row.Int();
    person.text = row.Int64();
    const PersonKey key{campaign, person.history.recipient};
    people_.emplace(key, std::move(person));
  }
}

Person* People::Find(const PersonKey& key) {
  const auto it = people_.find(key);
  return it == people_.end() ? nullptr : &it->second;
}

void People::Settle(const Campaign& campaign, const PersonKey& key, const RecipientVerdict& verdict,
                    absl::Time now, Counters& counters) {
  Person* person = Find(key);
  TOCSIN_CHECK(person != nullptr);
  touched_.insert(key);
  if (!verdict.outcome && !person->outcome) {
    queued_.insert_or_assign(key, Place{*verdict.next_at, verdict.number_index});
    return;
  }
  queued_.erase(key);
  // Nobody is opened again: what a late fact took away leaves what there is.
  const RecipientVerdict final_verdict =
      verdict.outcome ? verdict
                      : ConcludeRecipient(campaign, person->history, Outcome::kNotReached);
  const bool same =
      person->outcome == final_verdict.outcome && person->outcome_reason == final_verdict.reason;
  if (same) return;
  if (person->outcome) {
    counters.Add(key.first, *person->outcome, -1);
    ++person->revision;
  }
  counters.Add(key.first, *final_verdict.outcome, 1);
  person->outcome = final_verdict.outcome;
  person->outcome_reason = final_verdict.reason;
  person->served_by = DecisiveAttempt(person->history, *final_verdict.outcome);
  person->concluded_at = now;
}

void People::WriteRows(Session& session) const {
  if (touched_.empty()) return;
  ArrayLiteral campaigns, recipients, histories, marks, mark_reasons, outcomes, reasons, served_by,
      concluded_at, attempts_made, first_attempt_at, last_callers, revisions;
  for (const PersonKey& key : touched_) {
    const auto it = people_.find(key);
    if (it == people_.end()) continue;
    const Person& person = it->second;
    campaigns.Add(key.first.value());
    recipients.Add(key.second.value());
    histories.Add(HistoryText(person.history.tried));
    marks.Add(MarksText(person.history.marks));
    mark_reasons.Add(person.history.mark_reason);
    outcomes.Add(NameOf(person.outcome));
    reasons.Add(person.outcome_reason);
    if (person.served_by.is_set()) {
      served_by.Add(person.served_by.value());
    } else {
      served_by.AddNull();
    }
    concluded_at.Add(person.concluded_at);
    attempts_made.Add(static_cast<std::int64_t>(person.history.tried.size()));
    first_attempt_at.Add(person.first_attempt_at);
    last_callers.Add(person.last_caller);
    revisions.Add(person.revision);
  }
  session.Run(query::kWritePeople, std::move(campaigns).Take(), std::move(recipients).Take(),
              std::move(histories).Take(), std::move(marks).Take(), std::move(mark_reasons).Take(),
              std::move(outcomes).Take(), std::move(reasons).Take(), std::move(served_by).Take(),
              std::move(concluded_at).Take(), std::move(attempts_made).Take(),
              std::move(first_attempt_at).Take(), std::move(last_callers).Take(),
              std::move(revisions).Take());
}

void People::WriteQueue(Session& session) const {
  std::set<PersonKey> out;
  for (const PersonKey& key : dequeued_) {
    if (!queued_.contains(key)) out.insert(key);
  }
  if (!out.empty()) {
    const KeyArrays arrays(out);
    session.Run(query::kDequeue, arrays.campaigns, arrays.ids);
  }
  if (queued_.empty()) return;
  ArrayLiteral campaigns, recipients, priorities, due_at, numbers, indexes, texts;
  for (const auto& [key, place] : queued_) {
    const Person& person = people_.at(key);
    campaigns.Add(key.first.value());
    recipients.Add(key.second.value());
    priorities.Add(person.priority);
    due_at.Add(place.due_at);
    numbers.Add(person.numbers.at(static_cast<std::size_t>(place.number_index)));
    indexes.Add(place.number_index);
    texts.Add(person.text);
  }
  session.Run(query::kEnqueue, std::move(campaigns).Take(), std::move(recipients).Take(),
              std::move(priorities).Take(), std::move(due_at).Take(), std::move(numbers).Take(),
              std::move(indexes).Take(), std::move(texts).Take());
}

void People::Write(Session& session) const {
  WriteRows(session);
  WriteQueue(session);
}

}  // namespace tocsin::db
