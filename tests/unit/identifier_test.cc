#include "wire/identifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/identifier_json.h"

namespace tocsin::wire {
namespace {

using Cloud = Identifier::Cloud;
using Kind = Identifier::Kind;
using testing::HasSubstr;

struct Known {
  const char* raw_id;
  Identifier identifier;
};

// Every form of raw id that the real SDK reads.
std::vector<Known> EveryForm() {
  return {
      {"4:+14255550123", Identifier::PhoneNumber("+14255550123")},
      {"4:anonymous", {.kind = Kind::kPhoneNumber, .value = "anonymous", .is_anonymous = true}},
      {"4:+14255550123_7",
       {.kind = Kind::kPhoneNumber, .value = "+14255550123_7", .asserted_id = "7"}},
      {"8:acs:r_u", Identifier::CommunicationUser("8:acs:r_u")},
      {"8:dod-acs:r_u", Identifier::CommunicationUser("8:dod-acs:r_u")},
      {"8:gcch-acs:r_u", Identifier::CommunicationUser("8:gcch-acs:r_u")},
      {"8:spool:x", Identifier::CommunicationUser("8:spool:x")},
      {"8:orgid:u", {.kind = Kind::kTeamsUser, .value = "u"}},
      {"8:dod:u", {.kind = Kind::kTeamsUser, .value = "u", .cloud = Cloud::kDod}},
      {"8:gcch:u", {.kind = Kind::kTeamsUser, .value = "u", .cloud = Cloud::kGcch}},
      {"8:teamsvisitor:u", {.kind = Kind::kTeamsUser, .value = "u", .is_anonymous = true}},
      {"28:orgid:a", {.kind = Kind::kTeamsApp, .value = "a"}},
      {"28:dod:a", {.kind = Kind::kTeamsApp, .value = "a", .cloud = Cloud::kDod}},
      {"28:gcch:a", {.kind = Kind::kTeamsApp, .value = "a", .cloud = Cloud::kGcch}},
      {"8:acs:r_t_u",
       {.kind = Kind::kTeamsExtensionUser, .value = "u", .tenant_id = "t", .resource_id = "r"}},
      {"8:dod-acs:r_t_u",
       {.kind = Kind::kTeamsExtensionUser,
        .value = "u",
        .cloud = Cloud::kDod,
        .tenant_id = "t",
        .resource_id = "r"}},
      {"8:acs:r_t_u_v", Identifier::CommunicationUser("8:acs:r_t_u_v")},
      {"28:u:a", {.kind = Kind::kUnknown, .value = "28:u:a"}},
      {"8:orgid:u:v", {.kind = Kind::kUnknown, .value = "8:orgid:u:v"}},
      {"anything", {.kind = Kind::kUnknown, .value = "anything"}},
      {"", {.kind = Kind::kUnknown}},
  };
}

absl::StatusOr<Identifier> Read(std::string_view text) {
  const auto json = nlohmann::json::parse(text);
  const auto reader = ObjectReader::Read(json, "party");
  EXPECT_TRUE(reader.ok());
  return ReadIdentifier(*reader);
}

TEST(Identifier, EveryRawIdIsParsedAndDerived) {
  for (const Known& known : EveryForm()) {
    EXPECT_EQ(ParseRawId(known.raw_id), known.identifier) << known.raw_id;
    EXPECT_EQ(RawId(known.identifier), known.raw_id);
  }
}

TEST(Identifier, EveryTruncationOfARawIdIsSomebody) {
  for (const Known& known : EveryForm()) {
    const std::string_view raw_id = known.raw_id;
    for (std::size_t size = 0; size <= raw_id.size(); ++size) {
      EXPECT_EQ(RawId(ParseRawId(raw_id.substr(0, size))), raw_id.substr(0, size));
    }
  }
}

TEST(Identifier, EveryKindGoesThereAndBackInEveryCasing) {
  for (const Known& known : EveryForm()) {
    if (known.identifier == Identifier()) continue;
    for (const Casing casing : {Casing::kCamel, Casing::kPascal, Casing::kGa}) {
      const std::string json = IdentifierJson(known.identifier, casing);
      const auto read = Read(json);
      ASSERT_TRUE(read.ok()) << json << read.status();
      EXPECT_EQ(*read, known.identifier) << json;
    }
  }
}

TEST(Identifier, IsWrittenAsTheSdkWritesIt) {
  EXPECT_EQ(IdentifierJson(Identifier::PhoneNumber("+1"), Casing::kGa),
            R"({"kind":"phoneNumber","rawId":"4:+1","phoneNumber":{"value":"+1"}})");
  EXPECT_EQ(IdentifierJson({.kind = Kind::kTeamsUser, .value = "u"}, Casing::kGa),
            R"({"kind":"microsoftTeamsUser","rawId":"8:orgid:u","microsoftTeamsUser":)"
            R"({"userId":"u","isAnonymous":false,"cloud":"public"}})");
  EXPECT_EQ(IdentifierJson({.value = "x"}, Casing::kGa), R"({"kind":"unknown","rawId":"x"})");
}

TEST(Identifier, TheRawIdThatWasSentIsKept) {
  const auto read = Read(R"({"rawId":"4:+1_7","phoneNumber":{"value":"+1"}})");

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->value, "+1");
  EXPECT_EQ(RawId(*read), "4:+1_7");
  EXPECT_EQ(*Read(IdentifierJson(*read, Casing::kGa)), *read);
}

TEST(Identifier, TheKindFollowsFromTheMemberWhateverItIsCalled) {
  EXPECT_EQ(*Read(R"({"phoneNumber":{"value":"+1","isAnonymous":false}})"),
            Identifier::PhoneNumber("+1"));
  EXPECT_EQ(*Read(R"({"kind":"somethingNew","rawId":"8:acs:r_u","communicationUser":null})"),
            Identifier::CommunicationUser("8:acs:r_u"));
  EXPECT_TRUE(Read(R"({"phoneNumber":{"value":"anonymous"}})")->is_anonymous);
}

TEST(Identifier, ComplaintsNameThePlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"{}", "party must have phoneNumber or communicationUser"},
      {R"({"kind":3,"rawId":"x"})", "party.kind must be a string"},
      {R"({"rawId":3})", "party.rawId must be a string"},
      {R"({"phoneNumber":"+1"})", "party.phoneNumber must be an object"},
      {R"({"phoneNumber":{"value":1}})", "party.phoneNumber.value must be a string"},
      {R"({"phoneNumber":{"value":"+1","isAnonymous":"no"}})", "isAnonymous must be true or false"},
      {R"({"communicationUser":{}})", "party.communicationUser.id must be a string"},
      {R"({"microsoftTeamsApp":{"cloud":"public"}})", "microsoftTeamsApp.appId must be a string"},
      {R"({"microsoftTeamsUser":{"userId":"u","cloud":"moon"}})", "public, dod or gcch"},
      {R"({"teamsExtensionUser":{"userId":"u","tenantId":"t"}})", "resourceId must be a string"},
      {R"({"phoneNumber":{"value":"+1"},"communicationUser":{"id":"8:acs:x"}})",
       "party must be of one kind, not of several"},
  };
  for (const auto& [text, expected] : cases) {
    const auto read = Read(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_THAT(std::string(read.status().message()), HasSubstr(expected)) << text;
  }
}

}  // namespace
}  // namespace tocsin::wire
