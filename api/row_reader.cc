#include "api/row_reader.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <system_error>
#include <utility>

#include "api/campaign_messages.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "core/calling_window.h"
#include "core/dial_guard.h"

namespace tocsin {
namespace {

constexpr int kTextMax = 200;               // Characters.
constexpr std::size_t kNumberTextMax = 64;  // Bytes.
constexpr std::size_t kNumbersMax = 5;

bool IsBlank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

std::string PhoneField(int index) {
  return index == 0 ? "phone" : fmt::format("phone{}", index + 1);
}

// Of a campaign that was checked when it was created.
MessageBook BookOf(const MessageTexts& texts) {
  auto book = MessageBook::Open(texts);
  TOCSIN_CHECK(book.ok());
  return *std::move(book);
}

}  // namespace

RowReader::RowReader(const CampaignSpec& spec, const PhoneNumberReader& numbers)
    : spec_(spec), numbers_(numbers), book_(BookOf(spec.texts)) {}

bool RowReader::IsTimeZone(const std::string& name) {
  if (zones_.contains(name)) return true;
  // Abseil remembers for ever each name that it was asked for; a list with
  // streets in that column must not fill the memory.
  static const std::filesystem::path database = "/usr/share/zoneinfo";
  static const bool has_database = std::filesystem::exists(database);
  std::error_code error;
  if (has_database && !std::filesystem::exists(database / name, error)) return false;
  if (!FindTimeZone(name).ok()) return false;
  zones_.insert(name);
  return true;
}

RowReader::NumberVerdict RowReader::ReadNumber(const std::string& text,
                                               const std::string& field) const {
  if (text.size() > kNumberTextMax) {
    return Refusal{field, refusal::kInvalidNumber, "this is far too long for a number"};
  }
  absl::StatusOr<PhoneNumber> number = numbers_.Read(text, spec_.default_region);
  if (!number.ok()) return Refusal{field, refusal::kInvalidNumber, Message(number.status())};
  if (auto why = RefusedDestination(*number)) {
    return Refusal{field, refusal::kForbiddenNumber, "never dialed: " + *why};
  }
  const bool synthetic = IsSyntheticNumber(*number);
  if (spec_.synthetic && !synthetic) {
    return Refusal{field, refusal::kNotSynthetic,
                   "the campaign is synthetic; only numbers of exchange 555 can be in it"};
  }
  if (!spec_.synthetic && synthetic) {
    return Refusal{field, refusal::kSyntheticNumber,
                   "nobody has a number of exchange 555; only a synthetic campaign takes it"};
  }
  return *std::move(number);
}

std::optional<RowReader::Refusal> RowReader::ReadNumbers(const v1::RecipientRow& row,
                                                         ImportRow& taken,
                                                         std::vector<std::string>& ignored) const {
  std::optional<Refusal> first;
  for (int i = 0; i < row.phones_size(); ++i) {
    if (IsBlank(row.phones(i))) continue;
    NumberVerdict verdict = ReadNumber(row.phones(i), PhoneField(i));
    if (Refusal* refusal = std::get_if<Refusal>(&verdict)) {
      ignored.push_back(refusal->reason);
      if (!first) first = std::move(*refusal);
      continue;
    }
    const PhoneNumber& number = std::get<PhoneNumber>(verdict);
    if (std::find(taken.numbers.begin(), taken.numbers.end(), number) == taken.numbers.end()) {
      taken.numbers.push_back(number);
    }
  }
  if (taken.numbers.size() > kNumbersMax) {
    return Refusal{"phone", refusal::kTooManyNumbers, "a person has at most 5 numbers"};
  }
  if (!taken.numbers.empty()) return std::nullopt;
  if (first) return first;
  return Refusal{"phone", refusal::kMissingNumber, "there is no number to ring"};
}

std::optional<RowReader::Refusal> RowReader::CheckRow(const v1::RecipientRow& row) {
  if (IsBlank(row.person_key())) {
    return Refusal{"person_key", refusal::kMissingPersonKey,
                   "each person needs a key of their own, such as a customer number"};
  }
  if (CountCharacters(row.person_key()) > kTextMax) {
    return Refusal{"person_key", refusal::kInvalidText, "has more than 200 characters"};
  }
  if (HasControlCharacters(row.person_key())) {
    return Refusal{"person_key", refusal::kInvalidText,
                   "has control characters or line breaks in it"};
  }
  if (CountCharacters(row.person_name()) > kTextMax) {
    return Refusal{"name", refusal::kInvalidText, "has more than 200 characters"};
  }
  if (!row.time_zone().empty() && !IsTimeZone(row.time_zone())) {
    return Refusal{"time_zone", refusal::kInvalidTimeZone,
                   "unknown time zone; write an IANA name such as America/Denver, or nothing"};
  }
  if (!row.language().empty() && !IsLanguageTag(row.language())) {
    return Refusal{"language", refusal::kInvalidLanguage,
                   "is no BCP 47 tag; write one such as en or pt-BR, or nothing"};
  }
  if (row.priority() < 0 || row.priority() > 9) {
    return Refusal{"priority", refusal::kInvalidPriority, "must be a whole number from 0 to 9"};
  }
  if (row.has_synthetic() && row.synthetic() != spec_.synthetic) {
    return row.synthetic()
               ? Refusal{"synthetic", refusal::kSyntheticNumber, "the campaign is not synthetic"}
               : Refusal{"synthetic", refusal::kNotSynthetic, "the campaign is synthetic"};
  }
  return std::nullopt;
}

// What this person is told, word for word. Whoever cannot be told it is not rung.
std::optional<RowReader::Refusal> RowReader::ReadMessage(const v1::RecipientRow& row,
                                                         ImportRow& taken) const {
  const auto& [language, text] = book_.For(row.language());
  std::map<std::string, std::string, std::less<>> values;
  for (const std::string& variable : text.variables()) {
    const auto given = row.variables().find(variable);
    const bool is_name = variable == kNameVariable;
    if (!is_name && given == row.variables().end()) continue;
    const std::string& value = is_name ? row.person_name() : given->second;
    if (CountCharacters(value) > kTextMax) {
      return Refusal{variable, refusal::kInvalidText, "has more than 200 characters"};
    }
    values.emplace(variable, WithoutControlCharacters(value));
  }
  auto filled = text.Fill([&values](std::string_view name) {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : &found->second;
  });
  if (const auto* missing = std::get_if<std::string>(&filled)) {
    return Refusal{*missing, refusal::kMissingVariable,
                   fmt::format("the message in '{}' says {{{}}}, and this person has none; fill it "
                               "in, or take it out of the message",
                               language, *missing)};
  }
  auto& words = std::get<MessageText>(filled);
  if (CountCharacters(words.Reveal()) > kSpokenCharactersMax) {
    return Refusal{
        "", refusal::kMessageTooLong,
        fmt::format("with this person's variables the message has more than {} characters",
                    kSpokenCharactersMax)};
  }
  taken.message = SpokenMessage{language, std::move(words)};
  return std::nullopt;
}

void RowReader::ReadRow(const v1::RecipientRow& row, std::int64_t line, ReadRows& read) {
  std::vector<std::string> ignored;
  ImportRow taken;
  std::optional<Refusal> refusal = CheckRow(row);
  if (!refusal) refusal = ReadNumbers(row, taken, ignored);
  if (!refusal && !book_.empty()) refusal = ReadMessage(row, taken);
  if (refusal) {
    // What is kept of a refused row must itself be fit to keep.
    const bool keep_key =
        CountCharacters(row.person_key()) <= kTextMax && !HasControlCharacters(row.person_key());
    read.refused.push_back({.line = line,
                            .person_key = keep_key ? row.person_key() : "",
                            .field = std::move(refusal->field),
                            .reason = std::move(refusal->reason),
                            .detail = std::move(refusal->detail)});
    return;
  }
  read.ignored.insert(read.ignored.end(), ignored.begin(), ignored.end());
  taken.line = line;
  taken.person_key = row.person_key();
  taken.name = WithoutControlCharacters(row.person_name());
  taken.time_zone = row.time_zone();
  taken.language = row.language();
  taken.priority = row.priority();
  read.taken.push_back(std::move(taken));
}

ReadRows RowReader::Read(const v1::RecipientBatch& batch, std::int64_t first_index) {
  ReadRows read;
  read.taken.reserve(static_cast<std::size_t>(batch.rows_size()));
  std::int64_t index = first_index;
  for (const v1::RecipientRow& row : batch.rows()) {
    ReadRow(row, row.line() > 0 ? row.line() : index, read);
    ++index;
  }
  return read;
}

}  // namespace tocsin
