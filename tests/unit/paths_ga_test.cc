#include "wire/paths_ga.h"

#include <gtest/gtest.h>

namespace tocsin::wire::ga {
namespace {

constexpr Operation kLast = Operation::kMute;

std::string PathOnly(const std::string& target) {
  return target.substr(0, target.find('?'));
}

TEST(PathsGa, AreThoseOfTheSdk) {
  EXPECT_EQ(Path({.operation = Operation::kCreateCall}),
            "/calling/callConnections?api-version=2026-03-12");
  EXPECT_EQ(Path({.operation = Operation::kPlay, .call_id = "411f"}),
            "/calling/callConnections/411f:play?api-version=2026-03-12");
  EXPECT_EQ(Path({.operation = Operation::kAddParticipant, .call_id = "411f"}),
            "/calling/callConnections/411f/participants:add?api-version=2026-03-12");
  EXPECT_EQ(Path({.operation = Operation::kGetParticipant,
                  .call_id = "411f",
                  .participant = "4:+14255550123"}),
            "/calling/callConnections/411f/participants/4%3A%2B14255550123?api-version=2026-03-12");
}

TEST(PathsGa, WhatIsMadeIsParsed) {
  for (int i = 0; i <= static_cast<int>(kLast); ++i) {
    Route route{.operation = static_cast<Operation>(i)};
    if (route.operation != Operation::kCreateCall) route.call_id = "a:b/ +\xC3\xA4";
    if (route.operation == Operation::kGetParticipant) route.participant = "8:acs:r_u";
    const std::string path = PathOnly(Path(route));
    EXPECT_EQ(ParseRoute(Method(route.operation), path), route) << path;
    EXPECT_TRUE(IsGaPath(path));
  }
}

TEST(PathsGa, LiteralsMatchInAnyCase) {
  EXPECT_EQ(ParseRoute("POST", "/Calling/CALLCONNECTIONS/aB:Play"),
            (Route{.operation = Operation::kPlay, .call_id = "aB"}));
  EXPECT_EQ(ParseRoute("GET", "/calling/callconnections/x/Participants"),
            (Route{.operation = Operation::kListParticipants, .call_id = "x"}));
}

TEST(PathsGa, EveryOperationHasItsOneStatus) {
  EXPECT_EQ(SuccessStatus(Operation::kCreateCall), 201);
  EXPECT_EQ(SuccessStatus(Operation::kHangUp), 204);
  EXPECT_EQ(SuccessStatus(Operation::kTerminate), 204);
  EXPECT_EQ(SuccessStatus(Operation::kPlay), 202);
  EXPECT_EQ(SuccessStatus(Operation::kStartContinuousDtmf), 200);
  EXPECT_EQ(SuccessStatus(Operation::kMute), 200);
  EXPECT_TRUE(IsRepeatable(Operation::kCreateCall));
  EXPECT_FALSE(IsRepeatable(Operation::kHangUp));
  EXPECT_FALSE(IsRepeatable(Operation::kPlay));
}

TEST(PathsGa, WhatIsNoOperationHasNoRoute) {
  for (const char* path :
       {"", "/", "/calling", "/calling/calls", "/calling/callConnections/",
        "/calling/callConnections/:play", "/calling/callConnections/x:dance",
        "/calling/callConnections/x", "/calling/callConnections/x/participants",
        "/calling/callConnections/x/participants:dance",
        "/calling/callConnections//participants:add", "/calling/callConnections/x/others:add",
        "/calling/callConnections/x/participants/y/z", "/callConnections"}) {
    EXPECT_EQ(ParseRoute("POST", path), std::nullopt) << path;
  }
  EXPECT_EQ(ParseRoute("PUT", "/calling/callConnections"), std::nullopt);
  EXPECT_EQ(ParseRoute("GET", "/calling/callConnections"), std::nullopt);
  EXPECT_EQ(ParseRoute("GET", "/calling/callConnections/x/participants/"), std::nullopt);
  EXPECT_EQ(ParseRoute("GET", "/calling/callConnections/x:play"), std::nullopt);
}

}  // namespace
}  // namespace tocsin::wire::ga
