#include "db/row_reader.h"

#include <charconv>
#include <cstdlib>
#include <stdexcept>

#include "db/array_literal.h"
#include "db/time_text.h"

namespace tocsin::db {

PhoneNumber StoredNumber(const std::string& text) {
  auto number = PhoneNumber::Parse(text);
  if (!number.ok()) throw std::runtime_error("unexpected number");
  return *std::move(number);
}

void RowReader::Bad() {
  throw std::runtime_error("unexpected column");
}

std::string_view RowReader::View() {
  const pqxx::field field = row_[column_++];
  return {field.c_str(), field.size()};
}

std::int64_t RowReader::Int64() {
  const std::string_view text = View();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) Bad();
  return value;
}

double RowReader::Double() {
  const std::string_view text = View();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) Bad();
  return value;
}

bool RowReader::Bool() {
  return View() == "t";
}

std::string RowReader::Text() {
  return std::string(View());
}

absl::Time RowReader::Time() {
  const auto time = ParseTimeText(View());
  if (!time) Bad();
  return *time;
}

std::vector<std::string> RowReader::Texts() {
  auto texts = ParseTextArray(View());
  if (!texts) Bad();
  return *std::move(texts);
}

std::optional<std::int64_t> RowReader::OptInt64() {
  if (IsNull()) return Skip<std::int64_t>();
  return Int64();
}

std::optional<std::string> RowReader::OptText() {
  if (IsNull()) return Skip<std::string>();
  return Text();
}

std::optional<absl::Time> RowReader::OptTime() {
  if (IsNull()) return Skip<absl::Time>();
  return Time();
}

}  // namespace tocsin::db
