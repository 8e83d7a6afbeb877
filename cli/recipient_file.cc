#include "cli/recipient_file.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "base/status_macros.h"
#include "cli/spelling.h"
#include "core/message_text.h"
#include "fmt/ranges.h"

namespace tocsin {
namespace {

enum Column {
  kPersonKey,
  kName,
  kPhone,
  kPhone2,
  kPhone3,
  kTimeZone,
  kLanguage,
  kPriority,
  kSynthetic
};
constexpr int kFaultsMax = 20;

std::string Trimmed(std::string_view text) {
  const std::string_view blanks = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(blanks) - first + 1));
}

// What is no number goes on as one that the service refuses, with the row's line.
int PriorityOf(const std::string& text) {
  int priority = 0;
  if (text.empty()) return 0;
  return absl::SimpleAtoi(text, &priority) ? priority : -1;
}

absl::Status SetSynthetic(const std::string& text, v1::RecipientRow& row) {
  bool synthetic = false;
  if (text.empty()) return absl::OkStatus();
  if (!absl::SimpleAtob(text, &synthetic)) {
    return InvalidArgument(
        "line {}: synthetic is neither true nor false; write one of them, or "
        "nothing",
        row.line());
  }
  row.set_synthetic(synthetic);
  return absl::OkStatus();
}

absl::Status SetField(int column, std::string text, v1::RecipientRow& row) {
  switch (column) {
    case kPersonKey: row.set_person_key(std::move(text)); break;
    case kName: row.set_person_name(std::move(text)); break;
    case kPhone:
    case kPhone2:
    case kPhone3: row.set_phones(column - kPhone, std::move(text)); break;
    case kTimeZone: row.set_time_zone(std::move(text)); break;
    case kLanguage: row.set_language(std::move(text)); break;
    case kPriority: row.set_priority(PriorityOf(text)); break;
    case kSynthetic: return SetSynthetic(text, row);
    default: break;
  }
  return absl::OkStatus();
}

}  // namespace

const std::vector<std::string>& RecipientColumns() {
  static const std::vector<std::string> columns = {"person_key", "name",     "phone",
                                                   "phone2",     "phone3",   "time_zone",
                                                   "language",   "priority", "synthetic"};
  return columns;
}

RecipientReader::RecipientReader(std::istream& in, const std::vector<std::string>& variables)
    : csv_(std::make_unique<CsvReader>(in)), known_(RecipientColumns()), variables_(variables) {
  // Everybody's name has its column already.
  std::copy_if(variables.begin(), variables.end(), std::back_inserter(known_),
               [](const std::string& variable) { return variable != kNameVariable; });
}

absl::StatusOr<RecipientReader> RecipientReader::Open(std::istream& in,
                                                      const std::vector<std::string>& variables) {
  RecipientReader reader(in, variables);
  TOCSIN_RETURN_IF_ERROR(reader.ReadHeader());
  return reader;
}

absl::Status RecipientReader::ReadHeader() {
  TOCSIN_ASSIGN_OR_RETURN(const bool found, csv_->Next(record_));
  const std::vector<std::string>& known = known_;
  if (!found) {
    return InvalidArgument("the file is empty; its first line must name the columns: {}",
                           fmt::join(known, ","));
  }
  if (record_.fields.size() == 1 && record_.fields[0].find_first_of(";\t|") != std::string::npos) {
    return InvalidArgument(
        "line {}: the columns are not separated by commas; save the file with "
        "commas between the fields",
        record_.line);
  }
  for (const std::string& field : record_.fields) {
    const std::string name = absl::AsciiStrToLower(Trimmed(field));
    const auto at = std::find(known.begin(), known.end(), name);
    if (at == known.end()) {
      const std::string nearest = NearestName(name, known);
      return InvalidArgument("line {}: unknown column '{}'{}; known are {}", record_.line, name,
                             nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest),
                             fmt::join(known, ", "));
    }
    const int column = static_cast<int>(at - known.begin());
    if (std::find(columns_.begin(), columns_.end(), column) != columns_.end()) {
      return InvalidArgument("line {}: column '{}' is there twice", record_.line, name);
    }
    columns_.push_back(column);
  }
  for (const int required : {kPersonKey, kPhone}) {
    if (std::find(columns_.begin(), columns_.end(), required) == columns_.end()) {
      return InvalidArgument("line {}: column '{}' is missing; person_key and phone are required",
                             record_.line, known[static_cast<std::size_t>(required)]);
    }
  }
  for (const std::string& variable : variables_) {
    const auto column = std::find(known.begin(), known.end(), variable) - known.begin();
    if (std::find(columns_.begin(), columns_.end(), static_cast<int>(column)) == columns_.end()) {
      return InvalidArgument("line {}: column '{}' is missing; the message says {{{}}}",
                             record_.line, variable, variable);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> RecipientReader::Next(v1::RecipientRow& row) {
  absl::StatusOr<bool> found = csv_->Next(record_);
  if (!found.ok()) broken_ = true;
  if (!found.ok() || !*found) return found;
  if (record_.fields.size() != columns_.size()) {
    return InvalidArgument(
        "line {}: {} fields, but the header names {}; put fields with a comma "
        "inside in quotes, and leave empty ones empty (,,)",
        record_.line, record_.fields.size(), columns_.size());
  }
  row.Clear();
  row.set_line(record_.line);
  for (int i = kPhone; i <= kPhone3; ++i) row.add_phones();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::string text = Trimmed(record_.fields[i]);
    const auto column = static_cast<std::size_t>(columns_[i]);
    if (column < RecipientColumns().size()) {
      TOCSIN_RETURN_IF_ERROR(SetField(columns_[i], std::move(text), row));
    } else if (!text.empty()) {
      (*row.mutable_variables())[known_[column]] = std::move(text);
    }
  }
  while (!row.phones().empty() && row.phones().rbegin()->empty()) {
    row.mutable_phones()->RemoveLast();
  }
  return true;
}

absl::StatusOr<std::ifstream> OpenFile(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return NotFound("{}: no such file", path);
  if (std::filesystem::is_directory(status)) {
    return FailedPrecondition("{}: is a directory, not a file", path);
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) return FailedPrecondition("{}: cannot be read; check its permissions", path);
  return in;
}

absl::StatusOr<std::vector<std::string>> VariableColumns(const v1::Campaign& campaign) {
  MessageTexts texts;
  for (const auto& [language, text] : campaign.message().texts().templates()) {
    texts.templates.emplace(language, text);
  }
  TOCSIN_ASSIGN_OR_RETURN(const MessageBook book, MessageBook::Open(texts));
  std::vector<std::string> variables;
  for (const std::string& variable : book.Variables()) {
    const std::vector<std::string>& columns = RecipientColumns();
    const bool is_column = std::find(columns.begin(), columns.end(), variable) != columns.end();
    if (is_column && variable != kNameVariable) {
      return InvalidArgument("{{{}}} is a column with a meaning of its own and is not said",
                             variable);
    }
    variables.push_back(variable);
  }
  return variables;
}

absl::StatusOr<std::int64_t> CheckRecipientFile(const std::string& path,
                                                const std::vector<std::string>& variables) {
  TOCSIN_ASSIGN_OR_RETURN(std::ifstream in, OpenFile(path));
  absl::StatusOr<RecipientReader> reader = RecipientReader::Open(in, variables);
  if (!reader.ok()) return InvalidArgument("{}: {}", path, Message(reader.status()));
  v1::RecipientRow row;
  std::int64_t rows = 0;
  int faults = 0;
  std::string report;
  while (faults < kFaultsMax && !reader->is_broken()) {
    const absl::StatusOr<bool> found = reader->Next(row);
    if (found.ok() && !*found) break;
    ++rows;
    if (found.ok()) continue;
    if (faults++ > 0) report += "\n";
    report += fmt::format("{}: {}", path, Message(found.status()));
  }
  if (faults == kFaultsMax) report += fmt::format("\n{}: ... and perhaps more", path);
  if (faults > 0) return absl::InvalidArgumentError(report);
  return rows;
}

}  // namespace tocsin
