#include "core/message_text.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "fmt/format.h"

namespace tocsin {
namespace {

constexpr std::size_t kVariableMax = 40;

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool IsVariableName(std::string_view name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= kVariableMax && lower(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_'; });
}

// FNV-1a over 64 bits, then mixed so that all of them count.
std::uint64_t Hash(std::string_view bytes, std::uint64_t hash) {
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3ULL;
  }
  hash = (hash ^ (hash >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  hash = (hash ^ (hash >> 27U)) * 0x94D049BB133111EBULL;
  return hash ^ (hash >> 31U);
}

}  // namespace

TextId TextIdOf(const SpokenMessage& message) {
  constexpr std::uint64_t kBasis = 0xCBF29CE484222325ULL;
  const std::uint64_t hash = Hash(message.text.Reveal(), Hash(message.language, kBasis));
  const auto id = static_cast<std::int64_t>(hash >> 1U);
  return TextId(id == 0 ? 1 : id);
}

absl::StatusOr<MessageTemplate> MessageTemplate::Parse(std::string_view text) {
  MessageTemplate parsed;
  Piece piece;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const auto where = [&] { return CountCharacters(text.substr(0, at)) + 1; };
    if (c != '{' && c != '}') {
      piece.text += c;
    } else if (at + 1 < text.size() && text[at + 1] == c) {
      piece.text += c;
      ++at;
    } else if (c == '}') {
      return InvalidArgument("at character {}: a '}}' without its '{{'; write '}}}}' for a brace",
                             where());
    } else {
      const std::size_t end = text.find('}', at);
      if (end == std::string_view::npos) {
        return InvalidArgument("at character {}: a '{{' without its '}}'; write '{{{{' for a brace",
                               where());
      }
      const std::string name(text.substr(at + 1, end - at - 1));
      if (!IsVariableName(name)) {
        return InvalidArgument(
            "at character {}: a variable has lower-case letters, digits and _, and begins with a "
            "letter, such as {{street}}",
            where());
      }
      const auto known = std::find(parsed.variables_.begin(), parsed.variables_.end(), name);
      piece.variable = static_cast<int>(known - parsed.variables_.begin());
      if (known == parsed.variables_.end()) parsed.variables_.push_back(name);
      parsed.pieces_.push_back(std::exchange(piece, Piece()));
      at = end;
    }
  }
  parsed.pieces_.push_back(std::move(piece));
  return parsed;
}

std::variant<MessageText, std::string> MessageTemplate::Fill(const Values& values) const {
  std::string text;
  for (const Piece& piece : pieces_) {
    text += piece.text;
    if (piece.variable < 0) break;
    const std::string& name = variables_[static_cast<std::size_t>(piece.variable)];
    const std::string* const value = values(name);
    if (value == nullptr || IsBlank(*value)) return name;
    text += *value;
  }
  return MessageText(std::move(text));
}

absl::StatusOr<MessageBook> MessageBook::Open(const MessageTexts& texts) {
  MessageBook book;
  for (const auto& [language, text] : texts.templates) {
    auto parsed = MessageTemplate::Parse(text);
    if (!parsed.ok()) return InvalidArgument("{}: {}", language, Message(parsed.status()));
    book.templates_.emplace(language, *std::move(parsed));
  }
  book.language_ = texts.language;
  return book;
}

std::vector<std::string> MessageBook::Variables() const {
  std::set<std::string> names;
  for (const auto& [language, text] : templates_) {
    names.insert(text.variables().begin(), text.variables().end());
  }
  return {names.begin(), names.end()};
}

const std::pair<const std::string, MessageTemplate>& MessageBook::For(
    std::string_view language) const {
  auto found = templates_.find(std::string(language));
  if (found == templates_.end()) {
    found = templates_.find(std::string(language.substr(0, language.find('-'))));
  }
  if (found == templates_.end()) found = templates_.find(language_);
  TOCSIN_CHECK(found != templates_.end());
  return *found;
}

int CountCharacters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

bool IsLanguageTag(std::string_view tag) {
  std::size_t length = 0;
  bool first = true;
  for (const char c : tag) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (c == '-') {
      if (length < (first ? 2U : 1U)) return false;
      length = 0;
      first = false;
    } else if ((!letter && (first || !digit)) || ++length > 8) {
      return false;
    }
  }
  return length >= (first ? 2U : 1U) && tag.size() <= 35;
}

}  // namespace tocsin
