#include "db/array_literal.h"

#include <charconv>
#include <utility>

#include "db/time_text.h"

namespace tocsin::db {

void ArrayLiteral::Separate() {
  if (size_++ > 0) text_ += ',';
}

void ArrayLiteral::Add(std::int64_t value) {
  Separate();
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  static_cast<void>(error);  // 24 characters hold every 64-bit number.
  text_.append(digits, end);
}

void ArrayLiteral::Add(std::string_view text) {
  Separate();
  text_ += '"';
  for (const char c : text) {
    if (c == '\0') continue;  // PostgreSQL's text cannot hold it.
    if (c == '"' || c == '\\') text_ += '\\';
    text_ += c;
  }
  text_ += '"';
}

void ArrayLiteral::Add(absl::Time time) {
  Add(TimeText(time));
}

void ArrayLiteral::AddBool(bool value) {
  Separate();
  text_ += value ? 't' : 'f';
}

void ArrayLiteral::AddNull() {
  Separate();
  text_ += "NULL";
}

void ArrayLiteral::AddOrNull(std::string_view text) {
  if (text.empty()) {
    AddNull();
  } else {
    Add(text);
  }
}

std::string ArrayLiteral::Take() && {
  text_ += '}';
  return std::move(text_);
}

std::string ArrayOf(const std::vector<std::string>& texts) {
  ArrayLiteral literal;
  for (const std::string& text : texts) literal.Add(text);
  return std::move(literal).Take();
}

std::string ArrayOf(const std::vector<std::int64_t>& values) {
  ArrayLiteral literal;
  for (const std::int64_t value : values) literal.Add(value);
  return std::move(literal).Take();
}

namespace {

// Takes one element, quoted or bare, off the front of `rest`.
bool TakeElement(std::string_view& rest, std::string& element) {
  element.clear();
  const bool quoted = !rest.empty() && rest.front() == '"';
  std::size_t i = quoted ? 1 : 0;
  for (; i < rest.size(); ++i) {
    const char c = rest[i];
    if (quoted ? c == '"' : (c == ',' || c == '}')) break;
    if (c == '\\' && ++i == rest.size()) return false;
    element += rest[i];
  }
  if (i == rest.size()) return false;
  rest.remove_prefix(quoted ? i + 1 : i);
  if (!quoted && element == "NULL") element.clear();
  return true;
}

}  // namespace

std::optional<std::vector<std::string>> ParseTextArray(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != '{' || literal.back() != '}') return std::nullopt;
  std::vector<std::string> elements;
  std::string_view rest = literal.substr(1);
  if (rest == "}") return elements;
  while (true) {
    std::string element;
    if (!TakeElement(rest, element)) return std::nullopt;
    elements.push_back(std::move(element));
    if (rest.empty()) return std::nullopt;
    const char separator = rest.front();
    rest.remove_prefix(1);
    if (separator == '}') break;
    if (separator != ',') return std::nullopt;
  }
  if (!rest.empty()) return std::nullopt;
  return elements;
}

}  // namespace tocsin::db
