#include "cli/campaign_file.h"

#include "base/status_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tocsin {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kWhole[] = R"(# Everything that can be said.
name: Outage at the Riverside substation
purpose: outage
trunk: local
priority: 3
message:
  audio: outage.wav
  identity_ends: 4s
flow:
  keys: {1: acknowledge, 2: refuse, 9: opt_out, 0: operator, "*": repeat}
  plays: 2
  pause: 2s
  wait_for_key: 5s
  replays_max: 3
  ring_limit: 30s
  call_limit: 3m
acknowledgement:
  required: true
  scope: number
  retry_after: 30m
  unconfirmed_answers_max: 2
retry:
  attempts_max: 4
  backoff: 2.5
  busy: 3m
  no_answer: 10m
  unreachable: 15m
  declined: 30m
  congestion: 1m
  provider_error: 1m
  lost: 5m
pacing:
  calls_per_second: 0.5
  concurrent_max: 100
window:
  open: "00:00"
  close: "24:00"
  time_zone: America/New_York
expires_after: 1h30m
recipients:
  default_region: US
  synthetic: true
)";

absl::StatusOr<CampaignFile> Parse(const std::string& text) {
  return ParseCampaignFile(text, "lists/outage.yaml");
}

// The shortest file that is right, and one more key.
std::string With(const std::string& more) {
  return "name: n\npurpose: p\nmessage: {audio: 'https://example.com/a.wav'}\n" + more;
}

TEST(CampaignFile, ReadsEverythingThatCanBeSaid) {
  const absl::StatusOr<CampaignFile> file = Parse(kWhole);
  ASSERT_TRUE(file.ok()) << file.status();
  const v1::Campaign& campaign = file->campaign;

  EXPECT_EQ(campaign.display_name(), "Outage at the Riverside substation");
  EXPECT_EQ(campaign.purpose(), "outage");
  EXPECT_EQ(campaign.trunk(), "trunks/local");
  EXPECT_EQ(campaign.priority(), 3);
  EXPECT_EQ(file->audio_path, "lists/outage.wav");
  EXPECT_EQ(campaign.message().identity_ends().seconds(), 4);
  EXPECT_EQ(campaign.flow().keys().size(), 5U);
  EXPECT_EQ(campaign.flow().keys().at("*"), v1::KEY_MEANING_REPEAT);
  EXPECT_EQ(campaign.flow().keys().at("9"), v1::KEY_MEANING_OPT_OUT);
  EXPECT_EQ(campaign.flow().plays(), 2);
  EXPECT_EQ(campaign.flow().call_limit().seconds(), 180);
  EXPECT_TRUE(campaign.acknowledgement().required());
  EXPECT_EQ(campaign.acknowledgement().scope(), v1::ACKNOWLEDGEMENT_SCOPE_NUMBER);
  EXPECT_EQ(campaign.retry().backoff(), 2.5);
  EXPECT_EQ(campaign.retry().lost().seconds(), 300);
  EXPECT_EQ(campaign.pacing().calls_per_second(), 0.5);
  EXPECT_EQ(campaign.window().close(), "24:00");
  EXPECT_EQ(campaign.expires_after().seconds(), 5400);
  EXPECT_TRUE(campaign.recipients().synthetic());
  EXPECT_EQ(file->places.at("flow.plays"), "lists/outage.yaml:11:10");
  EXPECT_EQ(file->places.at("window.time_zone"), "lists/outage.yaml:38:14");
}

TEST(CampaignFile, LeavesUnsetWhatIsNotThere) {
  const absl::StatusOr<CampaignFile> file = Parse(With(""));
  ASSERT_TRUE(file.ok()) << file.status();

  EXPECT_EQ(file->campaign.message().audio_uri(), "https://example.com/a.wav");
  EXPECT_TRUE(file->audio_path.empty());
  EXPECT_FALSE(file->campaign.has_flow());
  EXPECT_FALSE(file->campaign.has_expires_after());
  EXPECT_FALSE(file->campaign.message().has_identity_ends());
}

TEST(CampaignFile, NamesThePlaceOfEachFault) {
  const struct {
    std::string text;
    std::string said;
  } cases[] = {
      {With("flow: {plys: 2}\n"),
       "lists/outage.yaml:4:8: unknown key 'flow.plys'; did you mean "
       "'plays'?"},
      {With("colour: red\n"), "4:1: unknown key 'colour'; known here are name, purpose"},
      {With("retry: {busy: 180}\n"), "4:15: 'retry.busy' must be a duration with its unit"},
      {With("retry: {busy: -3m}\n"), "'retry.busy' must be a duration"},
      {With("retry: {busy: inf}\n"), "'retry.busy' must be a duration"},
      {With("retry: {backoff: fast}\n"), "'retry.backoff' must be a number"},
      {With("retry: {backoff: nan}\n"), "'retry.backoff' must be a number"},
      {With("retry: {attempts_max: 2.5}\n"), "'retry.attempts_max' must be a whole number"},
      {With("retry: 4\n"), "4:8: 'retry' must be a section"},
      {With("priority: [1, 2]\n"), "'priority' must have one plain value"},
      {With("priority:\n"), "4:1: 'priority' must have one plain value"},
      {With("window: {open: 8am}\n"), "'window.open' must be a time of day"},
      {With("recipients: {synthetic: maybe}\n"), "must be true or false"},
      {With("acknowledgement: {scope: all}\n"), "must be number or person"},
      {With("flow: {keys: {x: repeat}}\n"), "a key is one of 0 to 9"},
      {With("flow: {keys: {1: repeat, 1: refuse}}\n"), "1 is there twice"},
      {With("flow: {keys: {1: laugh}}\n"), "1 must mean one of acknowledge, refuse"},
      {With("purpose: again\n"), "4:1: key 'purpose' is there twice"},
      {"purpose: p\nmessage: {}\n", "key 'name' is missing"},
      {"name: n\npurpose: p\nmessage: {}\n", "key 'message.audio' is missing"},
      {"name: [unclosed\n", "broken YAML"},
      {"just words\n", "list of keys and values"},
      {"", "list of keys and values"},
      {"name: caf\xE9\n", "lists/outage.yaml:1: not UTF-8"},
  };
  for (const auto& [text, said] : cases) {
    const absl::StatusOr<CampaignFile> file = Parse(text);
    ASSERT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(Message(file.status()), HasSubstr(said)) << text;
  }
}

TEST(CampaignFile, TellsAllFaultsTogether) {
  const absl::Status status =
      Parse("nmae: n\npurpose: p\nmessage: {audio: a.wav, identity_ends: 4}\nflow: {plays: x}\n")
          .status();

  EXPECT_THAT(Message(status), HasSubstr("'nmae'; did you mean 'name'?"));
  EXPECT_THAT(Message(status), HasSubstr("'name' is missing"));
  EXPECT_THAT(Message(status), HasSubstr("identity_ends"));
  EXPECT_THAT(Message(status), HasSubstr("'flow.plays'"));
}

TEST(CampaignFile, EveryTruncationIsReadOrRefused) {
  const std::string whole = kWhole;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const absl::StatusOr<CampaignFile> file = Parse(whole.substr(0, size));
    ASSERT_TRUE(file.ok() || absl::IsInvalidArgument(file.status())) << size;
  }
}

TEST(CampaignFile, ReadsAMessageInWords) {
  const auto message = [](const std::string& lines) {
    return Parse("name: n\npurpose: p\nmessage:\n" + lines);
  };
  const auto one = message("  text: Hello {name}\n");
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->campaign.message().texts().templates().at("en"), "Hello {name}");
  EXPECT_EQ(one->campaign.message().texts().language(), "en");
  EXPECT_EQ(one->places.at("message.text"), "lists/outage.yaml:4:9");

  const auto spanish = message("  text: Hola {name}\n  language: es\n");
  EXPECT_EQ(spanish->campaign.message().texts().templates().at("es"), "Hola {name}");

  const auto two = message("  text:\n    en: Hello\n    es: Hola\n  language: es\n");
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_EQ(two->campaign.message().texts().templates().size(), 2U);
  EXPECT_EQ(two->campaign.message().texts().language(), "es");

  const struct {
    const char* lines;
    const char* said;
  } cases[] = {
      {"  identity_ends: 4s\n", "key 'message.audio' is missing, or 'message.text'"},
      {"  text: a\n  audio: b.wav\n", "both 'audio' and 'text'"},
      {"  audio: b.wav\n  language: es\n", "'message.language' is for a 'message.text'"},
      {"  text: [a]\n", "'message.text' must be a text"},
      {"  text: {en: [a]}\n", "a language must have a text"},
      {"  text: {en: a, en: b}\n", "en is there twice"},
  };
  for (const auto& [lines, said] : cases) {
    EXPECT_THAT(Message(message(lines).status()), HasSubstr(said)) << lines;
  }
}

}  // namespace
}  // namespace tocsin
