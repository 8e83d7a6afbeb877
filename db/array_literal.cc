#include "db/array_literal.h"

#include <algorithm>
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

namespace {

// How many bytes the UTF-8 character at the front of `text` has; 0 if there is
// none: cut short, overlong, a surrogate, or beyond Unicode.
std::size_t CharacterLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  const bool bad = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                   (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
  return bad ? 0 : length;
}

// Stands in a literal as it is.
bool IsPlain(char c) {
  return static_cast<unsigned char>(c) < 0x80 && c != '\0' && c != '"' && c != '\\';
}

}  // namespace

void ArrayLiteral::Add(std::string_view text) {
  Separate();
  text_ += '"';
  while (!text.empty()) {
    // Most of it is plain, and goes at once.
    const std::size_t plain = static_cast<std::size_t>(
        std::find_if_not(text.begin(), text.end(), IsPlain) - text.begin());
    text_.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const char c = text.front();
    const std::size_t length = CharacterLength(text);
    if (length == 0) {
      text_ += '?';
    } else if (length > 1) {
      text_ += text.substr(0, length);
    } else if (c != '\0') {
      if (c == '"' || c == '\\') text_ += '\\';
      text_ += c;
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
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
