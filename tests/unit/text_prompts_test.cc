#include "dialer/text_prompts.h"

#include "dialer/prompt_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/idle_dial_store.h"

namespace tocsin::dialer {
namespace {

using ::testing::HasSubstr;

const CampaignId kCampaign(7);
const TextId kText(1234567890123);

class OneTextStore final : public IdleDialStore {
 public:
  absl::StatusOr<SpokenMessage> GetText(CampaignId campaign, TextId text) override {
    if (away) return absl::UnavailableError("away");
    if (campaign != kCampaign || text != kText) return absl::NotFoundError("no such text");
    return SpokenMessage{"en", MessageText("Hello Maria")};
  }
  bool away = false;
};

wire::CallbackKey Key(const char* id) {
  return {id, Secret(std::string("a secret of at least sixteen bytes, ") + id)};
}

class TextPromptsTest : public testing::Test {
 protected:
  TextPrompts With(std::vector<wire::CallbackKey> keys) {
    return TextPrompts(std::move(keys), store_, [this](const SpokenMessage& message) {
      said_ += message.language + ": " + message.text.Reveal() + ";";
      return speaks_ ? absl::StatusOr<SharedWav>(std::make_shared<const std::string>("RIFF"))
                     : absl::InvalidArgumentError("nobody speaks that");
    });
  }

  OneTextStore store_;
  std::string said_;
  bool speaks_ = true;
};

TEST_F(TextPromptsTest, ANameLeadsToTheWordsAndSaysNoneOfThem) {
  const TextPrompts texts = With({Key("k1")});
  const std::string name = texts.NameOf(kCampaign, kText);
  EXPECT_TRUE(TextPrompts::IsOne(name));
  EXPECT_LE(name.size(), 128U);

  const auto wav = texts.Find(name);

  ASSERT_TRUE(wav.ok()) << wav.status();
  EXPECT_EQ(**wav, "RIFF");
  EXPECT_EQ(said_, "en: Hello Maria;");
}

TEST_F(TextPromptsTest, NobodyMakesANameUp) {
  const TextPrompts texts = With({Key("k1")});
  const std::string name = texts.NameOf(kCampaign, kText);
  for (std::size_t i = 0; i < name.size(); ++i) {
    std::string other = name;
    other[i] = other[i] == '1' ? '2' : '1';
    EXPECT_TRUE(absl::IsNotFound(texts.Find(other).status())) << other;
    EXPECT_TRUE(absl::IsNotFound(texts.Find(name.substr(0, i)).status())) << i;
  }
  for (const char* other : {"t.", "t.....wav", "t.-7.1.k1.x.wav", "t.07.1.k1.x.wav", ""}) {
    EXPECT_TRUE(absl::IsNotFound(texts.Find(other).status())) << other;
  }
  EXPECT_EQ(said_, "");
}

TEST_F(TextPromptsTest, ANameOutlivesTheRotationOfKeysUntilItsOwnIsGone) {
  const std::string name = With({Key("old")}).NameOf(kCampaign, kText);
  EXPECT_TRUE(With({Key("new"), Key("old")}).Find(name).ok());
  EXPECT_FALSE(With({Key("new")}).Find(name).ok());
}

TEST_F(TextPromptsTest, WhatIsGoneIsNotFoundAndWhatCannotBeSaidNowComesLater) {
  const TextPrompts texts = With({Key("k1")});
  EXPECT_TRUE(absl::IsNotFound(texts.Find(texts.NameOf(kCampaign, TextId(1))).status()));
  const std::string name = texts.NameOf(kCampaign, kText);
  speaks_ = false;
  EXPECT_TRUE(absl::IsUnavailable(texts.Find(name).status()));
  store_.away = true;
  EXPECT_TRUE(absl::IsUnavailable(texts.Find(name).status()));
}

TEST_F(TextPromptsTest, AreServedLikeRecordingsAndKeptByNobodyElse) {
  const TextPrompts texts = With({Key("k1")});
  PromptServer server([](const std::string&) { return absl::NotFoundError("none"); }, &texts);
  const std::string name = texts.NameOf(kCampaign, kText);

  const HttpResponse served = server.Serve({}, name);

  EXPECT_EQ(served.status, 200);
  EXPECT_EQ(served.content_type, "audio/wav");
  EXPECT_EQ(served.body, "RIFF");
  std::string headers;
  for (const auto& [key, value] : served.headers) headers += key + ": " + value + "\n";
  EXPECT_THAT(headers, HasSubstr("Cache-Control: private"));
  EXPECT_EQ(server.Serve({}, "t.7.1.k1.x.wav").status, 404);
  EXPECT_EQ(PromptServer([](const std::string&) { return absl::NotFoundError("none"); })
                .Serve({}, name)
                .status,
            404);
}

}  // namespace
}  // namespace tocsin::dialer
