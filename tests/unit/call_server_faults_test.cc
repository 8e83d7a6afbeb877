// The call server in bad weather: every fault that it can be asked for, over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/unit/call_server_fixture.h"
#include "wire/json_web_token.h"

namespace tocsin::callserver {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr char kFaultsTarget[] = "/admin/faults";

class CallServerFaultsTest : public CallServerTest {
 protected:
  // The ledger's lines of that kind.
  template <class Entry>
  std::vector<Entry> Lines() {
    std::vector<Entry> found;
    std::ifstream file(ledger_);
    for (std::string text; std::getline(file, text);) {
      const auto line = ParseLedgerLine(text);
      EXPECT_TRUE(line.ok()) << text;
      if (const auto* entry = std::get_if<Entry>(&line->entry)) found.push_back(*entry);
    }
    return found;
  }

  json Report(const httplib::Result& result, int status = 200) {
    EXPECT_TRUE(result);
    EXPECT_EQ(result->status, status) << result->body;
    return json::parse(result->body);
  }
  json Put(const json& faults) {
    return Report(client_->Put(kFaultsTarget, faults.dump(), "application/json"));
  }
};

TEST_F(CallServerFaultsTest, EveryFaultOfACreateCallInItsTurn) {
  const Fault kinds[] = {Fault::kThrottled, Fault::kErrorBefore, Fault::kErrorAfter,
                         Fault::kNoAnswer,  Fault::kSlow,        Fault::kAfterCallbacks,
                         Fault::kHtml};
  const int statuses[] = {429, 500, 500, 200, 200, 200, 200};
  options_.faults.hang = options_.faults.slow = absl::Milliseconds(1);
  Start();
  int number = 100;
  for (std::size_t i = 0; i < std::size(kinds); ++i) {
    FaultPlan plan = options_.faults;
    plan[kinds[i]] = {.every = 1};
    Put(json::parse(FaultPlanJson(plan)));
    EXPECT_EQ(Create("+15555550" + std::to_string(++number))->status, statuses[i]);
  }
  Stop();

  std::vector<std::string> faults;
  std::vector<int> answered;
  for (const CreateArrived& create : Lines<CreateArrived>()) {
    faults.push_back(create.fault);
    answered.push_back(create.status);
  }
  EXPECT_THAT(faults, testing::ElementsAre("throttled", "error_before", "error_after", "no_answer",
                                           "slow", "after_callbacks", "html"));
  EXPECT_THAT(answered, testing::ElementsAre(429, 500, 500, 0, 200, 200, 200));
  EXPECT_EQ(AuditIt().calls, 4);
}

TEST_F(CallServerFaultsTest, Says429WithWhenToComeBackOrWithout) {
  options_.faults[Fault::kThrottled] = {.every = 1};
  options_.faults.retry_after = absl::Seconds(90);
  Start();
  EXPECT_FALSE(Create()->has_header("Retry-After"));

  Put({{"create",
        {{"throttled", {{"every", 1}}}, {"retry_after", "seconds"}, {"retry_after_s", 1.2}}}});
  EXPECT_EQ(Create()->get_header_value("Retry-After"), "2");
  EXPECT_EQ(CreateGa()->get_header_value("Retry-After"), "2");

  Put({{"create",
        {{"throttled", {{"every", 1}}}, {"retry_after", "date"}, {"retry_after_s", 90}}}});
  const auto date = wire::ParseRfc1123(Create()->get_header_value("Retry-After"));
  ASSERT_TRUE(date.ok()) << date.status();
  EXPECT_NEAR(absl::ToDoubleSeconds(*date - SystemClock().Now()), 90, 30);
}

TEST_F(CallServerFaultsTest, ErrorsBeforeAndAfterSpeakTheDialect) {
  options_.faults[Fault::kErrorBefore] = {.every = 2};
  options_.faults[Fault::kErrorAfter] = {.every = 1};
  Start();
  EXPECT_EQ(wire::DecodeErrorBody(Create()->body).code, "InternalError");
  EXPECT_EQ(wire::DecodeErrorBody(Create("+15555550101")->body).code, "InternalError");
  EXPECT_EQ(ga::DecodeError(CreateGa()->body).code, "InternalError");
  EXPECT_EQ(ga::DecodeError(CreateGa()->body).code, "InternalError");
  Stop();
  EXPECT_EQ(AuditIt().calls, 2);
}

// It establishes a third of a second later: without the fault it would be answered first.
TEST_F(CallServerFaultsTest, AnAnswerComesAfterTheCallsCallbacks) {
  options_.population.provider.setup_s = 60;
  options_.faults[Fault::kAfterCallbacks] = {.every = 2};
  Start();
  CreatedLeg(Create());
  const std::size_t before = receiver_.count();
  CreatedLeg(Create("+15555550101"));
  EXPECT_EQ(before, 0U);
  EXPECT_GE(receiver_.count(), 1U);
  CreatedGa(CreateGa());
  const std::string late = CreatedGa(CreateGa());
  const auto of_late = [&late](const wire::Event& event) { return wire::CallLegId(event) == late; };
  EXPECT_FALSE(receiver_.WaitFor(0, of_late).empty());
}

TEST_F(CallServerFaultsTest, LostDuplicatedAndStrangeCallbacks) {
  options_.faults[Fault::kLost] = {.every = 3};
  options_.faults[Fault::kDuplicated] = {.every = 2};
  options_.faults[Fault::kUnknown] = {.every = 2};
  options_.faults[Fault::kGarbage] = {.every = 2};
  Start();
  const std::string leg = CreatedLeg(Create());
  receiver_.WaitForState(wire::CallState::kEstablished);
  EXPECT_EQ(Post(wire::HangUpPath(Dialect::k2021_05, leg), "")->status, 202);
  // Establishing; Established twice; not Terminating; Terminated twice; before
  // the second and the fourth something unknown.
  const auto events = receiver_.WaitFor(7);
  const auto is_unknown = [](const wire::Event& event) {
    return std::holds_alternative<wire::UnknownEvent>(event.body);
  };
  EXPECT_EQ(std::count_if(events.begin(), events.end(), is_unknown), 2);
  EXPECT_EQ(receiver_.garbage(), 2U);
  const json report = Report(client_->Get(kFaultsTarget));
  EXPECT_EQ(report["counts"]["callbacks"]["lost"]["times"], 1);
  EXPECT_EQ(report["counts"]["callbacks"]["lost"]["chances"], 4);
  Stop();

  std::map<std::string, int> by_fault;
  for (const CallbackDone& done : Lines<CallbackDone>()) {
    ++by_fault[done.fault + (done.dropped ? "!" : "")];
    if (done.fault == "lost") {
      EXPECT_EQ(done.state, "Terminating");
    }
  }
  EXPECT_EQ(by_fault,
            (std::map<std::string, int>{
                {"", 3}, {"lost!", 1}, {"duplicated", 2}, {"unknown", 2}, {"garbage!", 2}}));
}

// Two hours of the simulated world are a fifth of a second here.
TEST_F(CallServerFaultsTest, ACallbackComesHoursLate) {
  options_.time_scale = 36'000;
  options_.faults[Fault::kDelayed] = {.every = 1, .at_most = 1};
  options_.faults.delay_min = options_.faults.delay_max = absl::Hours(2);
  Start();
  const std::string leg = CreatedLeg(Create());
  receiver_.WaitForState(wire::CallState::kEstablished);
  Post(wire::HangUpPath(Dialect::k2021_05, leg), "");
  const auto events = receiver_.WaitFor(4);
  EXPECT_EQ(std::get<wire::CallStateChanged>(events[3].body).state, wire::CallState::kEstablishing);
}

TEST_F(CallServerFaultsTest, ACallThatNeverEndsObeysAHangUp) {
  options_.faults[Fault::kNeverEnds] = {.every = 1, .at_most = 1};
  Start();
  const std::string leg = CreatedLeg(Create());
  receiver_.WaitForState(wire::CallState::kEstablished, leg);
  EXPECT_EQ(Post(wire::HangUpPath(Dialect::k2021_05, leg), "")->status, 202);
  receiver_.WaitForState(wire::CallState::kTerminated, leg);
  CreatedLeg(Create());
  Stop();
  const auto creates = Lines<CreateArrived>();
  EXPECT_TRUE(creates.at(0).never_ends);
  EXPECT_FALSE(creates.at(1).never_ends);
}

TEST_F(CallServerFaultsTest, ACallerNumberHasTwoCallsAtOnceUnlessToldOtherwise) {
  options_.time_scale = 1;
  options_.population.provider = DefaultPopulation().provider;
  Start();
  std::vector<std::string> legs;
  for (int i = 1; i <= 3; ++i)
    legs.push_back(CreatedGa(CreateGa({}, "+1555555010" + std::to_string(i))));
  const auto failed = receiver_.WaitForGa(ga::EventType::kCreateCallFailed);
  EXPECT_EQ(failed.call_connection_id, legs[2]);
  EXPECT_EQ(failed.result->code, 603);
  EXPECT_EQ(failed.result->subcode, 560'603);

  Put({{"limits", {{"caller_number_calls_max", 3}, {"calls_max", 3}}}});
  CreatedGa(CreateGa({}, "+15555550104"));
  const auto full = CreateGa({}, "+15555550105");
  EXPECT_EQ(full->status, 429);
  EXPECT_EQ(ga::DecodeError(full->body).code, "8530");
  Stop();
  std::vector<std::string> reasons;
  for (const CallEnded& ended : Lines<CallEnded>()) reasons.push_back(ended.reason);
  EXPECT_THAT(reasons, testing::ElementsAre("caller_limit"));
}

TEST_F(CallServerFaultsTest, TheOptionForCallerNumbersGoesBeforeThePopulation) {
  options_.time_scale = 1;
  options_.caller_number_calls_max = 1;
  Start();
  CreatedGa(CreateGa({}, "+15555550101"));
  const std::string second = CreatedGa(CreateGa({}, "+15555550102"));
  EXPECT_EQ(receiver_.WaitForGa(ga::EventType::kCreateCallFailed).call_connection_id, second);
}

TEST_F(CallServerFaultsTest, FaultsAreAskedAndSetWhileItRuns) {
  Start();
  const json before = Report(client_->Get(kFaultsTarget));
  EXPECT_EQ(before["faults"]["create"]["html"], json::object());
  EXPECT_EQ(before["counts"]["create"]["html"]["chances"], 0);

  const json after = Put({{"create", {{"html", {{"every", 1}, {"at_most", 1}}}}}});
  EXPECT_EQ(after["faults"]["create"]["html"]["every"], 1);
  EXPECT_FALSE(wire::DecodeCreateCallResponse(Create()->body).ok());
  CreatedLeg(Create());
  EXPECT_EQ(Report(client_->Get(kFaultsTarget))["counts"]["create"]["html"]["times"], 1);

  // What is given can be sent back; PATCH changes what it names, PUT everything.
  Put(after["faults"]);
  const auto patched = Report(client_->Patch(kFaultsTarget, R"({"seed":5})", "application/json"));
  EXPECT_EQ(patched["faults"]["create"]["html"]["every"], 1);
  EXPECT_EQ(patched["faults"]["seed"], 5);
  EXPECT_EQ(Put(json::object())["faults"]["create"]["html"], json::object());
  Stop();
  EXPECT_EQ(Lines<FaultsSet>().size(), 4U);
}

TEST_F(CallServerFaultsTest, WhatIsNoPlanIsRefusedAndChangesNothing) {
  options_.faults[Fault::kHtml] = {.every = 7};
  Start();
  for (const auto& [body, complaint] : std::vector<std::pair<std::string, std::string>>{
           {"", "not JSON"},
           {"[]", "must be an object"},
           {R"({"create":{"html":{"every":"2"}}})", "create.html.every must be a whole number"},
           {R"({"create":{"htlm":{}},"x":1})", "there is no create.htlm"},
           {R"({"create":{"htlm":{}},"x":1})", "there is no section 'x'"},
           {R"({"seed":1,"seed":2})", "two members of one name"},
           {std::string(10'000, '['), "nested deeper"},
           {"\"\xC3\x28\"", "UTF-8"},
       }) {
    const auto refused = client_->Put(kFaultsTarget, body, "application/json");
    EXPECT_EQ(refused->status, 400) << body;
    EXPECT_THAT(wire::DecodeErrorBody(refused->body).message, HasSubstr(complaint));
  }
  EXPECT_EQ(Report(client_->Get(kFaultsTarget))["faults"]["create"]["html"]["every"], 7);
  const auto deleted = client_->Delete(kFaultsTarget);
  EXPECT_EQ(deleted->status, 405);
  EXPECT_EQ(deleted->get_header_value("Allow"), "GET, PUT, PATCH");
}

TEST_F(CallServerFaultsTest, FaultsAreForThisMachineAlone) {
  Start();
  for (const char* header : {"X-Forwarded-For", "Forwarded", "Via"}) {
    EXPECT_EQ(client_->Get(kFaultsTarget, {{header, "for=192.0.2.1"}})->status, 403) << header;
  }
}

TEST_F(CallServerFaultsTest, TokensExpireAndKeysGoOnRequest) {
  using wire::TokenVerdict;
  options_.faults[Fault::kTokenExpired] = {.every = 2, .at_most = 1};
  Start();
  const auto verdict = [this](const std::string& authorization, const wire::TokenKeys& keys) {
    return keys.Verify(authorization.substr(7), options_.callback_issuer, options_.resource_id,
                       SystemClock().Now());
  };
  const auto keys_now = [this] {
    return wire::TokenKeys::Parse(client_->Get("/calling/keys")->body).value();
  };
  CreatedGa(CreateGa());
  receiver_.WaitFor(2);  // CallConnected, ParticipantsUpdated.
  const wire::TokenKeys first = keys_now();
  EXPECT_EQ(verdict(receiver_.authorizations()[0], first), TokenVerdict::kGood);
  EXPECT_EQ(verdict(receiver_.authorizations()[1], first), TokenVerdict::kExpired);

  // A new key, and the old one is published still.
  Put({{"tokens", {{"key_rotated", {{"every", 1}, {"at_most", 1}}}}}});
  std::size_t come = receiver_.count();
  CreatedGa(CreateGa({}, "+15555550101"));
  receiver_.WaitFor(come + 2);
  EXPECT_EQ(keys_now().size(), 2U);
  EXPECT_EQ(verdict(receiver_.authorizations()[come], first), TokenVerdict::kUnknownKey);
  EXPECT_EQ(verdict(receiver_.authorizations()[come], keys_now()), TokenVerdict::kGood);
  EXPECT_EQ(verdict(receiver_.authorizations()[0], keys_now()), TokenVerdict::kGood);

  // The key of that one is not published any more.
  client_->Put(kFaultsTarget, R"({"tokens":{"key_withdrawn":{"every":1,"at_most":1}}})",
               "application/json");
  const wire::TokenKeys second = keys_now();
  come = receiver_.count();
  CreatedGa(CreateGa({}, "+15555550102"));
  receiver_.WaitFor(come + 2);
  EXPECT_EQ(keys_now().size(), 1U);
  const std::string withdrawn = receiver_.authorizations()[come];
  EXPECT_EQ(verdict(withdrawn, second), TokenVerdict::kGood);
  EXPECT_EQ(verdict(withdrawn, keys_now()), TokenVerdict::kUnknownKey);
}

TEST_F(CallServerFaultsTest, TheKeysCannotBeHad) {
  options_.faults[Fault::kKeysFail] = {.every = 2};
  Start();
  for (const int status : {200, 500, 200, 500}) {
    EXPECT_EQ(client_->Get("/calling/keys")->status, status);
  }
  EXPECT_EQ(client_->Get("/calling/.well-known/acsopenidconfiguration")->status, 200);
  EXPECT_EQ(client_->Get("/calling/.well-known/acsopenidconfiguration")->status, 500);
}

}  // namespace
}  // namespace tocsin::callserver
