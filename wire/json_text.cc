#include "wire/json_text.h"

#include <cstddef>
#include <utility>

#include "fmt/format.h"

namespace tocsin::wire {
namespace {

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// The length of the well-formed UTF-8 sequence at the front of `text`, which
// starts with a byte >= 0x80; 0 if there is none.
std::size_t SequenceLength(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                             : lead >= 0xE0 && lead <= 0xEF ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text[i])) return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  // Overlong forms, surrogates and what lies beyond U+10FFFF.
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
      (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

// One character that is not plain; returns how many bytes of `text` it took.
std::size_t AppendEscaped(std::string& out, std::string_view text) {
  const char c = text[0];
  switch (c) {
    case '"': out += "\\\""; return 1;
    case '\\': out += "\\\\"; return 1;
    case '\n': out += "\\n"; return 1;
    case '\r': out += "\\r"; return 1;
    case '\t': out += "\\t"; return 1;
    default: break;
  }
  const auto byte = static_cast<unsigned char>(c);
  if (byte < 0x20) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    return 1;
  }
  const std::size_t length = SequenceLength(text);
  if (length == 0) {
    out += "\xEF\xBF\xBD";
    return 1;
  }
  out += text.substr(0, length);
  return length;
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view value) {
  out += '"';
  while (!value.empty()) {
    std::size_t plain = 0;
    while (plain < value.size() && IsPlain(value[plain])) ++plain;
    out += value.substr(0, plain);
    value.remove_prefix(plain);
    if (!value.empty()) value.remove_prefix(AppendEscaped(out, value));
  }
  out += '"';
}

void JsonObject::Name(std::string_view name) {
  if (text_.size() > 1) text_ += ',';
  AppendJsonString(text_, name);
  text_ += ':';
}

void JsonObject::AddString(std::string_view name, std::string_view value) {
  Name(name);
  AppendJsonString(text_, value);
}

void JsonObject::AddInteger(std::string_view name, std::int64_t value) {
  Name(name);
  text_ += fmt::format_int(value).c_str();
}

void JsonObject::AddBool(std::string_view name, bool value) {
  Name(name);
  text_ += value ? "true" : "false";
}

void JsonObject::AddNull(std::string_view name) {
  Name(name);
  text_ += "null";
}

void JsonObject::AddJson(std::string_view name, std::string_view json) {
  Name(name);
  text_ += json;
}

std::string JsonObject::Finish() && {
  text_ += '}';
  return std::move(text_);
}

}  // namespace tocsin::wire
