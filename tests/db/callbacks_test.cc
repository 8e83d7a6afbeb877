// Callbacks over HTTP into a real store: who may change what is known of a call.
#include <pqxx/pqxx>

#include "base/status_macros.h"
#include "db/pg_store.h"
#include "dialer/dialer.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/pg_store_kind.h"
#include "tests/store/store_harness.h"
#include "tests/support/postgres.h"
#include "tests/support/scripted_server.h"
#include "wire/events.h"
#include "wire/json_web_token.h"

namespace tocsin::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

const wire::CallbackKey kKey{"k1", Secret("0123456789abcdef")};

std::unique_ptr<db::PgStore> Open(const TestDatabase& database) {
  auto store =
      db::PgStore::Open({.database_url = Secret(database.ConnectionString()), .pool_size = 4});
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

// What would end the call, and with it the person's turn.
std::string Terminated() {
  wire::Event event;
  event.occurred_at = SystemClock().Now();
  event.body = wire::CallStateChanged{"leg", "", wire::CallState::kTerminated};
  return wire::EncodeEvent(event);
}

class CallbacksTest : public ::testing::Test {
 protected:
  CallbacksTest() {
    harness_.now = SystemClock().Now();
    Trunk trunk = SomeTrunk();
    trunk.endpoint = provider_.endpoint();
    trunk.dialect = Dialect::kGa;
    trunk.resource_id = "resource";
    harness_.trunk = *store_->SaveTrunk(trunk, harness_.now);
    attempt_ = harness_.Dial(harness_.Running(1)).at(0).key;

    dialer::Dialer::Options options;
    options.callback_keys = {kKey};
    options.send_workers = 2;
    options.action_workers = 2;
    options.receiver_keep_alive_s = 1;
    options.tokens.wait_max = absl::Minutes(1);
    dialer_ = *dialer::Dialer::Start(
        options, *store_, [](const std::string&) { return absl::NotFoundError("none"); }, nullptr,
        SystemClock());
  }

  std::string Authorization(const wire::TokenSigner& key, const std::string& issuer = kAcsIssuer,
                            const std::string& audience = "resource",
                            absl::Duration age = absl::ZeroDuration()) {
    const absl::Time then = SystemClock().Now() - age;
    return "Bearer " + key.Sign({.issuer = issuer,
                                 .audience = audience,
                                 .issued_at = then,
                                 .expires_at = then + wire::kTokenLifetime});
  }

  std::string Path(const std::string& secret = "0123456789abcdef") {
    const auto signer = *wire::CallbackSigner::Create({{"k1", Secret(secret)}});
    return signer.Sign({attempt_, harness_.trunk.id}, "");
  }

  // The status of the answer.
  int Post(const std::string& path, const std::string& authorization) {
    auto loan = client_.Borrow(dialer_->callback_base_url());
    EXPECT_TRUE(loan.ok()) << loan.status();
    dialer::HttpOrder order{.method = "POST", .path_and_query = path, .body = Terminated()};
    if (!authorization.empty()) order.headers = {{"Authorization", authorization}};
    const dialer::HttpResult result = loan->Send(order);
    const auto* answer = std::get_if<dialer::HttpAnswer>(&result);
    return answer == nullptr ? 0 : answer->status;
  }

  // Everything that events could change.
  std::string Known() {
    pqxx::connection connection(database_.ConnectionString());
    pqxx::nontransaction session(connection);
    return session
        .exec(R"(
          SELECT concat_ws('; ', (SELECT count(*) FROM call_event),
              (SELECT string_agg(concat_ws(' ', state, disposition, delivery, ended_at), ',')
               FROM call_attempt),
              (SELECT string_agg(coalesce(outcome::text, 'none'), ',') FROM recipient)))")
        .front()
        .front()
        .c_str();
  }

  std::string Metrics() {
    MetricsPage page;
    dialer_->WriteMetrics(page, [](TrunkId) { return std::string("local"); });
    return page.Text();
  }

  const wire::TokenSigner key_ = wire::TokenSigner::Generate();
  ScriptedServer provider_{[this](std::string_view request) {
    const bool keys = request.starts_with("GET /calling/keys ");
    return ScriptedServer::Reaction{ScriptedServer::Answer(200, keys ? key_.KeySetJson() : "")};
  }};
  TestDatabase database_{MigrateToNewest};
  std::unique_ptr<db::PgStore> store_ = Open(database_);
  StoreHarness harness_{*store_, *store_};
  dialer::ConnectionPool client_{{}, SystemClock()};
  std::unique_ptr<dialer::Dialer> dialer_;
  AttemptKey attempt_;
};

TEST_F(CallbacksTest, WhoeverIsNotTheProviderChangesNothing) {
  const std::string good = Authorization(key_);
  const wire::TokenSigner stranger = wire::TokenSigner::Generate();
  const std::string path = Path();
  std::string stripped = path;
  stripped.erase(stripped.find("t="), stripped.find("k=") - stripped.find("t="));
  std::string forged = good;
  char& damaged = forged[forged.rfind('.') + 3];
  damaged = damaged == 'A' ? 'B' : 'A';
  const std::string before = Known();

  const struct {
    std::string path;
    std::string authorization;
    const char* reason;
  } attempts[] = {
      {Path("another secret!!"), good, "forged"},
      {stripped, "", "forged"},
      {stripped, good, "forged"},
      {path, "", "token_missing"},
      {path, "Bearer none", "token_malformed"},
      {path, forged, "token_forged"},
      {path, Authorization(key_, "https://elsewhere.example.com"), "token_other_issuer"},
      {path, Authorization(key_, kAcsIssuer, "other"), "token_other_audience"},
      {path, Authorization(key_, kAcsIssuer, "resource", absl::Hours(1)), "token_expired"},
      {path, Authorization(key_, kAcsIssuer, "resource", -absl::Hours(1)), "token_not_yet_valid"},
  };
  for (const auto& [url, authorization, reason] : attempts) {
    EXPECT_EQ(Post(url, authorization), 401) << reason;
    EXPECT_THAT(
        Metrics(),
        Not(HasSubstr(fmt::format("tocsin_callbacks_refused_total{{reason=\"{}\"}} 0", reason))));
  }
  // 503 as long as the set was fetched just now: the key might be newer than that.
  EXPECT_THAT(Post(path, Authorization(stranger)), AnyOf(401, 503));
  EXPECT_EQ(Known(), before);

  EXPECT_EQ(Post(path, good), 200);
  EXPECT_NE(Known(), before);
  EXPECT_THAT(Known(), HasSubstr("ENDED"));
  harness_.ExpectNoFindings();
}

TEST_F(CallbacksTest, TheProviderIsHeardWhileItsKeysCannotBeFetched) {
  ASSERT_EQ(Post(Path(), ""), 401);
  ASSERT_THAT(Metrics(), HasSubstr("tocsin_callback_key_fetches_total"));
  const std::string before = Known();
  EXPECT_EQ(Post(Path(), Authorization(key_, kAcsIssuer, "other")), 401);  // Has the keys now.
  provider_.HangUp(true);
  EXPECT_EQ(Known(), before);
  EXPECT_EQ(Post(Path(), Authorization(key_)), 200);
  EXPECT_THAT(Known(), HasSubstr("ENDED"));
}

}  // namespace
}  // namespace tocsin::testing
