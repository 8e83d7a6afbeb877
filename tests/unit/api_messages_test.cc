#include "api/campaign_messages.h"
#include "api/grpc_status.h"
#include "api/request_identity.h"
#include "api/resource_name.h"
#include "api/row_reader.h"
#include "api/settle.h"
#include "api/wav.h"
#include "base/uuid.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "tests/support/wav_file.h"

namespace tocsin {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

v1::Campaign SmallCampaign() {
  v1::Campaign campaign;
  campaign.set_display_name("Outage");
  campaign.set_purpose("outage");
  campaign.mutable_message()->set_audio_uri("https://example.com/a.wav");
  return campaign;
}

std::vector<std::string> FieldsOf(const std::vector<FieldViolation>& violations) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : violations) fields.push_back(violation.field);
  return fields;
}

TEST(CampaignMessages, WhatIsUnsetHasTheDefaultsOfTheRules) {
  std::vector<FieldViolation> violations;

  const CampaignSpec spec = ReadCampaign(SmallCampaign(), LibPhoneNumberReader(), violations);

  EXPECT_THAT(violations, IsEmpty());
  CampaignSpec expected;
  expected.name = "Outage";
  expected.purpose = "outage";
  expected.flow.audio_uri = "https://example.com/a.wav";
  EXPECT_EQ(spec, expected);
}

TEST(CampaignMessages, ASpecificationSurvivesTheWayOutAndIn) {
  Campaign campaign;
  campaign.id = CampaignId(7);
  campaign.spec.name = "Žofie's list";
  campaign.spec.purpose = "recall";
  campaign.spec.trunk = "east";
  campaign.spec.priority = 9;
  campaign.spec.flow.prompt = PromptId(3);
  campaign.spec.flow.keys = {
      {'#', KeyMeaning::kAcknowledge}, {'9', KeyMeaning::kOptOut}, {'0', KeyMeaning::kOperator}};
  campaign.spec.flow.operator_line = OperatorLine{*PhoneNumber::Parse("+16045550177"), "CA"};
  campaign.spec.flow.plays = 5;
  campaign.spec.flow.pause = absl::Milliseconds(1500);
  campaign.spec.ack = {.required = false,
                       .scope = AckScope::kPerson,
                       .retry_after = absl::Hours(1),
                       .unconfirmed_answers_max = 3};
  campaign.spec.retry.attempts_max = 7;
  campaign.spec.retry.backoff = 1.5;
  campaign.spec.retry.lost = absl::Minutes(6);
  campaign.spec.calls_per_second = 0.5;
  campaign.spec.concurrent_max = 12;
  campaign.spec.window = {8 * 60 + 30, 24 * 60};
  campaign.spec.time_zone = "America/Denver";
  campaign.spec.expires_after = absl::Hours(3);
  campaign.spec.default_region = "CA";
  campaign.spec.synthetic = true;
  std::vector<FieldViolation> violations;

  const CampaignSpec again = ReadCampaign(ToMessage(campaign), LibPhoneNumberReader(), violations);

  EXPECT_THAT(violations, IsEmpty());
  EXPECT_EQ(again, campaign.spec);
}

TEST(CampaignMessages, CollectsEveryViolationWithItsPath) {
  v1::Campaign campaign = SmallCampaign();
  campaign.clear_display_name();
  campaign.set_purpose("a\nb");
  campaign.set_trunk("local");
  campaign.set_priority(10);
  campaign.mutable_message()->set_prompt("prompts/x");
  campaign.mutable_flow()->set_plays(9);
  (*campaign.mutable_flow()->mutable_keys())["12"] = v1::KEY_MEANING_REPEAT;
  campaign.mutable_flow()->mutable_pause()->set_nanos(2'000'000'000);
  campaign.mutable_acknowledgement()->set_scope(static_cast<v1::AcknowledgementScope>(77));
  campaign.mutable_retry()->set_backoff(std::numeric_limits<double>::quiet_NaN());
  campaign.mutable_flow()->set_operator_number("nobody");
  campaign.mutable_window()->set_open("8am");
  campaign.mutable_window()->set_time_zone("Mars/Olympus");
  campaign.mutable_expires_after()->set_seconds(-5);
  campaign.mutable_recipients()->set_default_region("usa");
  std::vector<FieldViolation> violations;

  ReadCampaign(campaign, LibPhoneNumberReader(), violations);

  const std::vector<std::string> fields = FieldsOf(violations);
  for (const char* field :
       {"campaign.display_name", "campaign.purpose", "campaign.trunk", "campaign.priority",
        "campaign.message.audio", "campaign.flow.plays", "campaign.flow.keys",
        "campaign.flow.pause", "campaign.flow.operator_number", "campaign.acknowledgement.scope",
        "campaign.retry.backoff", "campaign.window.open", "campaign.window.time_zone",
        "campaign.expires_after", "campaign.recipients.default_region"}) {
    EXPECT_THAT(fields, Contains(field));
  }
  EXPECT_EQ(std::count(fields.begin(), fields.end(), "campaign.purpose"), 1);
}

TEST(CampaignMessages, RefusesMeaningsAndModesThatItDoesNotKnow) {
  v1::Campaign campaign = SmallCampaign();
  (*campaign.mutable_flow()->mutable_keys())["1"] = static_cast<v1::KeyMeaning>(42);
  std::vector<FieldViolation> violations;
  ReadCampaign(campaign, LibPhoneNumberReader(), violations);
  EXPECT_THAT(FieldsOf(violations), Contains("campaign.flow.keys"));

  for (const int mode : {0, 3, -1}) {
    violations.clear();
    EXPECT_EQ(ReadCancelMode(static_cast<v1::CancelMode>(mode), "mode", violations), std::nullopt);
    EXPECT_THAT(FieldsOf(violations), ElementsAre("mode"));
  }
}

TEST(ResourceNames, AreReadBackAndNothingElseIs) {
  std::vector<FieldViolation> violations;
  EXPECT_EQ(ReadCampaignName(CampaignName(CampaignId(7)), "name", violations), CampaignId(7));
  EXPECT_EQ(ReadPromptName("prompts/12", "p", violations), PromptId(12));
  EXPECT_EQ(ReadTrunkName("trunks/local", "t", violations), "local");
  EXPECT_EQ(ReadPageToken(PageToken(1234567), violations), 1234567);
  EXPECT_EQ(ReadPageToken("", violations), 0);
  EXPECT_THAT(violations, IsEmpty());

  for (const char* wrong :
       {"", "campaigns/", "campaigns/0", "campaigns/-1", "campaigns/7x", "7", "campaigns/ 7",
        "campaign/7", "campaigns/99999999999999999999", "prompts/7"}) {
    violations.clear();
    EXPECT_FALSE(ReadCampaignName(wrong, "name", violations).is_set()) << wrong;
    EXPECT_THAT(FieldsOf(violations), ElementsAre("name")) << wrong;
  }
  for (const char* wrong : {"", "trunks/", "local", "trunks/a b", "trunks/a/b"}) {
    violations.clear();
    EXPECT_EQ(ReadTrunkName(wrong, "t", violations), "") << wrong;
    EXPECT_EQ(violations.size(), 1U) << wrong;
  }
  for (const char* wrong : {"7", "after-", "after-xyz", "after-0"}) {
    violations.clear();
    EXPECT_EQ(ReadPageToken(wrong, violations), 0) << wrong;
    EXPECT_EQ(violations.size(), 1U) << wrong;
  }
}

TEST(ResourceNames, PagesHaveAtMostAThousand) {
  std::vector<FieldViolation> violations;
  EXPECT_EQ(ReadPageSize(0, 50, violations), 50);
  EXPECT_EQ(ReadPageSize(1, 50, violations), 1);
  EXPECT_EQ(ReadPageSize(1'000'000, 50, violations), 1000);
  EXPECT_THAT(violations, IsEmpty());
  ReadPageSize(-1, 50, violations);
  EXPECT_EQ(violations.size(), 1U);
}

TEST(GrpcStatus, KeepsEveryCode) {
  for (int code = 0; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "why");
    EXPECT_EQ(static_cast<int>(ToGrpcStatus(status).error_code()), code);
  }
}

TEST(GrpcStatus, CarriesAllViolationsAsBadRequest) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < 9; ++i) violations.push_back({fmt::format("f{}", i), "is wrong"});

  const grpc::Status status = ToGrpcStatus(InvalidFields(violations));

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("f0: is wrong"));
  EXPECT_THAT(status.error_message(), HasSubstr("and 4 more"));
  google::rpc::Status rich;
  ASSERT_TRUE(rich.ParseFromString(status.error_details()));
  google::rpc::BadRequest bad;
  ASSERT_TRUE(rich.details(0).UnpackTo(&bad));
  EXPECT_EQ(bad.field_violations_size(), 9);
  EXPECT_EQ(bad.field_violations(8).field(), "f8");
}

TEST(RequestIdentity, TheSameContentHasTheSameFingerprint) {
  v1::Campaign one;
  v1::Campaign other;
  auto& keys = *one.mutable_flow()->mutable_keys();
  auto& other_keys = *other.mutable_flow()->mutable_keys();
  for (const char* key : {"1", "2", "3", "4", "5", "6"}) keys[key] = v1::KEY_MEANING_REPEAT;
  for (const char* key : {"6", "5", "4", "3", "2", "1"}) other_keys[key] = v1::KEY_MEANING_REPEAT;

  EXPECT_EQ(Fingerprint("M", one), Fingerprint("M", other));
  EXPECT_NE(Fingerprint("M", one), Fingerprint("N", one));
  other.set_priority(1);
  EXPECT_NE(Fingerprint("M", one), Fingerprint("M", other));
  // Repeats must be recognised by the next release, too.
  EXPECT_EQ(Fingerprint("M", v1::Campaign()), "09163a07b5ace3a8-0");
}

TEST(RequestIdentity, GivesARandomIdToWhoHasNone) {
  std::vector<FieldViolation> violations;
  const ApiRequest a = IdentifyRequest(TenantId(1), "M", "", v1::Campaign(), "x", violations);
  const ApiRequest b = IdentifyRequest(TenantId(1), "M", "", v1::Campaign(), "x", violations);

  EXPECT_NE(a.request_id, b.request_id);
  EXPECT_THAT(a.request_id, testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-"
                                                  "[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_THAT(violations, IsEmpty());
  IdentifyRequest(TenantId(1), "M", std::string(101, 'x'), v1::Campaign(), "x", violations);
  IdentifyRequest(TenantId(1), "M", "a b", v1::Campaign(), "x", violations);
  EXPECT_EQ(violations.size(), 2U);
}

TEST(Settle, RepeatsWhatNobodyKnowsAndGivesUpKindly) {
  int calls = 0;
  const auto fails = [&](int times, absl::StatusCode code) {
    calls = 0;
    return Settle([&] { return ++calls <= times ? absl::Status(code, "lost") : absl::OkStatus(); });
  };

  EXPECT_TRUE(fails(2, absl::StatusCode::kUnknown).ok());
  EXPECT_TRUE(fails(1, absl::StatusCode::kAborted).ok());
  EXPECT_TRUE(absl::IsUnavailable(fails(9, absl::StatusCode::kUnknown)));
  EXPECT_EQ(calls, 3);
  EXPECT_TRUE(absl::IsNotFound(fails(1, absl::StatusCode::kNotFound)));
  EXPECT_EQ(calls, 1);
}

TEST(Wav, TellsTheLengthOfWhatProvidersPlay) {
  EXPECT_EQ(*CheckWav(WavFile()), absl::Seconds(1));
  // An odd chunk before the sound is padded to an even offset.
  std::string listed = WavFile();
  listed.insert(36, std::string("LIST\x03\0\0\0abc\0", 12));
  EXPECT_EQ(*CheckWav(listed), absl::Seconds(1));
}

TEST(Wav, SaysWhatIsWrongAndHowToConvertIt) {
  const struct {
    std::string file;
    std::string said;
  } cases[] = {
      {"", "no WAV"},
      {"ID3\x04" + std::string(100, 'x'), "no WAV"},
      {WavFile({.channels = 2}), "2 channels"},
      {WavFile({.samples_per_second = 8000}), "8000 samples"},
      {WavFile({.bits = 8}), "8 bits"},
      {WavFile({.format = 7}), "compressed"},
      {WavFile({.sound_bytes = 0}), "empty"},
      {WavFile({.sound_bytes = 241 * 32'000}), "longer than 240"},
      {WavFile().substr(0, 1000), "cut off"},
      {WavFile().substr(0, 36), "no sound"},
  };
  for (const auto& [file, said] : cases) {
    const absl::Status status = CheckWav(file).status();
    ASSERT_TRUE(absl::IsInvalidArgument(status)) << said;
    EXPECT_THAT(Message(status), HasSubstr(said));
  }
  EXPECT_THAT(Message(CheckWav(WavFile({.channels = 2})).status()), HasSubstr("ffmpeg"));
}

TEST(Wav, EveryTruncationIsRefused) {
  const std::string file = WavFile({.sound_bytes = 200});
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(CheckWav(std::string_view(file).substr(0, size)).ok()) << size;
  }
}

v1::RecipientRow Row(const std::string& key, std::vector<std::string> phones) {
  v1::RecipientRow row;
  row.set_person_key(key);
  for (std::string& phone : phones) row.add_phones(std::move(phone));
  return row;
}

ReadRows ReadOne(const CampaignSpec& spec, const v1::RecipientRow& row) {
  v1::RecipientBatch batch;
  *batch.add_rows() = row;
  return RowReader(spec, LibPhoneNumberReader()).Read(batch, 1);
}

CampaignSpec SyntheticSpec() {
  CampaignSpec spec;
  spec.synthetic = true;
  return spec;
}

std::vector<std::string> Numbers(const ReadRows& read) {
  std::vector<std::string> numbers;
  for (const PhoneNumber& number : read.taken.at(0).numbers) numbers.push_back(number.e164());
  return numbers;
}

TEST(RowReader, ReadsTheFormatsOfPeopleAndEachNumberOnce) {
  v1::RecipientRow row = Row("c-1", {"(202) 555-0123", " +1 202 555 0123", "", "202.555.0124"});
  row.set_person_name("O'Neill\nŽofie");
  row.set_time_zone("America/Denver");
  row.set_language("pt-BR");
  row.set_priority(9);

  const ReadRows read = ReadOne(SyntheticSpec(), row);

  ASSERT_EQ(read.taken.size(), 1U);
  EXPECT_THAT(Numbers(read), ElementsAre("+12025550123", "+12025550124"));
  EXPECT_EQ(read.taken[0].line, 1);
  EXPECT_EQ(read.taken[0].name, "O'Neill Žofie");
  EXPECT_EQ(read.taken[0].time_zone, "America/Denver");
  EXPECT_THAT(read.ignored, IsEmpty());
}

TEST(RowReader, KeepsAPersonWhoHasOneNumberThatIsRight) {
  const ReadRows read = ReadOne(SyntheticSpec(), Row("c-1", {"call me", "2025550123", "911"}));

  ASSERT_EQ(read.taken.size(), 1U);
  EXPECT_THAT(Numbers(read), ElementsAre("+12025550123"));
  EXPECT_THAT(read.ignored, ElementsAre(refusal::kInvalidNumber, refusal::kInvalidNumber));
}

TEST(RowReader, SaysWhyARowIsRefusedAndQuotesNoNumber) {
  CampaignSpec real;
  const auto with = [](auto set) {
    v1::RecipientRow row = Row("c-1", {"+12025550123"});
    set(row);
    return row;
  };
  const struct {
    CampaignSpec spec;
    v1::RecipientRow row;
    std::string field;
    std::string reason;
  } cases[] = {
      {SyntheticSpec(), Row("c-1", {}), "phone", refusal::kMissingNumber},
      {SyntheticSpec(), Row("c-1", {" ", ""}), "phone", refusal::kMissingNumber},
      {SyntheticSpec(), Row("c-1", {"2025550"}), "phone", refusal::kInvalidNumber},
      {SyntheticSpec(), Row("c-1", {"", "call me"}), "phone2", refusal::kInvalidNumber},
      {SyntheticSpec(), Row("c-1", {std::string(70, '2')}), "phone", refusal::kInvalidNumber},
      {SyntheticSpec(), Row("c-1", {"202 555 0123 ext 5"}), "phone", refusal::kInvalidNumber},
      {SyntheticSpec(), Row("c-1", {"+12025551212"}), "phone", refusal::kForbiddenNumber},
      {SyntheticSpec(), Row("c-1", {"+12024561414"}), "phone", refusal::kNotSynthetic},
      {real, Row("c-1", {"+12025550123"}), "phone", refusal::kSyntheticNumber},
      {SyntheticSpec(),
       Row("c-1",
           {"2025550121", "2025550122", "2025550123", "2025550124", "2025550125", "2025550126"}),
       "phone", refusal::kTooManyNumbers},
      {SyntheticSpec(), Row(" ", {"+12025550123"}), "person_key", refusal::kMissingPersonKey},
      {SyntheticSpec(), Row(std::string(201, 'x'), {"+12025550123"}), "person_key",
       refusal::kInvalidText},
      {SyntheticSpec(), Row("a\x01", {"+12025550123"}), "person_key", refusal::kInvalidText},
      {SyntheticSpec(), with([](auto& row) { row.set_person_name(std::string(201, 'x')); }), "name",
       refusal::kInvalidText},
      {SyntheticSpec(), with([](auto& row) { row.set_time_zone("Denver"); }), "time_zone",
       refusal::kInvalidTimeZone},
      {SyntheticSpec(), with([](auto& row) { row.set_time_zone("/etc/localtime"); }), "time_zone",
       refusal::kInvalidTimeZone},
      {SyntheticSpec(), with([](auto& row) { row.set_time_zone("../../../etc/localtime"); }),
       "time_zone", refusal::kInvalidTimeZone},
      {SyntheticSpec(), with([](auto& row) { row.set_language("english!"); }), "language",
       refusal::kInvalidLanguage},
      {SyntheticSpec(), with([](auto& row) { row.set_language("e"); }), "language",
       refusal::kInvalidLanguage},
      {SyntheticSpec(), with([](auto& row) { row.set_priority(-1); }), "priority",
       refusal::kInvalidPriority},
      {SyntheticSpec(), with([](auto& row) { row.set_synthetic(false); }), "synthetic",
       refusal::kNotSynthetic},
      {real, with([](auto& row) { row.set_synthetic(true); }), "synthetic",
       refusal::kSyntheticNumber},
  };
  for (const auto& [spec, row, field, reason] : cases) {
    const ReadRows read = ReadOne(spec, row);
    ASSERT_EQ(read.refused.size(), 1U) << row.ShortDebugString();
    EXPECT_EQ(read.refused[0].field, field) << row.ShortDebugString();
    EXPECT_EQ(read.refused[0].reason, reason) << row.ShortDebugString();
    EXPECT_THAT(read.refused[0].detail, Not(HasSubstr("202")));
    EXPECT_THAT(read.refused[0].detail, Not(IsEmpty()));
    EXPECT_THAT(read.ignored, IsEmpty());
  }
}

TEST(RowReader, CountsTheLinesOfRowsThatHaveNone) {
  const CampaignSpec spec = SyntheticSpec();
  v1::RecipientBatch batch;
  *batch.add_rows() = Row("a", {"2025550123"});
  *batch.add_rows() = Row("b", {"nonsense"});
  *batch.add_rows() = Row("c", {"2025550123"});
  batch.mutable_rows(2)->set_line(77);

  const ReadRows read = RowReader(spec, LibPhoneNumberReader()).Read(batch, 1001);

  EXPECT_EQ(read.taken[0].line, 1001);
  EXPECT_EQ(read.refused[0].line, 1002);
  EXPECT_EQ(read.taken[1].line, 77);
}

CampaignSpec SpecWithTexts() {
  CampaignSpec spec = SyntheticSpec();
  spec.texts = {.templates = {{"en", "{name}, the power at {street} is out."},
                              {"es", "No hay luz en {street}."}},
                .language = "en"};
  return spec;
}

TEST(RowReader, FillsInWhatEachPersonIsTold) {
  v1::RecipientRow row = Row("c-1", {"2025550123"});
  row.set_person_name("Maria");
  (*row.mutable_variables())["street"] = "14 Mill\nRoad";
  (*row.mutable_variables())["shoe_size"] = "43";
  ReadRows read = ReadOne(SpecWithTexts(), row);
  ASSERT_EQ(read.taken.size(), 1U);
  ASSERT_TRUE(read.taken[0].message.has_value());
  EXPECT_EQ(read.taken[0].message->language, "en");
  EXPECT_EQ(read.taken[0].message->text.Reveal(), "Maria, the power at 14 Mill Road is out.");

  row.set_language("es-MX");
  row.clear_person_name();
  read = ReadOne(SpecWithTexts(), row);
  ASSERT_EQ(read.taken.size(), 1U) << "nobody's name is said in that language";
  EXPECT_EQ(read.taken[0].message->text.Reveal(), "No hay luz en 14 Mill Road.");
  EXPECT_EQ(read.taken[0].message->language, "es");

  EXPECT_FALSE(ReadOne(SyntheticSpec(), row).taken.at(0).message.has_value());
}

TEST(RowReader, RefusesWhomTheMessageCannotBeToldAndQuotesNoValue) {
  const auto refused = [](auto set) {
    v1::RecipientRow row = Row("c-1", {"2025550123"});
    row.set_person_name("Maria");
    (*row.mutable_variables())["street"] = "14 Mill Road";
    set(row);
    const ReadRows read = ReadOne(SpecWithTexts(), row);
    EXPECT_EQ(read.refused.size(), 1U);
    const RefusedRow found = read.refused.empty() ? RefusedRow() : read.refused[0];
    EXPECT_THAT(found.detail, Not(HasSubstr("Mill")));
    EXPECT_THAT(found.detail, Not(HasSubstr("Maria")));
    return found.field + " " + found.reason;
  };
  EXPECT_EQ(refused([](auto& row) { row.clear_variables(); }), "street MISSING_VARIABLE");
  EXPECT_EQ(refused([](auto& row) { (*row.mutable_variables())["street"] = " "; }),
            "street MISSING_VARIABLE");
  EXPECT_EQ(refused([](auto& row) { row.clear_person_name(); }), "name MISSING_VARIABLE");
  EXPECT_EQ(
      refused([](auto& row) { (*row.mutable_variables())["street"] = std::string(201, 'x'); }),
      "street INVALID_TEXT");

  CampaignSpec spec = SyntheticSpec();
  spec.texts = {.templates = {{"en", std::string(1990, 'a') + "{street}"}}, .language = "en"};
  v1::RecipientRow row = Row("c-1", {"2025550123"});
  (*row.mutable_variables())["street"] = "14 Mill Road";
  const ReadRows read = ReadOne(spec, row);
  ASSERT_EQ(read.refused.size(), 1U);
  EXPECT_EQ(read.refused[0].reason, refusal::kMessageTooLong);
}

TEST(CampaignMessages, TextsSurviveTheWayOutAndIn) {
  Campaign campaign;
  campaign.spec = SpecWithTexts();
  campaign.spec.name = "Outage";
  campaign.spec.purpose = "outage";
  std::vector<FieldViolation> violations;

  const CampaignSpec again = ReadCampaign(ToMessage(campaign), LibPhoneNumberReader(), violations);

  EXPECT_THAT(violations, IsEmpty());
  EXPECT_EQ(again, campaign.spec);
}

TEST(CampaignMessages, TheOnlyTextIsInTheLanguageOfWhoeverHasNone) {
  v1::Campaign campaign = SmallCampaign();
  (*campaign.mutable_message()->mutable_texts()->mutable_templates())["es"] = "Hola,\nno hay luz.";
  std::vector<FieldViolation> violations;

  const CampaignSpec spec = ReadCampaign(campaign, LibPhoneNumberReader(), violations);

  EXPECT_THAT(violations, IsEmpty());
  EXPECT_EQ(spec.texts.language, "es");
  EXPECT_EQ(spec.texts.templates.at("es"), "Hola, no hay luz.");
}

TEST(CampaignMessages, TextsAreReadBeforeAnybodyIsRung) {
  const auto fields = [](auto set) {
    v1::Campaign campaign = SmallCampaign();
    campaign.mutable_message()->clear_audio_uri();
    set(*campaign.mutable_message()->mutable_texts());
    std::vector<FieldViolation> violations;
    ReadCampaign(campaign, LibPhoneNumberReader(), violations);
    return FieldsOf(violations);
  };
  EXPECT_THAT(fields([](auto& texts) { (*texts.mutable_templates())["en"] = "hello {"; }),
              ElementsAre("campaign.message.texts"));
  EXPECT_THAT(fields([](auto& texts) { (*texts.mutable_templates())["en"] = ""; }),
              ElementsAre("campaign.message.texts"));
  EXPECT_THAT(
      fields([](auto& texts) { (*texts.mutable_templates())["en"] = std::string(2001, 'x'); }),
      ElementsAre("campaign.message.texts"));
  EXPECT_THAT(fields([](auto& texts) { (*texts.mutable_templates())["english"] = "hello"; }),
              ElementsAre());
  EXPECT_THAT(fields([](auto& texts) { (*texts.mutable_templates())["e!"] = "hello"; }),
              ElementsAre("campaign.message.texts"));
  EXPECT_THAT(fields([](auto& texts) {
                (*texts.mutable_templates())["en"] = "hello";
                texts.set_language("es");
              }),
              ElementsAre("campaign.message.texts.language"));
  EXPECT_THAT(fields([](auto&) {}), ElementsAre("campaign.message.audio"));
}

}  // namespace
}  // namespace tocsin
