#include "dialer/event_receiver.h"

#include <future>

#include "base/status_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/http_answer.h"
#include "tests/support/recording_store.h"
#include "wire/events.h"
#include "wire/json_web_token.h"

namespace tocsin::dialer {
namespace {

const AttemptKey kAttempt{CampaignId(7), AttemptId(8)};

wire::CallbackSigner Signer(const char* secret) {
  return *wire::CallbackSigner::Create({{"k1", Secret(secret)}});
}

std::string EventBody(wire::EventBody body) {
  wire::Event event;
  event.occurred_at = SystemClock().Now();
  event.body = std::move(body);
  return wire::EncodeEvent(event);
}

std::string Answered() {
  return EventBody(wire::CallStateChanged{"leg", "", wire::CallState::kEstablished});
}

const wire::TokenSigner& TokenKey() {
  static const wire::TokenSigner key = wire::TokenSigner::Generate();
  return key;
}

Trunk GaTrunk() {
  Trunk trunk;
  trunk.id = TrunkId(5);
  trunk.endpoint = "https://contoso.communication.azure.com";
  trunk.dialect = Dialect::kGa;
  trunk.resource_id = "resource";
  return trunk;
}

std::string Authorization(const std::string& audience, absl::Duration age = absl::ZeroDuration()) {
  const absl::Time then = SystemClock().Now() - age;
  return "Bearer " + TokenKey().Sign({.issuer = kAcsIssuer,
                                      .audience = audience,
                                      .issued_at = then,
                                      .expires_at = then + wire::kTokenLifetime});
}

class EventReceiverTest : public testing::Test {
 protected:
  HttpRequest Post(const wire::CallbackSigner& signer, std::string body, TrunkId trunk = {}) {
    const std::string url = signer.Sign({kAttempt, trunk}, "");
    HttpRequest request;
    request.method = "POST";
    request.raw_path = url.substr(0, url.find('?'));
    request.raw_query = url.substr(url.find('?') + 1);
    request.path = request.raw_path;
    request.body = std::move(body);
    return request;
  }
  HttpRequest Post(std::string body) { return Post(signer_, std::move(body)); }
  static std::future<HttpResponse> Ask(EventReceiver& receiver, HttpRequest request) {
    auto [reply, answer] = AskedByTest::Ask();
    receiver.Handle(std::move(request), std::move(reply));
    return std::move(answer);
  }
  HttpResponse Handle(HttpRequest request) { return Ask(receiver_, std::move(request)).get(); }
  std::uint64_t Refused(CallbackRefusal refusal) {
    const auto refused = receiver_.counters().refused;
    const auto it = refused.find(refusal);
    return it == refused.end() ? 0 : it->second;
  }

  const wire::CallbackSigner signer_ = Signer("0123456789abcdef");
  RecordingStore store_;
  FactRecorder recorder_{
      {.backoff_min = absl::Milliseconds(1), .backoff_max = absl::Milliseconds(1)},
      store_,
      SystemClock()};
  TokenVerifier tokens_{
      {},
      []() -> absl::StatusOr<std::vector<Trunk>> { return std::vector{GaTrunk()}; },
      [](const std::string&) { return TokenKey().KeySetJson(); },
      SystemClock()};
  int prompts_asked_ = 0;
  EventReceiver receiver_{signer_, tokens_, recorder_,
                          [this](const std::string& name) -> absl::StatusOr<Prompt> {
                            ++prompts_asked_;
                            if (name != "abc.wav") return absl::NotFoundError("no such prompt");
                            return Prompt{PromptId(1), name, "RIFF", absl::Seconds(1)};
                          },
                          SystemClock()};
};

TEST_F(EventReceiverTest, AnEventIsStoredBeforeItIsAcknowledged) {
  EXPECT_EQ(Handle(Post(Answered())).status, 200);
  ASSERT_EQ(store_.stored().size(), 1U);
  EXPECT_EQ(store_.stored()[0].kind, FactKind::kAnswered);
  EXPECT_EQ(store_.stored()[0].call, "leg");
  EXPECT_EQ(receiver_.counters().acknowledged, 1U);
  EXPECT_EQ(receiver_.counters().events.at(FactKind::kAnswered), 1U);
}

TEST_F(EventReceiverTest, AnArrayAndARedeliveryAreTaken) {
  const std::string tone = EventBody(wire::DtmfReceived{"leg", 1, '1'});
  const std::string body = "[" + Answered() + "," + tone + "]";
  EXPECT_EQ(Handle(Post(body)).status, 200);
  EXPECT_EQ(Handle(Post(tone)).status, 200);
  EXPECT_EQ(store_.facts(), 2U);
}

TEST_F(EventReceiverTest, APrefixThatAProxyLeftIsIgnored) {
  HttpRequest request = Post(Answered());
  request.raw_path = "/tocsin" + request.raw_path;
  request.path = request.raw_path;
  EXPECT_EQ(Handle(request).status, 200);
}

TEST_F(EventReceiverTest, AForgedSignatureIsRefused) {
  const wire::CallbackSigner stranger = Signer("fedcba9876543210");
  EXPECT_EQ(Handle(Post(stranger, Answered())).status, 401);

  HttpRequest other_attempt = Post(Answered());
  other_attempt.raw_path = "/callbacks/7/9";
  EXPECT_EQ(Handle(other_attempt).status, 401);
  EXPECT_EQ(Refused(CallbackRefusal::kForged), 2U);
  EXPECT_EQ(store_.facts(), 0U);
}

TEST_F(EventReceiverTest, ACallbackThatOwesATokenIsTakenWithAGoodOneOnly) {
  HttpRequest request = Post(signer_, Answered(), GaTrunk().id);
  const auto answer = [&](const std::string& authorization) {
    request.headers = {{"authorization", authorization}};
    return Handle(request).status;
  };
  EXPECT_EQ(Handle(request).status, 401);
  EXPECT_EQ(answer("Basic eDp5"), 401);
  EXPECT_EQ(answer("Bearer x.y.z"), 401);
  EXPECT_EQ(answer(Authorization("another resource")), 401);
  EXPECT_EQ(answer(Authorization("resource", absl::Hours(1))), 401);
  EXPECT_EQ(store_.facts(), 0U);
  EXPECT_EQ(Refused(CallbackRefusal::kTokenMissing), 2U);
  EXPECT_EQ(Refused(CallbackRefusal::kTokenMalformed), 1U);
  EXPECT_EQ(Refused(CallbackRefusal::kTokenOtherAudience), 1U);
  EXPECT_EQ(Refused(CallbackRefusal::kTokenExpired), 1U);

  EXPECT_EQ(answer(Authorization("resource")), 200);
  EXPECT_EQ(store_.facts(), 1U);
}

TEST_F(EventReceiverTest, ACallbackThatWaitsForAKeyHoldsUpNobody) {
  std::promise<void> fetched;
  TokenVerifier tokens(
      {.wait_max = absl::Hours(1)},
      []() -> absl::StatusOr<std::vector<Trunk>> { return std::vector{GaTrunk()}; },
      [&](const std::string&) {
        fetched.get_future().wait();
        return TokenKey().KeySetJson();
      },
      SystemClock());
  EventReceiver receiver(
      signer_, tokens, recorder_,
      [](const std::string&) -> absl::StatusOr<Prompt> { return absl::NotFoundError("none"); },
      SystemClock());
  HttpRequest request = Post(signer_, Answered(), GaTrunk().id);
  request.headers = {{"Authorization", Authorization("resource")}};

  auto waiting = Ask(receiver, request);

  EXPECT_EQ(Ask(receiver, Post(Answered())).get().status, 200);
  EXPECT_FALSE(IsReady(waiting));
  fetched.set_value();
  EXPECT_EQ(waiting.get().status, 200);
}

TEST_F(EventReceiverTest, AGoodTokenIsNoSubstituteForTheSignatureOfTheUrl) {
  HttpRequest request = Post(Signer("fedcba9876543210"), Answered(), GaTrunk().id);
  request.headers = {{"Authorization", Authorization("resource")}};
  EXPECT_EQ(Handle(request).status, 401);
  EXPECT_EQ(Refused(CallbackRefusal::kForged), 1U);
  EXPECT_EQ(store_.facts(), 0U);
}

TEST_F(EventReceiverTest, HeadTellsAProxyWhetherAUrlIsSigned) {
  HttpRequest asked = Post("");
  asked.method = "HEAD";
  EXPECT_EQ(Handle(asked).status, 204);

  asked.raw_path = "/callbacks/7/9";
  EXPECT_EQ(Handle(asked).status, 401);
  EXPECT_EQ(Refused(CallbackRefusal::kForged), 1U);
  asked.raw_path = "/callbacks/x";
  EXPECT_EQ(Handle(asked).status, 401);
  EXPECT_EQ(Refused(CallbackRefusal::kMalformedUrl), 1U);
  // Nobody called back.
  EXPECT_EQ(receiver_.counters().callbacks, 0U);
}

TEST_F(EventReceiverTest, AMalformedUrlIsRefused) {
  for (const char* path : {"/callbacks/", "/callbacks/7", "/callbacks/x/y", "/callbacks/7/8/9"}) {
    HttpRequest request = Post(Answered());
    request.raw_path = path;
    request.path = path;
    EXPECT_EQ(Handle(request).status, 400) << path;
  }
  HttpRequest unsigned_request = Post(Answered());
  unsigned_request.raw_query.clear();
  EXPECT_GE(Handle(unsigned_request).status, 400);
  EXPECT_EQ(store_.facts(), 0U);
}

TEST_F(EventReceiverTest, EveryTruncationOfABodyIsRefusedAsAWhole) {
  const std::string body = "[" + Answered() + "," + Answered() + "]";
  for (std::size_t size = 0; size < body.size(); ++size) {
    ASSERT_EQ(Handle(Post(body.substr(0, size))).status, 400) << size;
  }
  EXPECT_EQ(Refused(CallbackRefusal::kMalformedBody), body.size());
  EXPECT_EQ(store_.facts(), 0U);
}

TEST_F(EventReceiverTest, ABodyBeyondTheLimitIsRefused) {
  EXPECT_EQ(Handle(Post(std::string((1 << 20) + 1, ' '))).status, 413);
}

TEST_F(EventReceiverTest, AnAttemptThatDoesNotExistIs404) {
  store_.SetUnknown(kAttempt.campaign);
  EXPECT_EQ(Handle(Post(Answered())).status, 404);
  EXPECT_EQ(Refused(CallbackRefusal::kUnknownAttempt), 1U);
}

TEST_F(EventReceiverTest, WhileTheStoreIsAwayTheProviderIsAskedToRepeat) {
  store_.SetBefore([](const auto&) { return Unavailable("away"); });
  const HttpResponse response = Handle(Post(Answered()));
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.headers, testing::Contains(testing::Pair("Retry-After", "1")));

  store_.SetBefore(nullptr);
  EXPECT_EQ(Handle(Post(Answered())).status, 200);
}

TEST_F(EventReceiverTest, OtherMethodsAndPathsAreRefused) {
  HttpRequest get = Post("");
  get.method = "GET";
  EXPECT_EQ(Handle(get).status, 405);
  HttpRequest elsewhere;
  elsewhere.method = "GET";
  elsewhere.path = elsewhere.raw_path = "/";
  EXPECT_EQ(Handle(elsewhere).status, 404);
}

TEST_F(EventReceiverTest, PromptsAreServedFromMemoryAfterTheFirstTime) {
  HttpRequest request;
  request.method = "GET";
  request.path = request.raw_path = "/prompts/abc.wav";
  for (int i = 0; i < 3; ++i) {
    const HttpResponse response = Handle(request);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "RIFF");
    EXPECT_EQ(response.content_type, "audio/wav");
  }
  EXPECT_EQ(prompts_asked_, 1);
  request.headers = {{"if-none-match", "\"abc.wav\""}};
  EXPECT_EQ(Handle(request).status, 304);
  for (const char* path :
       {"/prompts/other.wav", "/prompts/", "/prompts/../etc/passwd", "/prompts/a\nb.wav"}) {
    request.path = path;
    EXPECT_EQ(Handle(request).status, 404) << path;
  }
}

}  // namespace
}  // namespace tocsin::dialer
