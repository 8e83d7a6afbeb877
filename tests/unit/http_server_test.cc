#include "base/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "tests/support/raw_client.h"

namespace tocsin {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// So long that a test which waits for it is a test that hangs.
constexpr int kNever_s = 3600;

std::string Post(std::string_view body, std::string_view headers = "") {
  return fmt::format("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n{}\r\n{}", body.size(),
                     headers, body);
}

std::string Chunked(const std::vector<std::string>& chunks) {
  std::string request = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& chunk : chunks) {
    request += fmt::format("{:x}\r\n{}\r\n", chunk.size(), chunk);
  }
  return request + "0\r\n\r\n";
}

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() {
    options_.threads = 4;
    options_.body_max_bytes = 1000;
    options_.keep_alive_timeout_s = kNever_s;
  }

  // Answers with the body unless told otherwise.
  void Start(const HttpServer::Handler& handler = {}) {
    auto started = HttpServer::Start(options_, [this, handler](const HttpRequest& request) {
      ++handled_;
      return handler ? handler(request) : HttpResponse{.body = request.body};
    });
    TOCSIN_CHECK(started.ok());
    server_ = *std::move(started);
  }

  HttpServer::Options options_;
  std::atomic<int> handled_{0};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersManyRequestsOnOneConnection) {
  Start();
  RawClient client(server_->port());

  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(client.Send(Post(std::to_string(i))));
    const std::string response = client.Receive();
    ASSERT_THAT(response,
                AllOf(StartsWith("HTTP/1.1 200"), HasSubstr(fmt::format("\r\n\r\n{}", i))));
  }
}

TEST_F(HttpServerTest, AnswersWhatWasSentAheadInItsOrder) {
  Start();
  RawClient client(server_->port());

  ASSERT_TRUE(client.Send(Post("first") + Chunked({"sec", "ond"}) + Post("third")));

  EXPECT_THAT(client.Receive(), HasSubstr("\r\n\r\nfirst"));
  EXPECT_THAT(client.Receive(), HasSubstr("\r\n\r\nsecond"));
  EXPECT_THAT(client.Receive(), HasSubstr("\r\n\r\nthird"));
}

TEST_F(HttpServerTest, PutsARequestTogetherThatComesByteByByte) {
  Start();
  RawClient client(server_->port());

  for (const char byte : Post("slowly")) ASSERT_TRUE(client.Send({&byte, 1}));

  EXPECT_THAT(client.Receive(), HasSubstr("\r\n\r\nslowly"));
}

TEST_F(HttpServerTest, ClosesWhenItIsAskedTo) {
  Start();
  RawClient client(server_->port());

  ASSERT_TRUE(client.Send(Post("x", "Connection: close\r\n")));

  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(client.SeesTheEnd());
}

TEST_F(HttpServerTest, TakesABodyOfExactlyTheLimit) {
  Start();
  RawClient client(server_->port());

  ASSERT_TRUE(client.Send(Post(std::string(1000, 'x'))));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
  ASSERT_TRUE(client.Send(Chunked({std::string(600, 'x'), std::string(400, 'y')})));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, RefusesALongerBodyByItsDeclaredLength) {
  Start();
  RawClient client(server_->port());

  client.Send(Post(std::string(1001, 'x')));

  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 413"));
  EXPECT_EQ(handled_, 0);
}

// A chunked body tells its length at its end only.
TEST_F(HttpServerTest, RefusesALongerBodyThatComesInChunks) {
  Start();
  RawClient client(server_->port());

  client.Send(Chunked({std::string(600, 'x'), std::string(401, 'y')}));

  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 413"));
  EXPECT_EQ(handled_, 0);
}

// What is left of a body that was refused must not be taken for a request.
TEST_F(HttpServerTest, AWholeRequestHasItsTimeHoweverItDrips) {
  options_.body_max_bytes = 1 << 30;
  options_.request_timeout = absl::Milliseconds(100);
  Start();
  RawClient client(server_->port());
  const std::string response = [&] {
    EXPECT_TRUE(client.Send("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
    while (client.Send("1\r\na\r\n")) {
    }
    return client.Receive();
  }();

  EXPECT_EQ(handled_, 0);
  // The reset that cut the body short may have cut the answer off too.
  EXPECT_THAT(response, testing::AnyOf("", StartsWith("HTTP/1.1 408")));

  RawClient next(server_->port());
  next.Send(Post("good"));
  EXPECT_THAT(next.Receive(), HasSubstr("good"));
}

TEST_F(HttpServerTest, AHeadHasItsTimeToo) {
  options_.request_timeout = absl::ZeroDuration();
  Start();
  RawClient client(server_->port());

  client.Send(Post("late"));

  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 408"));
  EXPECT_TRUE(client.SeesTheEnd());
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, ClosesAfterABodyThatItDidNotReadToItsEnd) {
  Start();
  RawClient client(server_->port());

  client.Send(Chunked({std::string(1001, 'x')}) + Post("smuggled"));

  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 413"));
  EXPECT_TRUE(client.SeesTheEnd());
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, WhoOnlyAsksIsAnsweredWithoutABodyThatWasAnnounced) {
  Start();
  for (const std::string_view method : {"GET", "HEAD"}) {
    RawClient client(server_->port());
    client.Send(fmt::format("{} / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", method));
    EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
    EXPECT_TRUE(client.SeesTheEnd());  // Left unread it would be taken for the next request.
  }
  EXPECT_EQ(handled_, 2);
}

TEST_F(HttpServerTest, ABodyIsNeverTakenForTheNextRequest) {
  Start();
  const std::string smuggled = Post("smuggled");
  for (const std::string_view method : {"GET", "HEAD", "DELETE", "OPTIONS", "BREW"}) {
    handled_ = 0;
    RawClient client(server_->port());
    client.Send(
        fmt::format("{} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                    "Content-Length: {}\r\n\r\n{}",
                    method, smuggled.size(), smuggled));
    EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200")) << method;
    EXPECT_EQ(handled_, 1) << method;
  }
}

TEST_F(HttpServerTest, RefusesABodyOfTwoLengths) {
  Start();
  for (const std::string_view lengths : {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                                         "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                                         "Content-Length: 5\r\nContent-Length: 6\r\n",
                                         "Content-Length: 5, 6\r\n", "Content-Length: +5\r\n"}) {
    RawClient client(server_->port());
    client.Send(fmt::format("POST / HTTP/1.1\r\nHost: a\r\n{}\r\n0\r\n\r\n", lengths));
    EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 400 ")) << lengths;
    EXPECT_TRUE(client.SeesTheEnd()) << lengths;
  }
  EXPECT_EQ(handled_, 0);
}

// Of the parser's own it has none.
TEST_F(HttpServerTest, WhatStandsBeforeAChunkOrAfterTheLastHasItsLimit) {
  Start();
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view before : {"1;", "1\r\na\r\n0\r\nX-Trailer: "}) {
    RawClient client(server_->port());
    std::size_t sent = 0;
    client.Send(head + std::string(before));
    // The last of it may be on its way when the server hangs up.
    while (sent < (64 << 20) && client.Send(std::string(64 << 10, 'x'))) sent += 64 << 10;
    EXPECT_LT(sent, 64 << 20) << before;
  }
  EXPECT_EQ(handled_, 0);

  RawClient next(server_->port());
  ASSERT_TRUE(next.Send(head + "2;some=thing\r\nhi\r\n0\r\nX-Trailer: x\r\n\r\n"));
  EXPECT_THAT(next.Receive(), HasSubstr("\r\n\r\nhi"));
}

TEST_F(HttpServerTest, RefusesABodyThatIsMoreThanChunked) {
  Start();
  for (const std::string_view coding : {"gzip", "gzip, chunked", "chunked, chunked", "identity"}) {
    RawClient client(server_->port());
    client.Send(fmt::format("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {}\r\n\r\n0\r\n\r\n",
                            coding));
    EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 501 ")) << coding;
    EXPECT_TRUE(client.SeesTheEnd()) << coding;
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, ClosesAfterARequestOfTheOldVersion) {
  Start();
  RawClient client(server_->port());

  ASSERT_TRUE(client.Send("GET / HTTP/1.0\r\n\r\n"));

  EXPECT_THAT(client.Receive(), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Connection: close")));
  EXPECT_TRUE(client.SeesTheEnd());
}

TEST_F(HttpServerTest, AsksForABodyThatIsHeldBackUntilThen) {
  Start();
  RawClient client(server_->port());

  ASSERT_TRUE(
      client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                  "Expect: 100-continue\r\n\r\n"));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 100 "));
  ASSERT_TRUE(client.Send("hello"));
  EXPECT_THAT(client.Receive(), HasSubstr("\r\n\r\nhello"));
}

TEST_F(HttpServerTest, AnswersAHeadWithoutTheBody) {
  Start([](const HttpRequest&) { return HttpResponse{.body = "hello"}; });
  RawClient client(server_->port());

  ASSERT_TRUE(client.Send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));

  const std::string response = client.Receive();  // What comes until the end.
  EXPECT_THAT(response, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_TRUE(response.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, ALineEndInAHeaderOfOursIsABlank) {
  Start([](const HttpRequest&) {
    return HttpResponse{.status = 204, .headers = {{"X-Said", "a\r\nX-More: b"}}};
  });
  RawClient client(server_->port());

  ASSERT_TRUE(client.Send(Post("x")));

  EXPECT_THAT(client.Receive(), HasSubstr("X-Said: a  X-More: b\r\n"));
}

TEST_F(HttpServerTest, SendsALongAnswerToWhoReadsSlowly) {
  const std::string body(20 << 20, 'x');
  Start([&](const HttpRequest&) { return HttpResponse{.body = body}; });
  RawClient client(server_->port()), other(server_->port());

  ASSERT_TRUE(client.Send(Post("x") + Post("y")));
  // Nobody else waits for it.
  ASSERT_TRUE(other.Send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  EXPECT_THAT(other.Receive(), StartsWith("HTTP/1.1 200"));

  for (int i = 0; i < 2; ++i) EXPECT_TRUE(client.Receive().ends_with("\r\n\r\n" + body));
}

TEST_F(HttpServerTest, OneMoreThanItServesWaitsForAPlace) {
  options_.connections_max = 2;
  Start();
  auto first = std::make_unique<RawClient>(server_->port());
  ASSERT_TRUE(first->Send(Post("1")));
  first->Receive();
  RawClient second(server_->port());
  ASSERT_TRUE(second.Send(Post("2")));
  second.Receive();
  RawClient third(server_->port());
  ASSERT_TRUE(third.Send(Post("3")));
  ASSERT_TRUE(second.Send(Post("2 again")));
  second.Receive();
  EXPECT_EQ(handled_, 3);

  first.reset();

  EXPECT_THAT(third.Receive(), HasSubstr("\r\n\r\n3"));
}

TEST_F(HttpServerTest, RefusesAHeaderThatIsTooLongAndServesTheNextClient) {
  Start();
  RawClient rude(server_->port());

  rude.Send(Post("x", "X-Long: " + std::string(100'000, 'x') + "\r\n"));

  EXPECT_THAT(rude.Receive(), StartsWith("HTTP/1.1 4"));
  EXPECT_EQ(handled_, 0);
  RawClient next(server_->port());
  ASSERT_TRUE(next.Send(Post("hello")));
  EXPECT_THAT(next.Receive(), HasSubstr("hello"));
}

TEST_F(HttpServerTest, RefusesMoreHeadersThanFitIntoItsLimit) {
  Start();
  RawClient client(server_->port());
  std::string headers;
  for (int i = 0; i < 20'000; ++i) headers += fmt::format("X-{}: x\r\n", i);

  client.Send(Post("x", headers));

  client.SeesTheEnd();
  EXPECT_EQ(handled_, 0);
}

// Each byte comes in time; all of them together do not.
TEST_F(HttpServerTest, GivesUpOnARequestThatDripsIn) {
  options_.request_timeout = absl::Milliseconds(500);
  Start();
  RawClient client(server_->port());

  ASSERT_TRUE(client.Send("POST /x HTTP/1.1\r\nX-Long: "));
  while (client.Send("x")) {
    SystemClock().SleepUntil(SystemClock().Steady() + std::chrono::milliseconds(20), {});
  }

  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, RefusesWhatIsNoHttp) {
  Start();
  RawClient client(server_->port());

  ASSERT_TRUE(client.Send("\x16\x03\x01 what is this\r\n\r\n"));

  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 400"));
  EXPECT_TRUE(client.SeesTheEnd());
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, TellsTheHandlerWhatWasAskedAndByWhom) {
  HttpRequest seen;
  std::string a, header;
  Start([&](const HttpRequest& request) {
    seen = request;
    a = request.QueryParameter("a");
    header = request.Header("x-one");
    return HttpResponse{.status = 202};
  });
  RawClient client(server_->port());

  // REMOTE_ADDR is what the library beneath keeps its own answer in.
  ASSERT_TRUE(client.Send(
      "PUT /calls/a%2Bb?a=1%202&b= HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nREMOTE_ADDR: 1.2.3.4\r\n"
      "Content-Length: 2\r\n\r\nhi"));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 202"));

  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.raw_path, "/calls/a%2Bb");
  EXPECT_EQ(seen.path, "/calls/a+b");
  EXPECT_EQ(seen.raw_query, "a=1%202&b=");
  EXPECT_EQ(a, "1 2");
  EXPECT_EQ(header, "1");
  EXPECT_EQ(seen.body, "hi");
  EXPECT_EQ(seen.remote_address, "127.0.0.1");
}

TEST_F(HttpServerTest, AHeaderIsTakenAsItStandsOrNotAtAll) {
  std::string value;
  Start([&](const HttpRequest& request) {
    value = request.Header("a");
    return HttpResponse{};
  });
  RawClient client(server_->port());
  ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: a\r\na: x%0D%0Ay\r\n\r\n"));
  client.Receive();
  EXPECT_EQ(value, "x%0D%0Ay");

  for (const std::string_view bad : {"x\ry", "x\ny", "\x01"}) {
    RawClient rude(server_->port());
    ASSERT_TRUE(rude.Send(fmt::format("GET / HTTP/1.1\r\nHost: a\r\na: {}\r\n\r\n", bad)));
    EXPECT_THAT(rude.Receive(), StartsWith("HTTP/1.1 400 "));
  }
  EXPECT_EQ(handled_, 1);
}

TEST_F(HttpServerTest, RefusesATargetWithControlCharacters) {
  Start();
  for (const std::string_view target : {"/a\rb", "/a?b\tc", "/\x01"}) {
    RawClient client(server_->port());
    ASSERT_TRUE(client.Send(fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", target)));
    EXPECT_TRUE(client.Receive().starts_with("HTTP/1.1 400 ")) << target;
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, AnswersFiveHundredWhenItsHandlerFails) {
  Start([](const HttpRequest& request) -> HttpResponse {
    // As a library in a handler may do.
    return {.body = std::string(request.body).substr(1000)};
  });
  RawClient client(server_->port());

  ASSERT_TRUE(client.Send(Post("x")));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 500"));
  ASSERT_TRUE(client.Send(Post("again")));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 500"));
}

TEST_F(HttpServerTest, AnAnswerMayComeLaterAndFromElsewhere) {
  std::promise<HttpReply> asked;
  auto started = HttpServer::StartAsync(
      options_, [&](HttpRequest, HttpReply reply) { asked.set_value(std::move(reply)); });
  ASSERT_TRUE(started.ok());
  RawClient client((*started)->port());
  ASSERT_TRUE(client.Send(Post("x")));

  std::thread([reply = asked.get_future().get()]() mutable {
    reply.Answer({.status = 202, .body = "late"});
  }).join();

  EXPECT_THAT(client.Receive(), AllOf(StartsWith("HTTP/1.1 202"), HasSubstr("late")));
}

TEST_F(HttpServerTest, AReplyThatIsForgottenIsAFailure) {
  auto started = HttpServer::StartAsync(options_, [&](HttpRequest, HttpReply) {});
  ASSERT_TRUE(started.ok());
  RawClient client((*started)->port());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(client.Send(Post("x")));
    EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 500"));
  }
}

TEST_F(HttpServerTest, ThousandsSentAheadAreAnsweredInTheirOrder) {
  auto started = HttpServer::StartAsync(options_, [](HttpRequest request, HttpReply reply) {
    reply.Answer({.body = std::move(request.body)});
  });
  ASSERT_TRUE(started.ok());
  RawClient client((*started)->port());
  constexpr int kRequests = 5000;
  std::thread sending([&] {
    for (int i = 0; i < kRequests; ++i) client.Send(Post(std::to_string(i)));
  });
  for (int i = 0; i < kRequests; ++i) {
    ASSERT_TRUE(client.Receive().ends_with(fmt::format("\r\n\r\n{}", i)));
  }
  sending.join();
}

TEST_F(HttpServerTest, SharesItsPortWithNobody) {
  Start();
  HttpServer::Options same = options_;
  same.port = server_->port();

  const auto second = HttpServer::Start(same, [](const HttpRequest&) { return HttpResponse{}; });

  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(second.status()), HasSubstr(fmt::format("127.0.0.1:{}", same.port)));
}

TEST_F(HttpServerTest, StopClosesConnectionsThatAreIdle) {
  Start();
  RawClient silent(server_->port()), talked(server_->port());
  ASSERT_TRUE(talked.Send(Post("x")));
  EXPECT_THAT(talked.Receive(), StartsWith("HTTP/1.1 200"));

  server_->Stop();  // Would wait for an hour.

  EXPECT_TRUE(talked.SeesTheEnd());
  EXPECT_TRUE(silent.SeesTheEnd());
  EXPECT_FALSE(RawClient(server_->port()).connected());
}

TEST_F(HttpServerTest, StopLetsARequestThatIsBeingServedComeToItsAnswer) {
  std::promise<void> entered, released;
  Start([&](const HttpRequest& request) {
    entered.set_value();
    released.get_future().wait();
    return HttpResponse{.body = request.body};
  });
  RawClient client(server_->port());
  ASSERT_TRUE(client.Send(Post("late")));
  entered.get_future().wait();

  std::atomic<bool> stopped = false;
  std::thread stopping([&] {
    server_->Stop();
    stopped = true;
  });
  // It has begun to stop once it accepts nothing more.
  while (RawClient(server_->port()).connected()) std::this_thread::yield();
  EXPECT_FALSE(stopped);
  released.set_value();

  EXPECT_THAT(client.Receive(), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("late")));
  stopping.join();
  EXPECT_TRUE(client.SeesTheEnd());
  EXPECT_EQ(handled_, 1);
}

TEST_F(HttpServerTest, StopMayBeRepeated) {
  Start();
  server_->Stop();
  server_->Stop();
}

TEST_F(HttpServerTest, KnowsHowLongARequestWaitedForItsThread) {
  std::promise<void> go;
  std::vector<absl::Duration> waited;
  std::vector<absl::Time> began;
  Start([&](const HttpRequest& request) {
    waited.push_back(request.waited);
    began.push_back(SystemClock().Now());
    if (waited.size() == 1) go.get_future().wait();
    return HttpResponse{};
  });
  RawClient client(server_->port());
  ASSERT_TRUE(client.Send(Post("one")));
  while (handled_ == 0) std::this_thread::yield();
  const absl::Time before = SystemClock().Now();
  ASSERT_TRUE(client.Send(Post("two")));
  const absl::Time sent = SystemClock().Now();
  go.set_value();
  client.Receive();
  client.Receive();

  ASSERT_EQ(waited.size(), 2U);
  EXPECT_GE(waited[0], absl::ZeroDuration());
  // It was there when Send() returned, and not before it was called.
  EXPECT_GE(waited[1], began[1] - sent - absl::Milliseconds(1));
  EXPECT_LE(waited[1], began[1] - before + absl::Milliseconds(1));
}

}  // namespace
}  // namespace tocsin
