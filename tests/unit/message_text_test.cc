#include "core/message_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status_macros.h"

namespace tocsin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Values = std::map<std::string, std::string, std::less<>>;

std::variant<MessageText, std::string> Filled(std::string_view text, const Values& values) {
  return MessageTemplate::Parse(text)->Fill([&](std::string_view name) {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : &found->second;
  });
}

std::string Said(std::string_view text, const Values& values = {}) {
  const auto filled = Filled(text, values);
  return std::get<MessageText>(filled).Reveal();
}

std::string Missing(std::string_view text, const Values& values) {
  return std::get<std::string>(Filled(text, values));
}

TEST(MessageTemplate, IsFilledInForOnePerson) {
  const Values maria = {{"name", "Maria"}, {"street", "14 Mill Road"}};
  EXPECT_EQ(Said("{name}, the power at {street} is out. {name}!", maria),
            "Maria, the power at 14 Mill Road is out. Maria!");
  EXPECT_EQ(Said("no variable at all"), "no variable at all");
  EXPECT_EQ(Said("{name}", maria), "Maria");
  EXPECT_EQ(Said("a {{brace}} and }} {{", maria), "a {brace} and } {");
  EXPECT_EQ(Said("{name}", {{"name", "{street}"}}), "{street}") << "a value is no template";
}

TEST(MessageTemplate, SaysWhichVariableAPersonLacks) {
  EXPECT_EQ(Missing("{name}, {street}", {{"name", "Maria"}}), "street");
  EXPECT_EQ(Missing("{name}, {street}", {{"name", "Maria"}, {"street", " \t"}}), "street");
}

TEST(MessageTemplate, KnowsItsVariablesEachOnce) {
  EXPECT_THAT(MessageTemplate::Parse("{b} {a_1} {b}")->variables(), ElementsAre("b", "a_1"));
}

TEST(MessageTemplate, RefusesWhatIsNoneAndSaysWhere) {
  const struct {
    const char* text;
    const char* said;
  } cases[] = {
      {"power {street", "at character 7: a '{' without its '}'"},
      {"power street}", "at character 13: a '}' without its '{'"},
      {"é {}", "at character 3: a variable has lower-case letters"},
      {"{Street}", "at character 1: a variable"},
      {"{1st}", "a variable"},
      {"{a b}", "a variable"},
      {"{a{b}}", "a variable"},
      {"{", "without its '}'"},
      {"}", "without its '{'"},
  };
  for (const auto& [text, said] : cases) {
    const auto parsed = MessageTemplate::Parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(Message(parsed.status()), HasSubstr(said)) << text;
  }
  EXPECT_FALSE(MessageTemplate::Parse("{" + std::string(41, 'a') + "}").ok());
}

// Whatever is written: it is filled in, or it is said where it cannot be.
TEST(MessageTemplate, EveryShortTextIsReadOrRefused) {
  constexpr std::string_view kSigns = "{}a_ ";
  std::size_t read = 0;
  for (unsigned number = 0; number < 5 * 5 * 5 * 5 * 5 * 5; ++number) {
    std::string text;
    for (unsigned left = number; text.size() < 6; left /= 5) text += kSigns[left % 5];
    const auto parsed = MessageTemplate::Parse(text);
    if (!parsed.ok()) {
      EXPECT_THAT(Message(parsed.status()), HasSubstr("at character ")) << text;
      continue;
    }
    ++read;
    const std::string value = "x";
    const auto filled = parsed->Fill([&](std::string_view) { return &value; });
    EXPECT_TRUE(std::holds_alternative<MessageText>(filled)) << text;
  }
  EXPECT_GT(read, 0U);
}

TEST(MessageBook, FindsTheTextOfALanguage) {
  const auto book = MessageBook::Open(
      {.templates = {{"en", "hello {name}"}, {"es", "hola {name}"}, {"pt-BR", "olá {street}"}},
       .language = "en"});
  ASSERT_TRUE(book.ok());
  EXPECT_EQ(book->For("es").first, "es");
  EXPECT_EQ(book->For("es-MX").first, "es");
  EXPECT_EQ(book->For("pt-BR").first, "pt-BR");
  EXPECT_EQ(book->For("pt").first, "en");
  EXPECT_EQ(book->For("").first, "en");
  EXPECT_EQ(book->For("fr").first, "en");
  EXPECT_THAT(book->Variables(), ElementsAre("name", "street"));

  const auto broken = MessageBook::Open({.templates = {{"es", "hola {"}}, .language = "es"});
  EXPECT_THAT(Message(broken.status()), HasSubstr("es: at character 6"));
}

TEST(TextId, IsThatOfTheContentAndOfTheLanguage) {
  const SpokenMessage one{"en", MessageText("six")};
  EXPECT_EQ(TextIdOf(one), TextIdOf({"en", MessageText("six")}));
  EXPECT_NE(TextIdOf(one), TextIdOf({"fr", MessageText("six")}));
  EXPECT_NE(TextIdOf(one), TextIdOf({"en", MessageText("siX")}));
  std::set<TextId> ids;
  for (int i = 0; i < 100'000; ++i) {
    const TextId id = TextIdOf({"en", MessageText("the power at " + std::to_string(i))});
    EXPECT_GT(id.value(), 0);
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 100'000U);
}

}  // namespace
}  // namespace tocsin
