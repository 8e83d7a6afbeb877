#include "base/async_http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

#include "base/http_server.h"
#include "base/status_macros.h"
#include "tests/support/certificates.h"
#include "tests/support/raw_client.h"
#include "tests/support/scripted_server.h"

namespace tocsin {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Then = ScriptedServer::Then;

constexpr absl::Duration kShort = absl::Milliseconds(300);

AsyncHttpClient::Make Asking(const std::string& target = "/", const std::string& body = "") {
  return [target, body] {
    return AsyncHttpClient::Request{.target = target, .content_type = "text/plain", .body = body};
  };
}

class AsyncHttpClientTest : public ::testing::Test {
 protected:
  AsyncHttpClientTest() { options_.threads = 1; }

  AsyncHttpClient& Client() {
    if (!client_) client_.emplace(options_);
    return *client_;
  }

  std::future<absl::StatusOr<int>> Post(const std::string& origin,
                                        AsyncHttpClient::Make make = Asking()) {
    const auto answer = std::make_shared<std::promise<absl::StatusOr<int>>>();
    Client().Post(origin, std::move(make),
                  [answer](const absl::StatusOr<int>& status) { answer->set_value(status); });
    return answer->get_future();
  }

  // What came of it; the status's own words if it failed.
  std::string PostAndWait(const std::string& origin, AsyncHttpClient::Make make = Asking()) {
    const absl::StatusOr<int> status = Post(origin, std::move(make)).get();
    return status.ok() ? std::to_string(*status) : status.status().ToString();
  }

  AsyncHttpClient::Options options_;
  std::optional<AsyncHttpClient> client_;
};

ScriptedServer::React Always(std::string bytes, Then then = Then::kKeep) {
  return [reaction = ScriptedServer::Reaction{std::move(bytes), then}](std::string_view) {
    return reaction;
  };
}

TEST_F(AsyncHttpClientTest, TellsTheStatusThatWasAnswered) {
  for (const int status : {200, 204, 302, 404, 503}) {
    const ScriptedServer server(Always(ScriptedServer::Answer(status, "")));
    EXPECT_EQ(PostAndWait(server.endpoint()), std::to_string(status));
  }
}

TEST_F(AsyncHttpClientTest, SendsWhatItIsGiven) {
  const ScriptedServer server(Always(ScriptedServer::Answer(200, "")));

  const auto make = [] {
    return AsyncHttpClient::Request{.target = "/a?b=%20c",
                                    .content_type = "application/json",
                                    .body = "[1]",
                                    .headers = {{"Authorization", "Bearer x"}}};
  };

  EXPECT_EQ(PostAndWait(server.endpoint(), make), "200");
  EXPECT_EQ(server.LastRequest("POST"),
            fmt::format("POST /a?b=%20c HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n"
                        "Content-Type: application/json\r\nContent-Length: 3\r\n"
                        "Authorization: Bearer x\r\n\r\n[1]",
                        server.port()));
}

TEST_F(AsyncHttpClientTest, ATargetStaysOnItsLine) {
  const ScriptedServer server(Always(ScriptedServer::Answer(200, "")));

  EXPECT_EQ(PostAndWait(server.endpoint(), Asking("/ä b\r\nX: y")), "200");

  EXPECT_THAT(server.LastRequest("POST"),
              StartsWith("POST /%C3%A4%20b%0D%0AX:%20y HTTP/1.1\r\nHost: "));
}

TEST_F(AsyncHttpClientTest, UsesOneConnectionForOneAfterAnother) {
  const ScriptedServer server(Always(ScriptedServer::Answer(200, "body")));

  for (int i = 0; i < 100; ++i) ASSERT_EQ(PostAndWait(server.endpoint()), "200");

  EXPECT_EQ(server.connections(), 1);
}

TEST_F(AsyncHttpClientTest, AnswersMayComeInPiecesAndAfterOthers) {
  const ScriptedServer server(
      Always("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n"
             "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));

  EXPECT_EQ(PostAndWait(server.endpoint()), "201");
  EXPECT_EQ(PostAndWait(server.endpoint()), "201");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(AsyncHttpClientTest, BodiesMayBeOfAnyLength) {
  const ScriptedServer server(Always(ScriptedServer::Answer(200, std::string(1'000'000, 'x'))));

  EXPECT_EQ(PostAndWait(server.endpoint()), "200");
  EXPECT_EQ(PostAndWait(server.endpoint()), "200");
  EXPECT_EQ(server.connections(), 1);
}

// Its length is believed for as long as it comes.
TEST_F(AsyncHttpClientTest, ABodyThatNeverEndsTakesTimeButNoMemory) {
  options_.timeout = kShort;
  const ScriptedServer server(
      Always("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nabc", Then::kHold));

  EXPECT_THAT(PostAndWait(server.endpoint()), EndsWith("no answer: it took more than 300ms"));
}

TEST_F(AsyncHttpClientTest, AnAnswerMayEndWithItsConnection) {
  const ScriptedServer server(Always("HTTP/1.1 200 OK\r\n\r\nall of it", Then::kClose));

  EXPECT_EQ(PostAndWait(server.endpoint()), "200");
}

TEST_F(AsyncHttpClientTest, ConnectsAgainWhereTheServerSaysThatItCloses) {
  const ScriptedServer server(
      Always(ScriptedServer::Answer(200, "", "Connection: close\r\n"), Then::kHold));

  for (int i = 0; i < 3; ++i) EXPECT_EQ(PostAndWait(server.endpoint()), "200");

  EXPECT_EQ(server.connections(), 3);
}

TEST_F(AsyncHttpClientTest, ConnectsAgainWhereTheServerHasClosedWithoutAWord) {
  for (const Then then : {Then::kClose, Then::kReset}) {
    const ScriptedServer server(Always(ScriptedServer::Answer(200, ""), then));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(PostAndWait(server.endpoint()), "200");
    EXPECT_EQ(server.Requests("POST"), 20);
  }
}

// Answers, counting, but for the second request: that has `bytes` and the end.
auto BreaksOffSecond(std::atomic<int>& requests, std::string bytes) {
  return [&requests, bytes = std::move(bytes)](std::string_view) -> ScriptedServer::Reaction {
    if (++requests == 2) return {.bytes = bytes, .then = Then::kClose};
    return {.bytes = ScriptedServer::Answer(200, "")};
  };
}

// The server closes the kept connection when the second request has come over it.
TEST_F(AsyncHttpClientTest, SendsAgainWhatAKeptConnectionTookWithoutAnAnswer) {
  std::atomic<int> requests = 0;
  const ScriptedServer server(BreaksOffSecond(requests, ""));

  EXPECT_EQ(PostAndWait(server.endpoint()), "200");
  EXPECT_EQ(PostAndWait(server.endpoint()), "200");

  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(requests, 3);
}

TEST_F(AsyncHttpClientTest, SendsNothingAgainOnceAnAnswerHasBegun) {
  std::atomic<int> requests = 0;
  const ScriptedServer server(BreaksOffSecond(requests, "HTTP/1.1 2"));

  EXPECT_EQ(PostAndWait(server.endpoint()), "200");
  EXPECT_THAT(PostAndWait(server.endpoint()), HasSubstr("UNKNOWN: no answer: "));

  EXPECT_EQ(requests, 2);
}

TEST_F(AsyncHttpClientTest, SendsNothingAgainOnAFreshConnection) {
  const ScriptedServer server(Always("", Then::kClose));

  EXPECT_THAT(PostAndWait(server.endpoint()), HasSubstr("UNKNOWN: no answer: "));

  EXPECT_EQ(server.Requests("POST"), 1);
}

TEST_F(AsyncHttpClientTest, AnAnswerToNoQuestionIsAnswerToNone) {
  const std::string ok = ScriptedServer::Answer(200, "");
  const ScriptedServer server(Always(ok + ScriptedServer::Answer(500, "")));

  EXPECT_EQ(PostAndWait(server.endpoint()), "200");
  EXPECT_EQ(PostAndWait(server.endpoint()), "200");

  EXPECT_EQ(server.connections(), 2);
}

TEST_F(AsyncHttpClientTest, SaysThatNobodyIsThere) {
  ScriptedServer server(Always(""));
  server.HangUp(true);

  EXPECT_THAT(PostAndWait(server.endpoint()),
              AllOf(HasSubstr("UNAVAILABLE: cannot connect: "), EndsWith("refused")));
}

TEST_F(AsyncHttpClientTest, FindsServersByName) {
  const ScriptedServer server(Always(ScriptedServer::Answer(200, "")));

  EXPECT_EQ(PostAndWait(fmt::format("http://localhost:{}", server.port())), "200");
  EXPECT_THAT(PostAndWait("http://nobody.invalid"),
              HasSubstr("UNAVAILABLE: its host cannot be found: "));
}

TEST_F(AsyncHttpClientTest, SaysThatAnOriginIsNone) {
  EXPECT_THAT(PostAndWait("ftp://127.0.0.1"), StartsWith("INVALID_ARGUMENT: "));
}

TEST_F(AsyncHttpClientTest, TellsWhyThereIsNoRequest) {
  const ScriptedServer server(Always(ScriptedServer::Answer(200, "")));

  const auto make = [] { return absl::InternalError("no key"); };

  EXPECT_EQ(PostAndWait(server.endpoint(), make), "INTERNAL: no key");
  EXPECT_EQ(PostAndWait(server.endpoint()), "200");
}

TEST_F(AsyncHttpClientTest, GarbageIsNoAnswer) {
  for (const std::string& bytes :
       {std::string("garbage\r\n\r\n"), ScriptedServer::Answer(99999, ""),
        ScriptedServer::Answer(200, "", "X: " + std::string(17'000, 'x') + "\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;") +
            std::string(100'000, 'x')}) {
    const ScriptedServer server(Always(bytes, Then::kHold));
    EXPECT_THAT(PostAndWait(server.endpoint()), HasSubstr("UNKNOWN: no answer: "))
        << bytes.substr(0, 50);
  }
}

TEST_F(AsyncHttpClientTest, WaitsForNoAnswerForever) {
  options_.timeout = kShort;
  for (const Then then : {Then::kHold, Then::kDrip}) {
    const ScriptedServer server(Always("HTTP/1.1 200 OK\r\nX: ", then));
    EXPECT_THAT(PostAndWait(server.endpoint()), EndsWith("no answer: it took more than 300ms"));
    EXPECT_EQ(server.Requests("POST"), 1);
  }
}

TEST_F(AsyncHttpClientTest, OpensNoMoreConnectionsThanItMayAndKeepsTheOrder) {
  options_.connections_max = 1;
  std::mutex mutex;
  std::vector<char> order;
  const ScriptedServer server([&](std::string_view request) -> ScriptedServer::Reaction {
    const std::lock_guard lock(mutex);
    order.push_back(request.back());
    return {.bytes = ScriptedServer::Answer(200, "")};
  });

  std::vector<std::future<absl::StatusOr<int>>> answers;
  for (const char* body : {"a", "b", "c", "d"}) {
    answers.push_back(Post(server.endpoint(), Asking("/", body)));
  }

  for (auto& answer : answers) EXPECT_EQ(*answer.get(), 200);
  EXPECT_THAT(order, ElementsAre('a', 'b', 'c', 'd'));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(AsyncHttpClientTest, NobodyWaitsForWhoeverIsSlow) {
  std::promise<void> go;
  const std::shared_future<void> gone = go.get_future().share();
  const ScriptedServer server([&](std::string_view request) -> ScriptedServer::Reaction {
    if (request.ends_with("slow")) gone.wait();
    return {.bytes = ScriptedServer::Answer(200, "")};
  });

  auto slow = Post(server.endpoint(), Asking("/", "slow"));
  EXPECT_EQ(PostAndWait(server.endpoint()), "200");
  go.set_value();

  EXPECT_EQ(*slow.get(), 200);
}

TEST_F(AsyncHttpClientTest, OneMayFollowFromAnother) {
  options_.threads = 2;
  const ScriptedServer server(Always(ScriptedServer::Answer(200, "")));
  std::promise<void> over;
  int left = 1000;
  std::function<void(const absl::StatusOr<int>&)> next = [&](const absl::StatusOr<int>& status) {
    EXPECT_TRUE(status.ok()) << status.status();
    if (--left == 0) return over.set_value();
    Client().Post(server.endpoint(), Asking(), next);
  };

  Client().Post(server.endpoint(), Asking(), next);
  over.get_future().wait();

  EXPECT_EQ(server.connections(), 1);
}

TEST_F(AsyncHttpClientTest, StopWaitsForThoseUnderWayAndForgetsTheRest) {
  options_.connections_max = 1;
  std::promise<void> came, go, forgotten;
  const ScriptedServer server([&](std::string_view) -> ScriptedServer::Reaction {
    came.set_value();
    go.get_future().wait();
    return {.bytes = ScriptedServer::Answer(200, "")};
  });
  std::atomic<int> answered = 0;
  std::atomic<bool> others = false;
  Client().Post(server.endpoint(), Asking(), [&](const absl::StatusOr<int>& status) {
    answered = *status;
    // Too late.
    Client().Post(server.endpoint(), Asking(), [&](const auto&) { others = true; });
  });
  Client().Post(server.endpoint(), Asking(), [&, last = std::shared_ptr<void>(nullptr, [&](void*) {
                                                   forgotten.set_value();
                                                 })](const auto&) { others = true; });
  came.get_future().wait();

  std::thread stopping([&] { Client().Stop(); });
  forgotten.get_future().wait();
  go.set_value();
  stopping.join();
  Client().Post(server.endpoint(), Asking(), [&](const auto&) { others = true; });
  client_.reset();

  EXPECT_FALSE(others);
  EXPECT_EQ(answered, 200);
  EXPECT_EQ(server.Requests("POST"), 1);
}

TEST_F(AsyncHttpClientTest, StopIsBoundedByTheTimeout) {
  options_.timeout = kShort;
  const SilentListener silent;
  std::promise<void> begun;
  auto status = Post(fmt::format("http://127.0.0.1:{}", silent.port()), [&] {
    begun.set_value();
    return AsyncHttpClient::Request{.target = "/"};
  });
  begun.get_future().wait();

  Client().Stop();

  EXPECT_FALSE(status.get().ok());
}

class AsyncHttpClientTlsTest : public AsyncHttpClientTest {
 protected:
  AsyncHttpClientTlsTest() { options_.ca_file = authority_.ca_file(); }

  // Answers 200.
  std::string Serve(const TestAuthority::Wanted& wanted = {}, HttpResponse response = {}) {
    auto certificate =
        ServedCertificate::Open("test", authority_.Issue("server", wanted), SystemClock());
    EXPECT_TRUE(certificate.ok()) << certificate.status();
    auto started = HttpServer::Start({.certificate = *std::move(certificate), .threads = 4},
                                     [this, response](const HttpRequest&) {
                                       ++handled_;
                                       return response;
                                     });
    server_ = *std::move(started);
    return fmt::format("https://127.0.0.1:{}", server_->port());
  }

  const TestAuthority authority_;
  std::atomic<int> handled_ = 0;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(AsyncHttpClientTlsTest, PostsToAddressesAndNames) {
  const std::string origin = Serve();

  for (int i = 0; i < 10; ++i) EXPECT_EQ(PostAndWait(origin), "200");
  EXPECT_EQ(PostAndWait(fmt::format("https://localhost:{}", server_->port())), "200");
}

TEST_F(AsyncHttpClientTlsTest, ConnectsAgainAndAgain) {
  const std::string origin = Serve({}, {.headers = {{"Connection", "close"}}});

  for (int i = 0; i < 10; ++i) EXPECT_EQ(PostAndWait(origin), "200");
}

TEST_F(AsyncHttpClientTlsTest, ConnectsAgainToAServerThatWasStartedAgain) {
  const std::string origin = Serve();
  EXPECT_EQ(PostAndWait(origin), "200");
  const int port = server_->port();
  server_.reset();
  EXPECT_THAT(PostAndWait(origin), HasSubstr("UNAVAILABLE: cannot connect: "));

  auto certificate = ServedCertificate::Open("test", authority_.Issue("server"), SystemClock());
  auto started = HttpServer::Start({.port = port, .certificate = *std::move(certificate)},
                                   [](const HttpRequest&) { return HttpResponse{}; });
  ASSERT_TRUE(started.ok()) << started.status();

  EXPECT_EQ(PostAndWait(origin), "200");
}

TEST_F(AsyncHttpClientTlsTest, WantsACertificateForTheHostItAskedFor) {
  const std::string origin = Serve({.hosts = {"calls.example.com", "localhost"}});

  EXPECT_THAT(PostAndWait(origin),
              AllOf(StartsWith("FAILED_PRECONDITION: "),
                    HasSubstr("is for calls.example.com, localhost, not for 127.0.0.1")));
  EXPECT_EQ(handled_, 0);
}

TEST_F(AsyncHttpClientTlsTest, TrustsOnlyItsAuthorities) {
  const TestAuthority other;
  options_.ca_file = other.ca_file();
  const std::string origin = Serve();

  EXPECT_THAT(PostAndWait(origin),
              AllOf(StartsWith("FAILED_PRECONDITION: "), HasSubstr("not trusted")));
  EXPECT_EQ(handled_, 0);
}

TEST_F(AsyncHttpClientTlsTest, SaysThatItsAuthoritiesCannotBeRead) {
  options_.ca_file = "/nowhere/ca.pem";

  EXPECT_THAT(PostAndWait(Serve()), HasSubstr("/nowhere/ca.pem cannot be read"));
}

TEST_F(AsyncHttpClientTlsTest, SaysThatTheServerSpeaksNoTls) {
  auto started = HttpServer::Start({}, [](const HttpRequest&) { return HttpResponse{}; });
  ASSERT_TRUE(started.ok());

  EXPECT_THAT(PostAndWait(fmt::format("https://127.0.0.1:{}", (*started)->port())),
              HasSubstr("http instead of https?"));
}

TEST_F(AsyncHttpClientTlsTest, WaitsForNoHandshakeForever) {
  options_.timeout = kShort;
  const SilentListener silent;

  EXPECT_THAT(PostAndWait(fmt::format("https://127.0.0.1:{}", silent.port())),
              HasSubstr("UNAVAILABLE: the TLS handshake took too long"));
}

}  // namespace
}  // namespace tocsin
