// Whatever is sent to the call server: served, or refused with a clear 4xx in the
// words of the dialect; it never falls over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/call_server_fixture.h"

namespace tocsin::callserver {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// One request that is right.
struct Sample {
  std::string target;
  json body;
  // What must be there and of its type, and is not when it is missing.
  std::vector<std::string> required;
};

class CallServerInputTest : public CallServerTest {
 protected:
  void SetUp() override { Start(); }

  std::vector<Sample> SamplesOf2021() const {
    const json person = {{"phoneNumber", {{"value", "+15555550100"}}}};
    const json user = {{"communicationUser", {{"id", "8:acs:r_u"}}}};
    std::vector<Sample> samples;
    for (const std::string root : {"/calls", "/calling/calls"}) {
      const std::string query = root == "/calls" ? "" : "?api-version=2021-04-15-preview1";
      samples.push_back({root + query,
                         {{"targets", {person}},
                          {"source", user},
                          {"subject", "s"},
                          {"callbackUri", receiver_.Url("/callbacks/1/2")},
                          {"requestedModalities", {"audio"}},
                          {"requestedCallEvents", {"dtmfReceived"}},
                          {"sourceAlternateIdentity", {{"value", "+18005550100"}}}},
                         {"targets", "callbackUri"}});
      samples.push_back({root + "/unknown/PlayAudio" + query,
                         {{"audioFileUri", "http://h/a.wav"},
                          {"loop", false},
                          {"operationContext", "c"},
                          {"resourceId", "r"}},
                         {"audioFileUri"}});
      samples.push_back(
          {root + "/unknown/CancelMediaProcessing" + query, {{"operationContext", "c"}}, {}});
      samples.push_back({root + "/unknown/participants" + query,
                         {{"participants", {user}},
                          {"alternateCallerId", {{"value", "+18005550100"}}},
                          {"operationContext", "c"}},
                         {"participants"}});
    }
    samples.push_back({"/calling/conversations/unknown/join?api-version=2021-04-15-preview1",
                       {{"source", user},
                        {"subject", "s"},
                        {"callbackUri", receiver_.Url("/callbacks/1/2")},
                        {"requestedModalities", {"audio"}},
                        {"requestedCallEvents", {"dtmfReceived"}}},
                       {"callbackUri"}});
    return samples;
  }

  std::vector<Sample> SamplesOfGa() const {
    const json person = {{"kind", "phoneNumber"}, {"phoneNumber", {{"value", "+15555550100"}}}};
    const std::string call = "/calling/callConnections/unknown";
    return {
        {"/calling/callConnections",
         {{"targets", {person}},
          {"callbackUri", receiver_.Url("/callbacks/1/2")},
          {"sourceCallerIdNumber", {{"value", "+18005550100"}}},
          {"operationContext", "c"}},
         {"targets", "callbackUri"}},
        {call + ":play",
         {{"playSources", {{{"kind", "file"}, {"file", {{"uri", "http://h/a.wav"}}}}}},
          {"playOptions", {{"loop", false}}},
          {"operationContext", "c"}},
         {"playSources"}},
        {call + ":recognize",
         {{"recognizeInputType", "dtmf"},
          {"recognizeOptions",
           {{"targetParticipant", person},
            {"interruptPrompt", true},
            {"initialSilenceTimeoutInSeconds", 5},
            {"dtmfOptions", {{"interToneTimeoutInSeconds", 2}, {"maxTonesToCollect", 1}}}}}},
         {"recognizeInputType", "recognizeOptions"}},
        {call + ":startContinuousDtmfRecognition",
         {{"targetParticipant", person}},
         {"targetParticipant"}},
        {call + ":stopContinuousDtmfRecognition",
         {{"targetParticipant", person}},
         {"targetParticipant"}},
        {call + ":sendDtmfTones",
         {{"tones", {"one"}}, {"targetParticipant", person}},
         {"tones", "targetParticipant"}},
        {call + "/participants:add",
         {{"participantToAdd", person},
          {"sourceCallerIdNumber", {{"value", "+18005550100"}}},
          {"invitationTimeoutInSeconds", 30}},
         {"participantToAdd"}},
        {call + "/participants:remove", {{"participantToRemove", person}}, {"participantToRemove"}},
        {call + "/participants:cancelAddParticipant", {{"invitationId", "i"}}, {"invitationId"}},
        {call + "/participants:mute", {{"targetParticipants", {person}}}, {"targetParticipants"}},
        {call + ":transferToParticipant", {{"targetParticipant", person}}, {"targetParticipant"}},
    };
  }

  // Expects 400 in the dialect's own shape; returns the message.
  std::string Refused(const std::string& target, const std::string& body) {
    const auto answer = client_->Post(target, body, "application/json");
    EXPECT_TRUE(answer) << target;
    if (!answer) return {};
    EXPECT_EQ(answer->status, 400) << target << "\n" << body << "\n" << answer->body;
    return MessageIn(target, answer->body);
  }

  static std::string MessageIn(const std::string& target, const std::string& body) {
    const json parsed = json::parse(body, nullptr, false);
    const bool of_ga = target.starts_with("/calling/callConnections");
    const json error = of_ga && parsed.is_object() ? parsed.value("error", json()) : parsed;
    const bool has_both = error.is_object() && error.contains("code") && error.contains("message");
    EXPECT_TRUE(has_both) << target << " answered " << body;
    return has_both ? error["message"].get<std::string>() : "";
  }

  std::vector<Sample> Samples() const {
    std::vector<Sample> samples = SamplesOf2021();
    for (Sample& sample : SamplesOfGa()) samples.push_back(std::move(sample));
    return samples;
  }
};

TEST_F(CallServerInputTest, EverySampleIsRight) {
  for (const Sample& sample : Samples()) {
    const auto answer = client_->Post(sample.target, sample.body.dump(), "application/json");
    ASSERT_TRUE(answer);
    const bool creates = sample.target.find("unknown") == std::string::npos;
    EXPECT_EQ(answer->status / 100, creates ? 2 : 4) << sample.target << answer->body;
    // Of a call that nobody knows it is said that nobody knows it, and no more.
    if (!creates) {
      EXPECT_EQ(answer->status, 404) << sample.target << answer->body;
    }
  }
}

TEST_F(CallServerInputTest, EveryTruncationOfEveryRequestIsRefused) {
  for (const Sample& sample : Samples()) {
    const std::string body = sample.body.dump();
    for (std::size_t size = 1; size < body.size(); ++size) {
      Refused(sample.target, body.substr(0, size));
      if (HasFailure()) return;
    }
  }
}

TEST_F(CallServerInputTest, WhatIsNoJsonIsRefusedAndNamed) {
  for (const Sample& sample : Samples()) {
    const std::string body = sample.body.dump();
    for (const std::string& bad : {
             std::string("null"),
             std::string("[]"),
             std::string("3"),
             std::string("\"{}\""),
             std::string("<html></html>"),
             body + body,
             body + "x",
             std::string(1, '\0') + body,
             std::string("\xFF\xFE{}"),                        // Not UTF-8.
             std::string("{\"operationContext\":\"\xC3(\"}"),  // Nor this.
             std::string(100'000, '['),
             std::string(100'000, '{'),
             "{\"a\":" + std::string(5'000, '[') + std::string(5'000, ']') + "}",
         }) {
      EXPECT_NE(Refused(sample.target, bad), "");
    }
  }
}

TEST_F(CallServerInputTest, WhatIsMissingIsNamed) {
  for (const Sample& sample : Samples()) {
    for (const std::string& name : sample.required) {
      json body = sample.body;
      body.erase(name);
      EXPECT_THAT(Refused(sample.target, body.dump()), HasSubstr(name)) << sample.target;
    }
  }
}

// A value of every other type in the place of every member.
TEST_F(CallServerInputTest, WrongTypesAreNamed) {
  const json others[] = {
      json("text"),          json(17), json(1.5), json(true), json::array(), json::object(),
      json::array({json(3)})};
  for (const Sample& sample : Samples()) {
    for (const auto& [name, value] : sample.body.items()) {
      for (const json& other : others) {
        if (other.type() == value.type() && !other.is_array()) continue;
        if (other.is_number() && value.is_number()) continue;
        // An empty list is one, where one may be.
        if (other.empty() && value.is_array()) continue;
        // Lists of words: those that are none are passed over like unknown ones.
        if (name.starts_with("requested") && other.is_array()) continue;
        json body = sample.body;
        body[name] = other;
        const auto answer = client_->Post(sample.target, body.dump(), "application/json");
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->status, 400) << sample.target << " " << body;
        if (answer->status != 400) continue;
        EXPECT_THAT(MessageIn(sample.target, answer->body), HasSubstr(name))
            << sample.target << " " << body;
      }
    }
  }
}

TEST_F(CallServerInputTest, TwoMembersOfOneNameAreRefused) {
  for (const Sample& sample : Samples()) {
    const std::string body = sample.body.dump();
    const std::string twice =
        body.substr(0, body.size() - 1) + ",\"operationContext\":\"1\",\"operationContext\":\"2\"}";
    EXPECT_THAT(Refused(sample.target, twice), HasSubstr("two members of one name"));
  }
}

// The server reads none of it, so the end of the connection may overtake its answer.
TEST_F(CallServerInputTest, ABodyBeyondTheLimitIsRefused) {
  for (const Sample& sample : Samples()) {
    const std::string body = sample.body.dump() + std::string(1 << 20, ' ');
    const auto answer = client_->Post(sample.target, body, "application/json");
    if (!answer) continue;
    EXPECT_EQ(answer->status, 413) << sample.target;
    EXPECT_THAT(answer->body, HasSubstr("at most 1048576 bytes"));
  }
  EXPECT_EQ(server_->stats().creates, 0);
}

TEST_F(CallServerInputTest, PathsThatAreNoneAreRefusedInTheirDialect) {
  for (const std::string target :
       {"/calls/x/Dance", "/calling/calls/x/Dance?api-version=2021-04-15-preview1",
        "/calling/callConnections/x:dance", "/calls//Hangup", "/calls/%zz/Hangup",
        "/calls/../calls/x", "/admin", "/admin/faults/x", "/%2e%2e/%2e%2e/etc/passwd"}) {
    const auto answer = client_->Post(target, "{}", "application/json");
    ASSERT_TRUE(answer) << target;
    EXPECT_EQ(answer->status, 404) << target << answer->body;
    MessageIn(target, answer->body);
  }
  const std::string longest = "/calls/" + std::string(8'000, 'a') + "/Hangup";
  const auto answer = client_->Post(longest, "", "application/json");
  EXPECT_TRUE(!answer || answer->status / 100 == 4);
}

TEST_F(CallServerInputTest, ACallThatHasEndedIsUnknown) {
  const std::string leg = CreatedLeg(Create());
  EXPECT_EQ(Post(wire::HangUpPath(Dialect::k2021_05, leg), "")->status, 202);
  receiver_.WaitForState(wire::CallState::kTerminated, leg);
  for (Sample& sample : SamplesOf2021()) {
    const std::size_t at = sample.target.find("/unknown/");
    if (at == std::string::npos || sample.target.starts_with("/calling/conversations")) continue;
    sample.target.replace(at, 9, "/" + leg + "/");
    const auto answer = client_->Post(sample.target, sample.body.dump(), "application/json");
    EXPECT_EQ(answer->status, 404) << sample.target;
    EXPECT_EQ(wire::DecodeErrorBody(answer->body).code, "8522");
  }
}

class CallServerCredentialsTest : public CallServerTest {
 protected:
  // The headers of a request that is signed as it should be at that time.
  httplib::Headers SignedAt(const std::string& target, const std::string& body, absl::Time at) {
    const wire::RequestSigner signer(Secret(wire::DecodeBase64(kAccessKey).value()));
    const std::string host = "127.0.0.1:" + std::to_string(server_->port());
    httplib::Headers headers;
    for (const auto& [name, value] : signer.Sign(
             {.method = "POST", .path_and_query = target, .host = host, .body = body}, at)) {
      headers.emplace(name, value);
    }
    return headers;
  }

  // A create-call in the words of the dialect; to somebody else each time.
  std::string BodyFor(const std::string& target) {
    const std::string number = "+15555550" + std::to_string(++number_);
    return target == ga::Path({}) ? CreateGaBody(number) : CreateBody(number);
  }

  // What is said of it, in the dialect's own shape, beside the 401.
  std::string Denied(const std::string& target, const httplib::Result& answer) {
    EXPECT_TRUE(answer);
    EXPECT_EQ(answer->status, 401) << answer->body;
    const json error = json::parse(answer->body);
    const bool of_ga = target.starts_with("/calling/callConnections");
    const json& inner = of_ga ? error["error"] : error;
    EXPECT_EQ(inner["code"], "Unauthorized");
    return inner["message"];
  }

  httplib::Result Send(const std::string& target, const std::string& body,
                       const httplib::Headers& headers) {
    return client_->Post(target, headers, body, "application/json");
  }

  const std::vector<std::string> targets_ = {"/calls", wire::CreateCallPath(Dialect::k2021_05),
                                             ga::Path({})};
  int number_ = 100;
};

TEST_F(CallServerCredentialsTest, EachWayOfBeingUnsignedIsNamed) {
  options_.access_key = Secret(kAccessKey);
  Start();
  const absl::Time now = SystemClock().Now();
  for (const std::string& target : targets_) {
    const std::string body = BodyFor(target);
    const auto with = [&](const char* name, const std::string& value) {
      httplib::Headers headers = SignedAt(target, body, now);
      headers.erase(name);
      if (!value.empty()) headers.emplace(name, value);
      return Denied(target, Send(target, body, headers));
    };
    const std::string authorization = SignedAt(target, body, now).find("Authorization")->second;
    std::string forged = authorization;
    forged.back() = forged.back() == '=' ? 'A' : '=';
    EXPECT_THAT(with("Authorization", ""), HasSubstr("Authorization must be HMAC-SHA256"));
    EXPECT_THAT(with("Authorization", "Bearer x"), HasSubstr("HMAC-SHA256"));
    EXPECT_THAT(with("Authorization", forged), HasSubstr("signature does not match"));
    EXPECT_THAT(with("x-ms-date", ""), HasSubstr("x-ms-date is missing"));
    EXPECT_THAT(with("x-ms-date", "yesterday"), HasSubstr("x-ms-date"));
    EXPECT_THAT(with("x-ms-date", wire::FormatRfc1123(now + absl::Seconds(1))),
                HasSubstr("signature does not match"));
    EXPECT_THAT(with("x-ms-content-sha256", ""), HasSubstr("x-ms-content-sha256"));
    EXPECT_THAT(with("x-ms-content-sha256", wire::Base64(wire::Sha256("x"))),
                HasSubstr("not the hash of the body"));
    EXPECT_THAT(Denied(target, Send(target, body + " ", SignedAt(target, body, now))),
                HasSubstr("not the hash of the body"));
    EXPECT_THAT(Denied(target, Send(target, body, SignedAt(target + "x", body, now))),
                HasSubstr("signature does not match"));
  }
}

TEST_F(CallServerCredentialsTest, ClocksMayBeAQuarterOfAnHourApart) {
  options_.access_key = Secret(kAccessKey);
  Start();
  const absl::Time now = SystemClock().Now();
  for (const std::string& target : targets_) {
    for (const int sign : {-1, 1}) {
      const std::string body = BodyFor(target);
      const auto off = [&](absl::Duration by) {
        return Send(target, body, SignedAt(target, body, now + sign * by));
      };
      EXPECT_EQ(off(absl::Minutes(14))->status / 100, 2);
      EXPECT_THAT(Denied(target, off(absl::Minutes(17))), HasSubstr("15 minutes"));
    }
  }
}

TEST_F(CallServerCredentialsTest, ATokenStandsForASignature) {
  options_.bearer_token = Secret("the token of this server");
  const httplib::Headers token = {{"Authorization", "Bearer the token of this server"}};
  Start();
  for (const std::string& target : targets_) {
    const std::string body = BodyFor(target);
    EXPECT_EQ(Send(target, body, token)->status / 100, 2);
    for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer the token of this serve",
                              "Bearer the token of this server2", "bearer the token of this server",
                              "Basic the token of this server"}) {
      httplib::Headers headers;
      if (*wrong != '\0') headers.emplace("Authorization", wrong);
      EXPECT_THAT(Denied(target, Send(target, body, headers)), HasSubstr("bearer token")) << wrong;
    }
    EXPECT_THAT(Denied(target, Send(target, body, SignedAt(target, body, SystemClock().Now()))),
                HasSubstr("bearer token"));
  }
}

TEST_F(CallServerCredentialsTest, WhereThereAreBothEitherWillDo) {
  options_.access_key = Secret(kAccessKey);
  options_.bearer_token = Secret("the token of this server");
  Start();
  for (const std::string& target : targets_) {
    const std::string one = BodyFor(target);
    EXPECT_EQ(
        Send(target, one, {{"Authorization", "Bearer the token of this server"}})->status / 100, 2);
    const std::string other = BodyFor(target);
    EXPECT_EQ(Send(target, other, SignedAt(target, other, SystemClock().Now()))->status / 100, 2);
    EXPECT_THAT(Denied(target, Send(target, one, {{"Authorization", "Bearer x"}})),
                HasSubstr("bearer token"));
    EXPECT_THAT(Denied(target, Send(target, one, {})), HasSubstr("HMAC-SHA256"));
  }
}

}  // namespace
}  // namespace tocsin::callserver
