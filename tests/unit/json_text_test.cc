#include "wire/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tocsin::wire {
namespace {

std::string Quoted(std::string_view value) {
  std::string out;
  AppendJsonString(out, value);
  return out;
}

TEST(JsonText, WritesAnObjectInOrder) {
  JsonObject object;
  object.AddString("a", "x\"y");
  object.AddInteger("b", -3);
  object.AddBool("c", true);
  object.AddNull("d");
  object.AddJson("e", "[1]");

  EXPECT_EQ(std::move(object).Finish(), R"({"a":"x\"y","b":-3,"c":true,"d":null,"e":[1]})");
  EXPECT_EQ(JsonObject().Finish(), "{}");
}

TEST(JsonText, EveryByteGivesJsonThatReadsBack) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value = std::string("<") + static_cast<char>(byte) + ">";
    const auto json = nlohmann::json::parse(Quoted(value), nullptr, false);
    ASSERT_TRUE(json.is_string()) << byte;
    EXPECT_EQ(json.get<std::string>(), byte < 0x80 ? value : "<\xEF\xBF\xBD>") << byte;
  }
}

// The library's reader refuses what is not UTF-8, so it is the judge of this.
TEST(JsonText, AnyFourBytesGiveValidUtf8) {
  const unsigned char bytes[] = {0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1,
                                 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF};
  for (const unsigned char a : bytes) {
    for (const unsigned char b : bytes) {
      for (const unsigned char c : bytes) {
        for (const unsigned char d : bytes) {
          const unsigned char text[] = {a, b, c, d};
          const std::string value(reinterpret_cast<const char*>(text), 4);
          const std::string quoted = Quoted(value);
          const auto json = nlohmann::json::parse(quoted, nullptr, false);
          ASSERT_TRUE(json.is_string()) << quoted;
          // What was valid is unchanged.
          if (quoted == "\"" + value + "\"") {
            ASSERT_EQ(json.get<std::string>(), value);
          }
        }
      }
    }
  }
}

TEST(JsonText, KeepsWhatIsUtf8) {
  for (const char* text : {"Zürich", "\xE2\x82\xAC", "\xF0\x9F\x93\x9E", "\xED\x9F\xBF"}) {
    EXPECT_EQ(Quoted(text), "\"" + std::string(text) + "\"");
  }
}

}  // namespace
}  // namespace tocsin::wire
