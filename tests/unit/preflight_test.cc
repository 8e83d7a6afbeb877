#include "dialer/preflight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/status_macros.h"
#include "callserver/server.h"
#include "dialer/event_receiver.h"
#include "dialer/owned_numbers.h"
#include "fmt/format.h"
#include "tests/support/recording_store.h"
#include "tests/support/scripted_server.h"
#include "wire/digest.h"
#include "wire/json_text.h"
#include "wire/json_web_token.h"
#include "wire/request_signing.h"

namespace tocsin::dialer {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Reaction = ScriptedServer::Reaction;

constexpr char kKey[] = "YnVsay1kaWFsZXItdGVzdC1rZXktMDEyMzQ1Njc4OSE=";
constexpr char kOtherKey[] = "c2l4dGVlbiBieXRlcyBvciBtb3Jl";
// Another machine for those who look at the address; nobody listens, and nobody is
// asked for a name.
constexpr char kElsewhere[] = "https://0.0.0.0:1";
const wire::CallbackKey kCallbackKey{"k1", Secret("0123456789abcdef")};

class PreflightTest : public testing::Test {
 protected:
  PreflightTest() {
    subject_.trunk.id = TrunkId(5);
    subject_.trunk.name = "carrier";
    subject_.trunk.endpoint = "http://127.0.0.1:1";
    subject_.trunk.caller_numbers = {*PhoneNumber::Parse("+12085550100"),
                                     *PhoneNumber::Parse("+12085550101")};
  }

  Trunk& trunk() { return subject_.trunk; }

  // The call server of ours, which wants its requests signed with kKey.
  std::string StartCallServer() {
    callserver::CallServer::Options options;
    options.access_key = Secret(kKey);
    call_server_ = *callserver::CallServer::Start(options, SystemClock());
    return fmt::format("http://127.0.0.1:{}", call_server_->port());
  }

  // A receiver as the nodes have it.
  std::string StartReceiver(const wire::CallbackKey& key) {
    receiver_ = std::make_unique<EventReceiver>(
        *wire::CallbackSigner::Create({key}), tokens_, recorder_,
        [](const std::string&) { return absl::NotFoundError("none"); }, SystemClock());
    callbacks_ = *HttpServer::StartAsync({}, [this](HttpRequest request, HttpReply reply) {
      receiver_->Handle(std::move(request), std::move(reply));
    });
    return fmt::format("http://127.0.0.1:{}/prefix", callbacks_->port());
  }

  // Something else: answers everything that `react` has nothing to say to with 404.
  std::string StartScripted(std::function<std::string(std::string_view request)> react) {
    scripted_ = std::make_unique<ScriptedServer>([react](std::string_view request) {
      if (request.starts_with("HEAD")) return Reaction{ScriptedServer::Answer(200, "")};
      std::string bytes = react(request);
      return Reaction{bytes.empty() ? ScriptedServer::Answer(404, "{}") : std::move(bytes)};
    });
    return scripted_->endpoint();
  }

  TrunkCheck Check(const std::string& name) {
    ConnectionPool pool({.timeouts = {.connect = absl::Seconds(2)}}, SystemClock());
    Credentials credentials(
        [this](const std::string& variable) -> std::optional<std::string> {
          const auto it = environment_.find(variable);
          if (it == environment_.end()) return std::nullopt;
          return it->second;
        },
        SystemClock());
    last_ = CheckTrunkBeforehand(subject_, pool, credentials, SystemClock());
    for (const TrunkCheck& check : last_) {
      EXPECT_FALSE(check.finding.empty()) << check.check;
      EXPECT_TRUE(check.verdict != CheckVerdict::kBad || !check.remedy.empty()) << check.check;
      for (const char* secret : {kKey, kOtherKey, "2085550100"}) {
        EXPECT_THAT(check.finding + check.remedy, Not(HasSubstr(secret))) << check.check;
      }
      if (check.check == name) return check;
    }
    ADD_FAILURE() << "no check " << name;
    return {};
  }

  void ExpectGood(const std::string& name) {
    const TrunkCheck check = Check(name);
    EXPECT_EQ(check.verdict, CheckVerdict::kGood) << name << ": " << check.finding;
  }
  void ExpectBad(const std::string& name, const std::string& finding, const std::string& remedy) {
    const TrunkCheck check = Check(name);
    EXPECT_EQ(check.verdict, CheckVerdict::kBad) << name << ": " << check.finding;
    EXPECT_THAT(check.finding, HasSubstr(finding));
    EXPECT_THAT(check.remedy, HasSubstr(remedy));
    EXPECT_FALSE(AllGood(last_));
  }
  void ExpectNotChecked(const std::string& name, const std::string& finding) {
    const TrunkCheck check = Check(name);
    EXPECT_EQ(check.verdict, CheckVerdict::kNotChecked) << name << ": " << check.finding;
    EXPECT_THAT(check.finding, HasSubstr(finding));
  }

  PreflightSubject subject_;
  std::map<std::string, std::string> environment_{{"KEY", kKey}, {"OTHER", kOtherKey}};
  std::vector<TrunkCheck> last_;
  std::unique_ptr<callserver::CallServer> call_server_;
  std::unique_ptr<ScriptedServer> scripted_;
  RecordingStore store_;
  FactRecorder recorder_{{}, store_, SystemClock()};
  TokenVerifier tokens_{{},
                        [] { return std::vector<Trunk>(); },
                        [](const std::string&) { return absl::NotFoundError("none"); },
                        SystemClock()};
  std::unique_ptr<EventReceiver> receiver_;
  std::unique_ptr<HttpServer> callbacks_;
};

TEST_F(PreflightTest, EverythingIsGoodOnEachDialectOfOurOwnCallServer) {
  trunk().endpoint = StartCallServer();
  trunk().credential = {CredentialKind::kAccessKey, "env:KEY"};
  subject_.callback_url = StartReceiver(kCallbackKey);
  subject_.callback_keys = {kCallbackKey};
  for (const Dialect dialect : {Dialect::kPreview202104, Dialect::kPreview202105, Dialect::kGa}) {
    trunk().dialect = dialect;
    for (const char* name : {"settings", "secret", "endpoint", "credentials", "caller numbers",
                             "callback url", "receiver", "limits"}) {
      ExpectGood(name);
    }
    EXPECT_TRUE(AllGood(last_)) << Name(dialect);
  }
  ExpectGood("token keys");
  EXPECT_EQ(store_.facts(), 0U);  // The probe of the receiver says nothing about calls.
  EXPECT_EQ(call_server_->stats().creates, 0);
}

TEST_F(PreflightTest, AKeyThatIsNotTheResourcesIsRefused) {
  trunk().endpoint = StartCallServer();
  trunk().credential = {CredentialKind::kAccessKey, "env:OTHER"};
  for (const Dialect dialect : {Dialect::kPreview202104, Dialect::kPreview202105, Dialect::kGa}) {
    trunk().dialect = dialect;
    ExpectBad("credentials", "refused: 401", "current");
  }
  trunk().credential = {};
  ExpectBad("credentials", "refused: 401", "name an access key");
  ExpectNotChecked("secret", "on this machine");
}

TEST_F(PreflightTest, WhatAnEndpointSaysOfCredentialsIsToldApart) {
  int status = 403;
  trunk().endpoint = StartScripted([&](std::string_view) {
    return ScriptedServer::Answer(status, R"({"code":"Denied","message":"+12085550100 is no"})");
  });
  ExpectBad("credentials", "403 Denied +*** is no", "");
  status = 429;
  ExpectNotChecked("credentials", "429");
  status = 500;
  ExpectNotChecked("credentials", "500");
  status = 400;
  ExpectGood("credentials");
}

TEST_F(PreflightTest, SettingsThatCannotBeAreNamed) {
  trunk().dialect = Dialect::kGa;
  trunk().endpoint = kElsewhere;
  trunk().jwks_url = "https://0.0.0.0:1/keys";
  ExpectBad("settings", "resource_id is needed", "apply that again");
}

TEST_F(PreflightTest, ASecretThatIsNotThereOrNotSafeIsNamed) {
  trunk().credential = {CredentialKind::kAccessKey, "env:GONE"};
  ExpectBad("secret", "GONE is not set", "on every node");
  ExpectNotChecked("credentials", "did not answer");

  const std::string path = testing::TempDir() + "preflight_test.key";
  std::ofstream(path) << kKey;
  trunk().credential = {CredentialKind::kAccessKey, "file:" + path};
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  ExpectBad("secret", "read by everybody", "chmod");
  std::filesystem::permissions(path, std::filesystem::perms(0640));
  ExpectGood("secret");
  std::filesystem::remove(path);

  trunk().credential = {};
  trunk().endpoint = kElsewhere;
  ExpectBad("secret", "not signed", "access key");
}

TEST_F(PreflightTest, ABearerTokenIsGoodForAsLongAsItSays) {
  const std::string path = testing::TempDir() + "preflight_test.token";
  const auto write = [&](absl::Duration left) {
    wire::JsonObject payload;
    payload.AddInteger("exp", absl::ToUnixSeconds(SystemClock().Now() + left));
    std::ofstream(path) << fmt::format("{}.{}.{}", wire::Base64Url("{}"),
                                       wire::Base64Url(std::move(payload).Finish()), "c2ln");
    std::filesystem::permissions(path, std::filesystem::perms(0600));
  };
  trunk().credential = {CredentialKind::kBearerToken, "file:" + path};
  std::string authorization;
  trunk().endpoint = StartScripted([&](std::string_view request) {
    return ScriptedServer::Answer(
        request.find("Authorization: Bearer ") == std::string_view::npos ? 401 : 404, "{}");
  });
  write(absl::Hours(1));
  EXPECT_THAT(Check("secret").finding, AllOf(HasSubstr("bearer_token"), HasSubstr("good for 59m")));
  ExpectGood("secret");
  ExpectGood("credentials");
  write(absl::Minutes(2));
  ExpectBad("secret", "good for 1m", "renews");
  write(-absl::Minutes(2));
  ExpectBad("secret", "expired", "");
  ExpectNotChecked("credentials", "no secret");
  std::filesystem::remove(path);
}

TEST_F(PreflightTest, AnEndpointThatIsNotThereOrDoesNotAnswerIsBad) {
  ExpectBad("endpoint", "could not connect", "connect to it");
  ExpectNotChecked("clock", "did not answer");

  ScriptedServer silent([](std::string_view request) {
    if (request.starts_with("HEAD")) return Reaction{ScriptedServer::Answer(200, "")};
    return Reaction{"", ScriptedServer::Then::kClose};
  });
  trunk().endpoint = silent.endpoint();
  ExpectBad("endpoint", "no answer", "listens there");
}

TEST_F(PreflightTest, TheClockIsHeldAgainstTheEndpoints) {
  absl::Duration ahead;
  trunk().endpoint = StartScripted([&](std::string_view) {
    const std::string date = wire::FormatRfc1123(SystemClock().Now() + ahead);
    return ScriptedServer::Answer(404, "{}", fmt::format("Date: {}\r\n", date));
  });
  ExpectGood("clock");
  ahead = absl::Minutes(10);
  ExpectBad("clock", "behind", "NTP");
  ahead = -absl::Minutes(10);
  trunk().dialect = Dialect::kGa;
  ExpectBad("clock", "ahead", "tokens of callbacks");

  trunk().endpoint = StartScripted([](std::string_view) { return std::string(); });
  ExpectNotChecked("clock", "does not say");
}

TEST_F(PreflightTest, CallerNumbersAreSuchAsOneMayCallBack) {
  trunk().caller_numbers.push_back(*PhoneNumber::Parse("+19005550100"));
  ExpectBad("caller numbers", "1 of 3", "may call");
  trunk().caller_numbers.pop_back();
  trunk().endpoint = kElsewhere;
  ExpectBad("caller numbers", "2 of 2 are rehearsal numbers", "yours");
  trunk().caller_numbers.clear();
  ExpectBad("caller numbers", "none", "add");
}

TEST_F(PreflightTest, NumbersThatTheResourceDoesNotHaveAreToldByTheirPlace) {
  // The check asks other machines alone, which a test has none of.
  ExpectNotChecked("numbers owned", "on this machine");

  std::string body = R"({"phoneNumbers":[{"phoneNumber":"+12085550101"}]})";
  int pages = 0;
  TrunkAddress address = TrunkAddress::Of(trunk());
  address.endpoint = StartScripted([&](std::string_view request) -> std::string {
    if (!request.starts_with("GET /phoneNumbers?skip=")) return "";
    ++pages;
    return ScriptedServer::Answer(200, body);
  });
  ConnectionPool pool({}, SystemClock());
  Credentials credentials(nullptr, SystemClock());
  const auto owned = [&] { return FetchOwnedNumbers(address, pool, credentials, SystemClock()); };
  const auto all = owned();
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(*all, (std::set<std::string>{"+12085550101"}));
  EXPECT_EQ(pages, 1);

  // A full page has a next one, and a list without an end is given up.
  body = R"({"phoneNumbers":[{"phoneNumber":"+12085550101"})";
  for (int i = 1; i < 100; ++i) body += R"(,{"phoneNumber":"+12085550101"})";
  body += "]}";
  EXPECT_THAT(Message(owned().status()), HasSubstr("no end"));
  body = R"({"value":[]})";
  EXPECT_THAT(Message(owned().status()), HasSubstr("phoneNumbers must be an array"));
  address.endpoint = StartScripted([](std::string_view) { return std::string(); });
  EXPECT_THAT(Message(owned().status()), HasSubstr("answers 404"));
}

TEST_F(PreflightTest, ACallbackUrlMustBeOneThatAProviderReaches) {
  trunk().endpoint = kElsewhere;
  const std::pair<const char*, const char*> cases[] = {
      {"http://calls.example.com", "not https"},
      {"https://localhost/tocsin", "this machine's own"},
      {"https://calls.example.com:8443/tocsin", "port 8443"},
      {"https://calls example com", "endpoint must be"},
  };
  for (const auto& [url, finding] : cases) {
    subject_.callback_url = url;
    ExpectBad("callback url", finding, "");
  }
  subject_.callback_url = "https://calls.example.com/tocsin";
  ExpectGood("callback url");
  subject_.callback_url = "";
  ExpectNotChecked("callback url", "not known");
  ExpectNotChecked("receiver", "not known");
}

TEST_F(PreflightTest, TheReceiverIsOneOfOursWithTheSameKeys) {
  subject_.callback_keys = {kCallbackKey};
  for (const Dialect dialect : {Dialect::kPreview202105, Dialect::kGa}) {
    trunk().dialect = dialect;
    subject_.callback_url = StartReceiver(kCallbackKey);
    ExpectGood("receiver");
    subject_.callback_url = StartReceiver({"k1", Secret("fedcba9876543210")});
    ExpectBad("receiver", "does not know our signature", "same callback keys");
    subject_.callback_url = StartScripted([](std::string_view) { return std::string(); });
    ExpectBad("receiver", "answers 404", "leads to the receiver");
    subject_.callback_url = "http://127.0.0.1:1";
    ExpectBad("receiver", "could not connect", "role receiver");
  }
  // Whoever says yes to everything is no receiver that asks for tokens.
  subject_.callback_url =
      StartScripted([](std::string_view) { return ScriptedServer::Answer(200, "{}"); });
  ExpectBad("receiver", "answers 200", "leads to the receiver");
  subject_.callback_keys.clear();
  ExpectNotChecked("receiver", "keys of callback URLs are not known");
}

TEST_F(PreflightTest, TheKeysOfTokensCanBeFetched) {
  ExpectNotChecked("token keys", "no tokens");
  trunk().dialect = Dialect::kGa;
  std::string keys = wire::TokenSigner::Generate().KeySetJson();
  trunk().endpoint = StartScripted([&](std::string_view request) {
    return request.starts_with("GET /calling/keys ") ? ScriptedServer::Answer(200, keys) : "";
  });
  ExpectGood("token keys");
  keys = R"({"keys":[{"kty":"EC","kid":"k"}]})";
  ExpectBad("token keys", "has no RSA key", "jwks_url");
  trunk().endpoint = StartScripted([](std::string_view) { return std::string(); });
  ExpectBad("token keys", "answered 404", "jwks_url");
}

TEST_F(PreflightTest, LiveDialingNeedsItsThreePermissions) {
  ExpectNotChecked("live dialing", "only this machine");
  trunk().endpoint = kElsewhere;
  ExpectBad("live dialing",
            "live_dialing is off; allowed_regions is not set; spend_ceiling_calls is not set",
            "no campaign can call");
  trunk().live_dialing = true;
  trunk().allowed_regions = {"US"};
  trunk().spend_ceiling_calls = 10;
  subject_.sends = 10;
  ExpectBad("live dialing", "used up: 10 of 10", "");
  subject_.sends = 4;
  EXPECT_THAT(Check("live dialing").finding, HasSubstr("into US; 6 of 10 requests left"));
}

TEST_F(PreflightTest, SaysWhichLimitBinds) {
  trunk().calls_per_second = 10;
  trunk().concurrent_max = 200;
  trunk().concurrent_max_per_caller = 2;
  const TrunkCheck concurrency = Check("limits");
  EXPECT_THAT(concurrency.finding,
              AllOf(HasSubstr("concurrency binds: 4 calls at once carry 0.093"),
                    HasSubstr("of the 10 allowed")));
  EXPECT_THAT(concurrency.remedy, HasSubstr("430 calls at once, on 215 caller numbers"));
  EXPECT_TRUE(CapacityOf(trunk()).concurrency_binds);

  trunk().concurrent_max_per_caller = 100;
  trunk().calls_per_second = 4;
  EXPECT_FALSE(CapacityOf(trunk()).concurrency_binds);
  EXPECT_THAT(Check("limits").finding, HasSubstr("the rate binds: 4 calls/s; 200 calls"));
  trunk().endpoint = kElsewhere;
  EXPECT_THAT(Check("limits").finding, HasSubstr("more than ACS allows"));
}

}  // namespace
}  // namespace tocsin::dialer
