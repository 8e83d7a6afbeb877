// TLS between our server and our client, and against what is neither.
#include "base/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include "base/check.h"
#include "base/clock.h"
#include "base/http_client.h"
#include "base/http_server.h"
#include "base/status_macros.h"
#include "tests/support/certificates.h"
#include "tests/support/fake_clock.h"
#include "tests/support/raw_client.h"

namespace tocsin {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kNever_s = 3600;

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    options_.threads = 4;
    options_.body_max_bytes = 100'000;
    options_.keep_alive_timeout_s = kNever_s;
    files_ = authority_.Issue("server");
  }

  // Answers with the body unless told otherwise.
  void Start(const HttpServer::Handler& handler = {}, const Clock& clock = SystemClock()) {
    auto opened = ServedCertificate::Open("test", files_, clock);
    TOCSIN_CHECK(opened.ok());
    certificate_ = options_.certificate = *std::move(opened);
    auto started = HttpServer::Start(options_, [this, handler](const HttpRequest& request) {
      ++handled_;
      return handler ? handler(request) : HttpResponse{.body = request.body};
    });
    TOCSIN_CHECK(started.ok());
    server_ = *std::move(started);
  }

  std::unique_ptr<HttpClient> Client(const std::string& host = "127.0.0.1") {
    return NewHttpClient(fmt::format("https://{}:{}", host, server_->port()), authority_.ca_file());
  }

  // Why the client was refused, or refused to go on.
  std::string Failure(HttpClient& client) {
    const httplib::Result result = client.Get("/");
    EXPECT_FALSE(result);
    EXPECT_EQ(handled_, 0);
    return Message(client.tls_status());
  }

  const TestAuthority authority_;
  TlsFiles files_;
  HttpServer::Options options_;
  std::shared_ptr<ServedCertificate> certificate_;
  std::atomic<int> handled_{0};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(TlsTest, CarriesManyRequestsOnOneConnection) {
  Start();
  const auto client = Client();

  for (int i = 0; i < 300; ++i) {
    const auto answer = client->Post("/", std::to_string(i), "text/plain");
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->body, std::to_string(i));
  }

  MetricsPage page;
  certificate_->WriteMetrics(page);
  EXPECT_THAT(page.Text(), HasSubstr("tocsin_tls_handshakes_refused_total{listener=\"test\"} 0"));
}

TEST_F(TlsTest, CarriesBodiesOfManyRecordsBothWays) {
  Start();
  const auto client = Client();
  const std::string body(100'000, 'x');

  const auto answer = client->Post("/", body, "text/plain");

  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, body);
}

TEST_F(TlsTest, RefusesABodyThatIsTooLong) {
  Start();
  const auto answer = Client()->Post("/", std::string(100'001, 'x'), "text/plain");

  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 413);
  EXPECT_EQ(handled_, 0);
}

TEST_F(TlsTest, RefusesAHeadThatIsTooLong) {
  Start();
  httplib::Headers headers;
  for (int i = 0; i < 20'000; ++i) headers.emplace(fmt::format("X-{}", i), "x");

  const auto answer = Client()->Post("/", headers, "x", "text/plain");

  // The answer may be lost when the connection closes on what is still coming.
  EXPECT_TRUE(!answer || answer->status == 431);
  EXPECT_EQ(handled_, 0);
}

TEST_F(TlsTest, KnowsHowLongARequestWaited) {
  std::promise<void> go;
  std::promise<void> over;
  absl::Duration waited;
  absl::Time began;
  Start([&](const HttpRequest& request) {
    if (handled_ == 1) {
      go.get_future().wait();
    } else {
      waited = request.waited;
      began = SystemClock().Now();
      over.set_value();
    }
    return HttpResponse{};
  });
  const RawClient wire(server_->port());
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free);
  const std::unique_ptr<SSL, void (*)(SSL*)> tls(SSL_new(context.get()), SSL_free);
  ASSERT_EQ(SSL_set_fd(tls.get(), wire.socket()), 1);
  ASSERT_EQ(SSL_connect(tls.get()), 1);
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const auto send = [&] {
    return SSL_write(tls.get(), request.data(), static_cast<int>(request.size()));
  };
  ASSERT_GT(send(), 0);
  while (handled_ == 0) std::this_thread::yield();
  // While the first is being answered.
  const absl::Time before = SystemClock().Now();
  ASSERT_GT(send(), 0);
  const absl::Time sent = SystemClock().Now();
  go.set_value();
  over.get_future().wait();

  // It was there when it had been sent, and not before; by the kernel's clock and by ours.
  EXPECT_GE(waited, began - sent - absl::Milliseconds(1));
  EXPECT_LE(waited, began - before + absl::Milliseconds(1));
}

TEST_F(TlsTest, ServesTheNewCertificateToWhoeverConnectsAfterIt) {
  Start();
  const auto before = Client();
  ASSERT_TRUE(before->Get("/"));
  const TestAuthority other;
  const TlsFiles renewed = other.Issue("server");
  std::filesystem::rename(renewed.key, files_.key);
  std::filesystem::rename(renewed.certificate, files_.certificate);

  // One that is open goes on.
  EXPECT_TRUE(before->Get("/"));
  const auto after =
      NewHttpClient(fmt::format("https://127.0.0.1:{}", server_->port()), other.ca_file());
  EXPECT_TRUE(after->Get("/"));
  handled_ = 0;
  EXPECT_THAT(Failure(*Client()), HasSubstr("not trusted"));
}

TEST_F(TlsTest, TheClientTrustsOnlyItsAuthorities) {
  Start();
  const TestAuthority other;
  const auto client =
      NewHttpClient(fmt::format("https://127.0.0.1:{}", server_->port()), other.ca_file());

  EXPECT_THAT(Failure(*client), AllOf(HasSubstr("not trusted"), HasSubstr("--tls-ca-file")));
}

TEST_F(TlsTest, TheClientTrustsTheSystemsAuthoritiesIfNoneAreNamed) {
  Start();
  const auto client = NewHttpClient(fmt::format("https://127.0.0.1:{}", server_->port()), "");

  EXPECT_THAT(Failure(*client), HasSubstr("not trusted"));
}

TEST_F(TlsTest, TheClientWantsACertificateForTheNameItAskedFor) {
  files_ = authority_.Issue("server", {.hosts = {"calls.example.com", "localhost"}});
  Start();

  EXPECT_TRUE(Client("localhost")->Get("/"));
  handled_ = 0;
  EXPECT_THAT(Failure(*Client("127.0.0.1")),
              HasSubstr("is for calls.example.com, localhost, not for 127.0.0.1"));
}

// A server whose clock is two hours slow still serves it.
TEST_F(TlsTest, TheClientSaysThatACertificateHasExpired) {
  const FakeClock slow(SystemClock().Now() - absl::Hours(2));
  files_ = authority_.Issue("server", {.begins = -absl::Hours(3), .ends = -absl::Hours(1)});
  Start({}, slow);

  EXPECT_THAT(Failure(*Client()), HasSubstr("has expired"));
}

TEST_F(TlsTest, TheClientReadsItsAuthoritiesAgainWhenTheyHaveChanged) {
  Start();
  const TestAuthority other;
  const std::string origin = fmt::format("https://127.0.0.1:{}", server_->port());
  EXPECT_THAT(Failure(*NewHttpClient(origin, other.ca_file())), HasSubstr("not trusted"));

  std::filesystem::copy_file(authority_.ca_file(), other.ca_file(),
                             std::filesystem::copy_options::overwrite_existing);

  EXPECT_TRUE(NewHttpClient(origin, other.ca_file())->Get("/"));
}

TEST_F(TlsTest, TheClientSaysThatItsAuthoritiesCannotBeRead) {
  Start();
  const auto client =
      NewHttpClient(fmt::format("https://127.0.0.1:{}", server_->port()), "/nowhere/ca.pem");

  EXPECT_THAT(Failure(*client), HasSubstr("/nowhere/ca.pem cannot be read"));
}

TEST_F(TlsTest, TheClientSaysThatTheServerDoesNotSpeakTls) {
  auto plain = HttpServer::Start({}, [](const HttpRequest&) { return HttpResponse{}; });
  ASSERT_TRUE(plain.ok());
  const auto client = NewHttpClient(fmt::format("https://127.0.0.1:{}", (*plain)->port()), "");

  EXPECT_THAT(Failure(*client), HasSubstr("http instead of https?"));
}

TEST_F(TlsTest, TheClientDoesNotWaitForAHandshakeForever) {
  // Connects, since the kernel takes it, and never answers.
  Start([](const HttpRequest&) { return HttpResponse{}; });
  const SilentListener silent;
  const auto client = NewHttpClient(fmt::format("https://127.0.0.1:{}", silent.port()), "");
  client->set_connection_timeout(0, 200'000);

  EXPECT_THAT(Failure(*client), HasSubstr("took too long"));
}

TEST_F(TlsTest, OnlyClientsWithACertificateAreLetInIfItSaysSo) {
  files_.client_ca = authority_.ca_file();
  Start();

  Failure(*Client());

  server_->Stop();  // It counts after the client has been told.
  MetricsPage page;
  certificate_->WriteMetrics(page);
  EXPECT_THAT(page.Text(), HasSubstr("tocsin_tls_handshakes_refused_total{listener=\"test\"} 1"));
}

TEST_F(TlsTest, ClosesOnWhoeverSpeaksNoTlsAndServesTheNext) {
  Start();
  RawClient plain(server_->port()), garbage(server_->port());

  ASSERT_TRUE(plain.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(garbage.Send(std::string(3000, '\x7f')));

  plain.SeesTheEnd();
  garbage.SeesTheEnd();
  EXPECT_EQ(handled_, 0);
  EXPECT_TRUE(Client()->Get("/"));
}

TEST_F(TlsTest, DoesNotWaitLongForAHandshake) {
  options_.read_timeout_s = 1;
  options_.connections_max = 1;
  Start();
  RawClient slow(server_->port());
  ASSERT_TRUE(slow.Send("\x16\x03\x01"));

  // Its place is the only one there is.
  EXPECT_TRUE(Client()->Get("/"));
  slow.SeesTheEnd();
}

TEST_F(TlsTest, StopClosesConnectionsThatAreIdleAndThoseThatNeverBegan) {
  Start();
  RawClient silent(server_->port());
  const auto talked = Client();
  ASSERT_TRUE(talked->Get("/"));

  server_->Stop();  // Would wait for an hour.

  EXPECT_TRUE(silent.SeesTheEnd());
}

// A farewell is no answer, and nothing may be sent after it.
TEST_F(TlsTest, TheClientKnowsAQuietConnectionFromOneThatTheServerHasClosed) {
  Start();
  const auto client = Client();
  EXPECT_FALSE(client->IsOpenAndQuiet());
  ASSERT_TRUE(client->Get("/"));
  EXPECT_TRUE(client->IsOpenAndQuiet());
  EXPECT_TRUE(client->IsOpenAndQuiet());

  server_->Stop();

  EXPECT_FALSE(client->IsOpenAndQuiet());
}

TEST_F(TlsTest, TheClientResumesAnEarlierSession) {
  Start([](const HttpRequest&) { return HttpResponse{.headers = {{"Connection", "close"}}}; });
  const auto client = Client();

  ASSERT_TRUE(client->Get("/"));
  EXPECT_FALSE(client->resumed());
  ASSERT_TRUE(client->Get("/"));
  EXPECT_TRUE(client->resumed());
}

// A client that is none of ours, as far as it gets: what it is answered, or nothing.
std::string AskBy(SSL_CTX* context, int port) {
  const RawClient client(port);
  SSL* const tls = SSL_new(context);
  SSL_set_fd(tls, client.socket());
  std::string answer;
  constexpr std::string_view kAsked = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  if (SSL_connect(tls) == 1 && SSL_write(tls, kAsked.data(), static_cast<int>(kAsked.size())) > 0) {
    char bytes[4096];
    for (int n = 0; (n = SSL_read(tls, bytes, sizeof(bytes))) > 0;) {
      answer.append(bytes, static_cast<std::size_t>(n));
    }
  }
  SSL_free(tls);
  return answer;
}

using ForeignContext = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;

TEST_F(TlsTest, LetsInWhoeverHasACertificateByItsAuthorities) {
  files_.client_ca = authority_.ca_file();
  Start();
  const TestAuthority stranger;
  for (const auto& [files, answer] : {std::pair(authority_.Issue("person"), "HTTP/1.1 200"),
                                      std::pair(stranger.Issue("person"), "")}) {
    const ForeignContext context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    ASSERT_EQ(SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()), 1);
    ASSERT_EQ(SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM), 1);

    EXPECT_EQ(AskBy(context.get(), server_->port()).substr(0, 12), answer);
  }
  EXPECT_EQ(handled_, 1);
}

TEST_F(TlsTest, SpeaksTls12AndNothingOlder) {
  Start();
  for (const auto& [version, answer] :
       {std::pair(TLS1_2_VERSION, "HTTP/1.1 200"), std::pair(TLS1_1_VERSION, "")}) {
    const ForeignContext context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_max_proto_version(context.get(), version);

    EXPECT_EQ(AskBy(context.get(), server_->port()).substr(0, 12), answer);
  }
  EXPECT_EQ(handled_, 1);
}

}  // namespace
}  // namespace tocsin
