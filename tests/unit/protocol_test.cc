#include "dialer/protocol.h"

#include <gtest/gtest.h>

#include "wire/calls_2021.h"
#include "wire/paths.h"

namespace tocsin::dialer {
namespace {

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
    const Protocol* const protocol = ProtocolFor(dialect);
    ASSERT_NE(protocol, nullptr);
    const CreateCallRequest request{.to = *PhoneNumber::Parse("+14255550123"),
                                    .from = *PhoneNumber::Parse("+18005550100")};
    const ProviderRequest create = protocol->CreateCall(request, "http://h/callbacks/1/2");
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

TEST(Protocol, AnswersOf2021AreRead) {
  const Protocol* const protocol = ProtocolFor(Dialect::kPreview202104);

  EXPECT_EQ(protocol->ReadCallId(R"({"callLegId":"x"})"), "x");
  EXPECT_EQ(protocol->ReadCallId(R"({"callLegId":3})"), std::nullopt);
  EXPECT_EQ(protocol->ReadError(R"({"code":"8522","message":"gone"})"), "8522: gone");
  EXPECT_EQ(protocol->ReadError("<html>"), "");
}

}  // namespace
}  // namespace tocsin::dialer
