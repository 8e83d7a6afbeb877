#include "dialer/http_call_gateway.h"

#include <future>

#include "base/http_server.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/certificates.h"
#include "tests/support/scripted_server.h"
#include "tests/support/tls_server.h"
#include "wire/calls_2021.h"

namespace tocsin::dialer {
namespace {

using Then = ScriptedServer::Then;
using Reaction = ScriptedServer::Reaction;
using testing::HasSubstr;
using testing::Not;

constexpr char kAccepted[] = R"({"callLegId":"leg-1"})";

ConnectionPool::Options QuickTimeouts() {
  return {.timeouts = {.connect = absl::Milliseconds(300),
                       .write = absl::Milliseconds(300),
                       .read = absl::Milliseconds(300),
                       .request = absl::Milliseconds(600)}};
}

wire::CallbackSigner Signer() {
  return *wire::CallbackSigner::Create({{"k1", Secret("0123456789abcdef")}});
}

// Lets everything pass, and counts.
class OpenPermit final : public SendPermit {
 public:
  std::optional<absl::Time> Acquire(const CreateCallRequest&) override {
    ++asked;
    if (before) before();
    if (refuses) return std::nullopt;
    return SystemClock().Now();
  }
  std::atomic<int> asked{0};
  bool refuses = false;
  std::function<void()> before;
};

// HEADs are answered well; what becomes of the POST is the test's.
ScriptedServer::React Posts(Reaction reaction) {
  return [reaction](std::string_view request) {
    if (!request.starts_with("POST")) return Reaction{ScriptedServer::Answer(200, "")};
    return reaction;
  };
}

Trunk TrunkAt(const std::string& endpoint) {
  Trunk trunk;
  trunk.endpoint = endpoint;
  return trunk;
}

CreateCallRequest Request() {
  return {{CampaignId(7), AttemptId(8)},
          *PhoneNumber::Parse("+12025550123"),
          *PhoneNumber::Parse("+12025550199"),
          3};
}

class HttpCallGatewayTest : public testing::Test {
 protected:
  CreateCallCompletion Send(const Trunk& trunk, const CreateCallRequest& request = Request()) {
    std::promise<CreateCallCompletion> told;
    gateway_.Send(trunk, request, permit_,
                  [&told](CreateCallCompletion done) { told.set_value(std::move(done)); });
    return told.get_future().get();
  }
  CreateCallCompletion Send(const ScriptedServer& server) {
    return Send(TrunkAt(server.endpoint()));
  }
  // What a POST answered with `reaction` comes to.
  CreateCallResult ResultOf(Reaction reaction) {
    const ScriptedServer server(Posts(std::move(reaction)));
    CreateCallResult result = Send(server).result;
    pool_.CloseIdle();
    return result;
  }
  CreateCallResult ResultOf(int status, std::string_view body, std::string_view headers = "") {
    return ResultOf(Reaction{ScriptedServer::Answer(status, body, headers)});
  }

  OpenPermit permit_;
  ConnectionPool pool_{QuickTimeouts(), SystemClock()};
  Credentials credentials_{[](const std::string& name) -> std::optional<std::string> {
                             if (name != "KEY") return std::nullopt;
                             return "YnVsay1kaWFsZXItdGVzdC1rZXktMDEyMzQ1Njc4OSE=";
                           },
                           SystemClock()};
  HttpCallGateway gateway_{{.workers = 4, .callback_base_url = "http://127.0.0.1:9"},
                           Signer(),
                           pool_,
                           credentials_,
                           SystemClock()};
};

TEST_F(HttpCallGatewayTest, AcceptedCarriesTheProvidersId) {
  const ScriptedServer server(Posts({ScriptedServer::Answer(201, kAccepted)}));
  const absl::Time before = SystemClock().Now();
  const CreateCallCompletion done = Send(server);

  ASSERT_TRUE(std::holds_alternative<CallAccepted>(done.result));
  EXPECT_EQ(std::get<CallAccepted>(done.result).call, "leg-1");
  EXPECT_EQ(done.attempt, Request().attempt);
  EXPECT_EQ(done.send_no, 3);
  EXPECT_LE(before, done.sent_at);
  EXPECT_LE(done.sent_at, done.answered_at);
}

TEST_F(HttpCallGatewayTest, InGaARepetitionIsTheSameRequestOnTheWire) {
  const ScriptedServer server(
      Posts({ScriptedServer::Answer(201, R"({"callConnectionId":"con-1"})")}));
  Trunk trunk = TrunkAt(server.endpoint());
  trunk.dialect = Dialect::kGa;
  CreateCallRequest request = Request();
  request.intended_at = absl::FromUnixSeconds(1'620'245'319);
  const CreateCallCompletion first = Send(trunk, request);
  const std::string sent = server.LastRequest("POST");
  request.repetition = 2;
  const CreateCallCompletion again = Send(trunk, request);

  EXPECT_EQ(std::get<CallAccepted>(first.result).call, "con-1");
  EXPECT_EQ(first.repetition, 0);
  EXPECT_EQ(again.repetition, 2);
  EXPECT_THAT(sent, HasSubstr("Repeatability-First-Sent: Wed, 05 May 2021 20:08:39 GMT"));
  EXPECT_THAT(sent, HasSubstr("Repeatability-Request-ID: "));
  EXPECT_EQ(server.LastRequest("POST"), sent);
}

TEST_F(HttpCallGatewayTest, TheLimitOfAMonthIsNotWaitedOut) {
  const auto throttled = [&](std::string_view body) {
    return std::get<CallThrottled>(ResultOf(429, body)).until_looked_at;
  };
  EXPECT_TRUE(throttled(R"({"error":{"code":"8529","message":"limit"}})"));
  EXPECT_FALSE(throttled(R"({"error":{"code":"8516","message":"slow down"}})"));
  EXPECT_FALSE(throttled(""));
}

TEST_F(HttpCallGatewayTest, TheRequestSaysWhoIsRungByWhomAndWhereToReport) {
  const ScriptedServer server(Posts({ScriptedServer::Answer(200, kAccepted)}));
  Trunk trunk = TrunkAt(server.endpoint());
  trunk.credential = {CredentialKind::kAccessKey, "env:KEY"};
  Send(trunk);

  const std::string request = server.LastRequest("POST");
  EXPECT_THAT(request, HasSubstr("POST /calling/calls?api-version="));
  EXPECT_THAT(request, HasSubstr("Authorization: HMAC-SHA256 "));
  EXPECT_THAT(request, HasSubstr(fmt::format("Host: 127.0.0.1:{}\r\n", server.port())));
  const auto body =
      wire::DecodeCreateCallRequest(std::string_view(request).substr(request.find("\r\n\r\n") + 4));
  ASSERT_TRUE(body.ok()) << body.status();
  EXPECT_EQ(body->targets, (std::vector{wire::Identifier::PhoneNumber("+12025550123")}));
  EXPECT_EQ(body->caller_number, "+12025550199");
  EXPECT_THAT(body->callback_uri, HasSubstr("http://127.0.0.1:9/callbacks/7/8?k=k1&s="));
}

TEST_F(HttpCallGatewayTest, ATrunkSaysWhichApiVersionIsSpoken) {
  const ScriptedServer server(Posts({ScriptedServer::Answer(200, kAccepted)}));
  Trunk trunk = TrunkAt(server.endpoint());
  trunk.api_version = "2021-06-15-preview";
  Send(trunk);
  EXPECT_THAT(server.LastRequest("POST"),
              HasSubstr("POST /calling/calls?api-version=2021-06-15-preview HTTP/1.1"));
}

TEST_F(HttpCallGatewayTest, WithoutItsSecretNothingLeavesForATrunkNorDoesAProbeSucceed) {
  const ScriptedServer server(Posts({ScriptedServer::Answer(200, kAccepted)}));
  Trunk trunk = TrunkAt(server.endpoint());
  trunk.credential = {CredentialKind::kAccessKey, "env:GONE"};
  const CreateCallCompletion done = Send(trunk);

  ASSERT_TRUE(std::holds_alternative<CallNotSent>(done.result));
  EXPECT_THAT(std::get<CallNotSent>(done.result).reason, HasSubstr("GONE is not set"));
  EXPECT_EQ(server.Requests("POST"), 0);
  EXPECT_EQ(permit_.asked, 0);
  EXPECT_THAT(std::string(gateway_.Probe(trunk).message()), HasSubstr("GONE is not set"));
}

TEST_F(HttpCallGatewayTest, EveryAnswerLeadsSomewhere) {
  EXPECT_TRUE(std::holds_alternative<CallAccepted>(ResultOf(200, kAccepted)));
  EXPECT_TRUE(std::holds_alternative<CallOutcomeUnknown>(ResultOf(200, "")));
  EXPECT_TRUE(std::holds_alternative<CallOutcomeUnknown>(ResultOf(200, "<html>")));
  EXPECT_TRUE(std::holds_alternative<CallOutcomeUnknown>(ResultOf(202, R"({"callLegId":""})")));
  EXPECT_TRUE(std::holds_alternative<CallOutcomeUnknown>(ResultOf(500, "")));
  EXPECT_TRUE(std::holds_alternative<CallOutcomeUnknown>(ResultOf(502, "<html>Bad Gateway")));
  EXPECT_TRUE(std::holds_alternative<CallOutcomeUnknown>(ResultOf(503, "")));
}

TEST_F(HttpCallGatewayTest, ThrottledSaysHowLongToWait) {
  const auto wait = [&](int status, std::string_view headers) {
    const CreateCallResult result = ResultOf(status, "", headers);
    EXPECT_TRUE(std::holds_alternative<CallThrottled>(result)) << status << headers;
    return std::get<CallThrottled>(result).retry_after;
  };
  EXPECT_EQ(wait(429, ""), absl::ZeroDuration());
  EXPECT_EQ(wait(429, "Retry-After: 7\r\n"), absl::Seconds(7));
  EXPECT_EQ(wait(429, "x-ms-retry-after-ms: 250\r\n"), absl::Milliseconds(250));
  EXPECT_EQ(wait(503, "Retry-After: 2\r\n"), absl::Seconds(2));
  EXPECT_EQ(wait(429, "Retry-After: soon\r\n"), absl::ZeroDuration());
  EXPECT_EQ(wait(429, "Retry-After: 1e18\r\n"), absl::Hours(1));
  EXPECT_EQ(wait(429, "Retry-After: Wed, 05 May 2021 20:08:39 GMT\r\n"), absl::ZeroDuration());
}

TEST_F(HttpCallGatewayTest, RefusalsKeepTheReasonButNoNumber) {
  const auto refusal = [&](int status, std::string_view body, std::string_view headers = "") {
    const CreateCallResult result = ResultOf(status, body, headers);
    EXPECT_TRUE(std::holds_alternative<CallRefused>(result)) << status;
    return std::get<CallRefused>(result);
  };
  const CallRefused bad = refusal(400, R"({"code":"8523","message":"+12025550123 is wrong"})");
  EXPECT_EQ(bad.code, 400);
  EXPECT_EQ(bad.reason, "8523: +*** is wrong");
  EXPECT_EQ(refusal(401, R"({"error":{"code":"Denied","message":"no"}})").reason, "Denied: no");
  EXPECT_EQ(refusal(404, "<html>not here</html>").reason, "answered 404");
  EXPECT_EQ(refusal(302, "", "Location: http://127.0.0.1:1/\r\n").code, 302);
}

TEST_F(HttpCallGatewayTest, WhatLeftWithoutAWholeAnswerIsUnknown) {
  const Reaction cases[] = {
      {"", Then::kHold},
      {"", Then::kClose},
      {"", Then::kReset},
      {"HTTP/1.1 20", Then::kClose},
      {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"callLegId\"", Then::kClose},
      {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"callLegId\"", Then::kHold},
      {"HTTP/1.1 200 OK\r\nX-", Then::kDrip},
      {"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", Then::kDrip},
      {"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x')},
      {"nonsense\r\n\r\n", Then::kClose},
  };
  for (const Reaction& reaction : cases) {
    const ScriptedServer server(Posts(reaction));
    const CreateCallCompletion done = Send(server);
    EXPECT_TRUE(std::holds_alternative<CallOutcomeUnknown>(done.result))
        << reaction.bytes.substr(0, 60) << " result " << done.result.index();
    EXPECT_EQ(server.Requests("POST"), 1) << "repeated";
    EXPECT_LT(done.answered_at - done.sent_at, absl::Seconds(2)) << reaction.bytes.substr(0, 60);
    // The connection is not used again.
    Send(server);
    EXPECT_EQ(server.connections(), 2);
    pool_.CloseIdle();
  }
}

TEST_F(HttpCallGatewayTest, NothingLeavesWhereNobodyAnswers) {
  std::string endpoint;
  {
    const ScriptedServer gone(Posts({""}));
    endpoint = gone.endpoint();
  }
  EXPECT_TRUE(std::holds_alternative<CallNotSent>(Send(TrunkAt(endpoint)).result));
  EXPECT_TRUE(std::holds_alternative<CallNotSent>(Send(TrunkAt("nonsense")).result));
  const ScriptedServer silent([](std::string_view) { return Reaction{"", Then::kHold}; });
  EXPECT_TRUE(std::holds_alternative<CallNotSent>(Send(silent).result));
  const ScriptedServer closing([](std::string_view) { return Reaction{"", Then::kClose}; });
  EXPECT_TRUE(std::holds_alternative<CallNotSent>(Send(closing).result));
  EXPECT_EQ(permit_.asked, 0);
}

TEST_F(HttpCallGatewayTest, AConnectionIsUsedAgain) {
  const ScriptedServer server(Posts({ScriptedServer::Answer(200, kAccepted)}));
  for (int i = 0; i < 10; ++i) Send(server);
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(server.Requests("HEAD"), 1);
  EXPECT_EQ(server.Requests("POST"), 10);
}

TEST_F(HttpCallGatewayTest, AServerThatKeepsNothingOpenIsStillServed) {
  const ScriptedServer server([](std::string_view request) {
    const bool post = request.starts_with("POST");
    return Reaction{ScriptedServer::Answer(200, post ? kAccepted : "", "Connection: close\r\n"),
                    Then::kClose};
  });
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(std::holds_alternative<CallAccepted>(Send(server).result)) << i;
  }
}

TEST_F(HttpCallGatewayTest, AConnectionThatDiesWhileWaitingForThePermitIsNotReplaced) {
  ScriptedServer server(Posts({ScriptedServer::Answer(200, kAccepted)}));
  Send(server);
  permit_.before = [&server] { server.HangUp(false); };
  const CreateCallCompletion done = Send(server);

  EXPECT_TRUE(std::holds_alternative<CallNotSent>(done.result));
  EXPECT_EQ(server.Requests("POST"), 1);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpCallGatewayTest, ARefusedPermitSendsNothing) {
  const ScriptedServer server(Posts({ScriptedServer::Answer(200, kAccepted)}));
  permit_.refuses = true;
  EXPECT_TRUE(std::holds_alternative<CallNotSent>(Send(server).result));
  EXPECT_EQ(server.Requests("POST"), 0);
}

TEST_F(HttpCallGatewayTest, ProbeIsContentWithAnyAnswer) {
  const ScriptedServer server(
      [](std::string_view) { return Reaction{ScriptedServer::Answer(404, "")}; });
  EXPECT_TRUE(gateway_.Probe(TrunkAt(server.endpoint())).ok());
  const ScriptedServer silent([](std::string_view) { return Reaction{"", Then::kHold}; });
  EXPECT_EQ(gateway_.Probe(TrunkAt(silent.endpoint())).code(), absl::StatusCode::kUnavailable);
}

TEST_F(HttpCallGatewayTest, ACertificateNobodyVouchesForIsNotSpokenTo) {
  const TlsServer server(kAccepted);
  const CreateCallCompletion done = Send(TrunkAt(server.endpoint()));
  ASSERT_TRUE(std::holds_alternative<CallNotSent>(done.result));
  EXPECT_THAT(std::get<CallNotSent>(done.result).reason, HasSubstr("not trusted"));
  EXPECT_EQ(permit_.asked, 0);
}

// The handshake is over before the permit is taken: what leaves then is the request.
TEST(HttpCallGateway, IsConnectedOverTlsBeforeItSendsToAServerThatKeepsNothingOpen) {
  const TestAuthority authority;
  std::atomic<int> heads{0}, posts{0};
  auto certificate = ServedCertificate::Open("test", authority.Issue("server"), SystemClock());
  ASSERT_TRUE(certificate.ok());
  auto server = HttpServer::Start({.certificate = *certificate}, [&](const HttpRequest& request) {
    ++(request.method == "POST" ? posts : heads);
    return HttpResponse{.body = kAccepted, .headers = {{"Connection", "close"}}};
  });
  ASSERT_TRUE(server.ok());
  ConnectionPool pool({.ca_file = authority.ca_file()}, SystemClock());
  for (int i = 0; i < 3; ++i) {
    auto loan = pool.Borrow(fmt::format("https://127.0.0.1:{}", (*server)->port()));
    ASSERT_TRUE(loan.ok()) << loan.status();

    // Nobody can connect any more; who has a connection can still use it.
    if (i == 2) authority.Issue("server", {.hosts = {"other.example"}});
    const HttpResult result = loan->Send({"POST", "/calling/calls", {}, "{}"});

    EXPECT_TRUE(std::holds_alternative<HttpAnswer>(result)) << i;
  }
  EXPECT_EQ(posts, 3);
  EXPECT_EQ(heads, 1);
}

TEST(HttpCallGateway, SpeaksTlsAndOutlivesTheServersIdleTimeout) {
  const TlsServer server(kAccepted);
  ConnectionPool::Options options = QuickTimeouts();
  options.ca_file = server.ca_file();
  options.timeouts.idle = absl::Hours(1);
  ConnectionPool pool(options, SystemClock());
  for (int i = 0; i < 3; ++i) {
    auto loan = pool.Borrow(server.endpoint());
    ASSERT_TRUE(loan.ok()) << loan.status();
    // The server says goodbye to an idle connection after a second.
    if (i == 1) SystemClock().SleepUntil(SystemClock().Steady() + std::chrono::seconds(2), {});
    const HttpResult result = loan->Send({"POST", "/calling/calls", {}, "{}"});
    if (i == 1) {
      EXPECT_TRUE(std::holds_alternative<HttpNotSent>(result));
    } else {
      EXPECT_TRUE(std::holds_alternative<HttpAnswer>(result)) << i;
    }
  }
  EXPECT_EQ(server.posts(), 2);
}

TEST_F(HttpCallGatewayTest, EverySendCompletesOnceEvenWhenStoppedInBetween) {
  const ScriptedServer server(Posts({ScriptedServer::Answer(200, kAccepted)}));
  const Trunk trunk = TrunkAt(server.endpoint());
  std::atomic<int> completed{0};
  std::thread sender([&] {
    for (int i = 0; i < 500; ++i) {
      gateway_.Send(trunk, Request(), permit_, [&](CreateCallCompletion) { ++completed; });
    }
  });
  gateway_.Stop();
  sender.join();
  EXPECT_EQ(completed, 500);
  EXPECT_EQ(server.Requests("POST"), permit_.asked);
}

}  // namespace
}  // namespace tocsin::dialer
