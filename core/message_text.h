// Messages that are spoken: a template with variables, filled in for each person.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "core/ids.h"

namespace tocsin {

// What one person is told, word for word. Personal: like a Secret it cannot be
// printed by accident; Reveal() is for whoever speaks or stores it.
class MessageText {
 public:
  MessageText() = default;
  explicit MessageText(std::string text) : text_(std::move(text)) {}

  const std::string& Reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

  friend bool operator==(const MessageText&, const MessageText&) = default;

 private:
  std::string text_;
};

// A message in the words of one language, ready to be spoken.
struct SpokenMessage {
  std::string language;  // BCP 47.
  MessageText text;

  friend bool operator==(const SpokenMessage&, const SpokenMessage&) = default;
};

// What every copy of the same message has in common within a campaign: two people
// with one number and one TextId share a call. Made of the content; 63 bits of it,
// so that among a million texts of a campaign two that differ have the same one in
// one case of 10^7. Unset: a recording is played.
TextId TextIdOf(const SpokenMessage& message);

// A text with variables: "Hello {name}, your power is out." A name has lower-case
// letters, digits and _ and begins with a letter; "{{" and "}}" are a brace each.
class MessageTemplate {
 public:
  // kInvalidArgument says what is wrong, and where: "at character 17: ...".
  static absl::StatusOr<MessageTemplate> Parse(std::string_view text);

  // Each once, in the order of their first use.
  const std::vector<std::string>& variables() const { return variables_; }

  // The value of a variable; nullptr: there is none.
  using Values = std::function<const std::string*(std::string_view name)>;
  // The text with its values, or the first variable that has none, or only blanks.
  std::variant<MessageText, std::string> Fill(const Values& values) const;

 private:
  struct Piece {
    std::string text;   // Said as it stands, before ...
    int variable = -1;  // ... this one; -1: the end.
  };

  std::vector<Piece> pieces_;
  std::vector<std::string> variables_;
};

// What a campaign says, by language.
struct MessageTexts {
  std::map<std::string, std::string> templates;  // BCP 47 -> template. Empty: a recording.
  std::string language;  // Of people who have none, or one that there is no template of.

  bool empty() const { return templates.empty(); }

  friend bool operator==(const MessageTexts&, const MessageTexts&) = default;
};

// The longest text that is spoken, in characters. A provider's limit is 4,000, and a
// call has room for less: some three minutes.
inline constexpr int kSpokenCharactersMax = 2000;

// The variable that a person's own name fills in.
inline constexpr char kNameVariable[] = "name";

// The texts of a campaign, parsed. Immutable; any thread.
class MessageBook {
 public:
  // kInvalidArgument as of MessageTemplate::Parse, led by the language.
  static absl::StatusOr<MessageBook> Open(const MessageTexts& texts);

  // Of all templates, each once, in alphabetical order.
  std::vector<std::string> Variables() const;

  // The template for somebody who speaks `language`: that of the language itself,
  // of the language without its region, or the campaign's own. REQUIRES: not empty.
  const std::pair<const std::string, MessageTemplate>& For(std::string_view language) const;

  bool empty() const { return templates_.empty(); }

 private:
  std::map<std::string, MessageTemplate> templates_;
  std::string language_;
};

// Characters of UTF-8 that has been checked.
int CountCharacters(std::string_view text);

// The form of BCP 47, not its registry: "es", "pt-BR", "zh-Hant-TW".
bool IsLanguageTag(std::string_view tag);

}  // namespace tocsin
