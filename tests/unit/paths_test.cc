#include "wire/paths.h"

#include <gtest/gtest.h>

namespace tocsin::wire {
namespace {

std::string PathOnly(const std::string& target) {
  return target.substr(0, target.find('?'));
}

TEST(Paths, AreThoseOfTheTwoEditions) {
  EXPECT_EQ(CreateCallPath(Dialect::k2021_05), "/calling/calls?api-version=2021-04-15-preview1");
  EXPECT_EQ(CreateCallPath(Dialect::k2021_04), "/calls");
  EXPECT_EQ(PlayAudioPath(Dialect::k2021_05, "a-b"),
            "/calling/calls/a-b/PlayAudio?api-version=2021-04-15-preview1");
  EXPECT_EQ(HangUpPath(Dialect::k2021_04, "a/b"), "/calls/a%2Fb/Hangup");
}

TEST(Paths, WhatIsMadeIsParsed) {
  const std::string id = "8:acs/ +\xC3\xA4";
  for (const Dialect dialect : {Dialect::k2021_04, Dialect::k2021_05}) {
    const auto route = [](const std::string& target) {
      return ParseRoute("POST", PathOnly(target));
    };

    EXPECT_EQ(route(CreateCallPath(dialect)), (Route{dialect, Operation::kCreateCall}));
    EXPECT_EQ(route(PlayAudioPath(dialect, id)), (Route{dialect, Operation::kPlayAudio, id}));
    EXPECT_EQ(route(CancelMediaPath(dialect, id)), (Route{dialect, Operation::kCancelMedia, id}));
    EXPECT_EQ(route(HangUpPath(dialect, id)), (Route{dialect, Operation::kHangUp, id}));
    EXPECT_EQ(route(InviteParticipantsPath(dialect, id)),
              (Route{dialect, Operation::kInviteParticipants, id}));
    EXPECT_EQ(route(CancelMediaPath(dialect, id, Edition::kSwagger)),
              (Route{dialect, Operation::kCancelMedia, id, "", Edition::kSwagger}));
    EXPECT_EQ(ParseRoute("DELETE", PathOnly(DeleteCallPath(dialect, id))),
              (Route{dialect, Operation::kDeleteCall, id}));
    EXPECT_EQ(ParseRoute("DELETE", PathOnly(RemoveParticipantPath(dialect, id, "p/q"))),
              (Route{dialect, Operation::kRemoveParticipant, id, "p/q"}));
  }
}

TEST(Paths, ConversationsAreThoseOfMayAlone) {
  const std::string id = "aHR0cHM6Ly8/=";
  EXPECT_EQ(ParseRoute("POST", PathOnly(JoinConversationPath(id))),
            (Route{Dialect::k2021_05, Operation::kJoinConversation, id}));
  EXPECT_EQ(ParseRoute("POST", PathOnly(JoinConversationPath(id, Edition::kSwagger))),
            (Route{Dialect::k2021_05, Operation::kJoinConversation, id, "", Edition::kSwagger}));
  EXPECT_EQ(ParseRoute("POST", PathOnly(InviteToConversationPath(id))),
            (Route{Dialect::k2021_05, Operation::kInviteToConversation, id}));
  EXPECT_EQ(ParseRoute("DELETE", PathOnly(RemoveFromConversationPath(id, "p"))),
            (Route{Dialect::k2021_05, Operation::kRemoveFromConversation, id, "p"}));
  EXPECT_EQ(ParseRoute("POST", "/conversations/x/join"), std::nullopt);
  EXPECT_EQ(ParseRoute("DELETE", "/calling/conversations/x/join"), std::nullopt);
  EXPECT_EQ(ParseRoute("POST", "/calling/conversations//join"), std::nullopt);
}

TEST(Paths, LiteralsMatchInAnyCaseAndIdsAsTheyAre) {
  EXPECT_EQ(ParseRoute("POST", "/Calling/CALLS/aB/hangUp"),
            (Route{Dialect::k2021_05, Operation::kHangUp, "aB"}));
  EXPECT_EQ(ParseRoute("POST", "/calling/calls/x/CancelMediaOperations"),
            (Route{Dialect::k2021_05, Operation::kCancelMedia, "x", "", Edition::kSwagger}));
  EXPECT_EQ(ParseRoute("DELETE", "/calling/calls/x"),
            (Route{Dialect::k2021_05, Operation::kDeleteCall, "x"}));
  EXPECT_EQ(ParseRoute("DELETE", "/calls/x/participants/y"),
            (Route{Dialect::k2021_04, Operation::kRemoveParticipant, "x", "y"}));
}

TEST(Paths, WhatIsNoOperationHasNoRoute) {
  for (const char* path :
       {"", "/", "//", "/call", "/calling", "/calling/", "/calling/callConnections",
        "/calling/calls/", "/calling/calls//Hangup", "/calling/calls/x/y", "/calling/calls/x",
        "/calls/x/Hangup/z", "calls"}) {
    EXPECT_EQ(ParseRoute("POST", path), std::nullopt) << path;
  }
  EXPECT_EQ(ParseRoute("GET", "/calls"), std::nullopt);
  EXPECT_EQ(ParseRoute("DELETE", "/calls"), std::nullopt);
  EXPECT_EQ(ParseRoute("DELETE", "/calls/x/Hangup"), std::nullopt);
}

TEST(Paths, ABrokenEscapeStandsForItself) {
  EXPECT_EQ(ParseRoute("POST", "/calls/%zz%4/Hangup")->call_id, "%zz%4");
}

}  // namespace
}  // namespace tocsin::wire
