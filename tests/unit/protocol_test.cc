#include "dialer/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/calls_2021.h"
#include "wire/paths.h"

namespace tocsin::dialer {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kCall[] = "491f0b00-9a3c";

struct Edition2021 {
  Dialect dialect;
  wire::Dialect on_the_wire;
};
constexpr Edition2021 kEditions[] = {{Dialect::kPreview202104, wire::Dialect::k2021_04},
                                     {Dialect::kPreview202105, wire::Dialect::k2021_05}};

wire::Route RouteOf(const ProviderRequest& request) {
  const auto route = wire::ParseRoute(
      request.method, request.path_and_query.substr(0, request.path_and_query.find('?')));
  EXPECT_TRUE(route.has_value()) << request.path_and_query;
  return route.value_or(wire::Route());
}

TEST(Protocol, BothEditionsOf2021AreSpokenAtTheirOwnPaths) {
  for (const auto& [dialect, on_the_wire] : kEditions) {
    const Protocol* const protocol = ProtocolFor(dialect, Spelling::kOverview);
    ASSERT_NE(protocol, nullptr);
    const CreateCallRequest request{.to = *PhoneNumber::Parse("+14255550123"),
                                    .from = *PhoneNumber::Parse("+18005550100")};
    const ProviderRequest create = protocol->CreateCall(request, "http://h/callbacks/1/2", "");
    EXPECT_EQ(RouteOf(create), (wire::Route{on_the_wire, wire::Operation::kCreateCall}));
    const auto body = wire::DecodeCreateCallRequest(create.body);
    ASSERT_TRUE(body.ok()) << body.status();
    EXPECT_EQ(body->targets[0], wire::Identifier::PhoneNumber("+14255550123"));
    EXPECT_EQ(body->caller_number, "+18005550100");
    EXPECT_TRUE(body->wants_dtmf);

    const ProviderRequest play = protocol->Play(kCall, {"http://h/a.wav", "key", 3});
    EXPECT_EQ(RouteOf(play), (wire::Route{on_the_wire, wire::Operation::kPlayAudio, kCall}));
    EXPECT_EQ(wire::DecodePlayAudioRequest(play.body)->operation_context, "3");
    const ProviderRequest cancel = protocol->CancelMedia(kCall, 51);
    EXPECT_EQ(RouteOf(cancel), (wire::Route{on_the_wire, wire::Operation::kCancelMedia, kCall}));
    EXPECT_EQ(RouteOf(protocol->HangUp(kCall)),
              (wire::Route{on_the_wire, wire::Operation::kHangUp, kCall}));
  }
}

TEST(Protocol, EachSpellingOf2021UsesItsOwnNames) {
  const CreateCallRequest request{.to = *PhoneNumber::Parse("+14255550123"),
                                  .from = *PhoneNumber::Parse("+18005550100")};
  for (const auto& [dialect, on_the_wire] : kEditions) {
    const Protocol& overview = *ProtocolFor(dialect, Spelling::kOverview);
    EXPECT_THAT(overview.CreateCall(request, "http://h/1", "").body,
                HasSubstr(R"("alternateCallerId":{"value":"+18005550100"})"));
    EXPECT_THAT(overview.Play(kCall, {"http://h/a.wav", "key", 3}).body,
                HasSubstr(R"("resourceId":"key")"));
    EXPECT_THAT(overview.CancelMedia(kCall, 51).path_and_query,
                HasSubstr("/CancelMediaProcessing"));
    EXPECT_EQ(overview.CancelMedia(kCall, 51).body, R"({"operationContext":"51"})");

    const Protocol& swagger = *ProtocolFor(dialect, Spelling::kSwagger);
    EXPECT_THAT(swagger.CreateCall(request, "http://h/1", "").body,
                HasSubstr(R"("sourceAlternateIdentity":{"value":"+18005550100"})"));
    EXPECT_THAT(swagger.Play(kCall, {"http://h/a.wav", "key", 3}).body,
                HasSubstr(R"("audioFileId":"key")"));
    EXPECT_EQ(RouteOf(swagger.CancelMedia(kCall, 51)),
              (wire::Route{.dialect = on_the_wire,
                           .operation = wire::Operation::kCancelMedia,
                           .call_id = kCall,
                           .edition = wire::Edition::kSwagger}));
    EXPECT_EQ(swagger.CancelMedia(kCall, 51).body, "");
  }
}

TEST(Protocol, MaySaysAsWhomItCallsAndAprilHasNoWordForIt) {
  const CreateCallRequest request{.to = *PhoneNumber::Parse("+14255550123"),
                                  .from = *PhoneNumber::Parse("+18005550100")};
  const auto body_of = [&](Dialect dialect, const char* user) {
    return ProtocolFor(dialect, Spelling::kOverview)->CreateCall(request, "http://h/1", user).body;
  };
  EXPECT_THAT(
      body_of(Dialect::kPreview202105, "8:acs:a_b"),
      HasSubstr(R"("source":{"rawId":"8:acs:a_b","communicationUser":{"id":"8:acs:a_b"}})"));
  EXPECT_THAT(body_of(Dialect::kPreview202105, ""), Not(HasSubstr("\"source\"")));
  EXPECT_THAT(body_of(Dialect::kPreview202104, "8:acs:a_b"), Not(HasSubstr("\"source\"")));
}

TEST(Protocol, AnswersOf2021AreRead) {
  const Protocol* const protocol = ProtocolFor(Dialect::kPreview202104, Spelling::kOverview);

  EXPECT_EQ(protocol->ReadCallId(R"({"callLegId":"x"})"), "x");
  EXPECT_EQ(protocol->ReadCallId(R"({"callLegId":3})"), std::nullopt);
  EXPECT_EQ(protocol->ReadError(R"({"code":"8522","message":"gone"})"), "8522: gone");
  EXPECT_EQ(protocol->ReadError("<html>"), "");
}

}  // namespace
}  // namespace tocsin::dialer
