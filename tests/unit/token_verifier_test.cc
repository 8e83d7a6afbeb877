#include "dialer/token_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/status_macros.h"
#include "dialer/http_fetch.h"
#include "fmt/format.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_server.h"

namespace tocsin::dialer {
namespace {

using testing::HasSubstr;

constexpr char kResource[] = "c8b5b4c2-0000-4000-8000-000000000001";
const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

const wire::TokenSigner& Key(int number) {
  static const wire::TokenSigner keys[] = {wire::TokenSigner::Generate(),
                                           wire::TokenSigner::Generate()};
  return keys[number];
}

std::string Authorization(const wire::TokenSigner& key, const std::string& audience = kResource) {
  return "Bearer " + key.Sign({.issuer = kAcsIssuer,
                               .audience = audience,
                               .issued_at = kNow,
                               .expires_at = kNow + wire::kTokenLifetime});
}

Trunk GaTrunk(std::int64_t id) {
  Trunk trunk;
  trunk.id = TrunkId(id);
  trunk.endpoint = "https://contoso.communication.azure.com";
  trunk.dialect = Dialect::kGa;
  trunk.resource_id = kResource;
  return trunk;
}

// What stands at the URLs of issuers, and who asked.
class Issuer {
 public:
  absl::StatusOr<std::string> Fetch(const std::string& url) {
    std::unique_lock lock(mutex_);
    asked_.push_back(url);
    came_.notify_all();
    came_.wait(lock, [this] { return !held_; });
    return answer_;
  }
  void Answer(absl::StatusOr<std::string> answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  void Hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    came_.notify_all();
  }
  void WaitForAsked(std::size_t times) {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return asked_.size() >= times; });
  }
  std::size_t asked() {
    const std::lock_guard lock(mutex_);
    return asked_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::string> asked_;
  absl::StatusOr<std::string> answer_ = Key(0).KeySetJson();
  bool held_ = false;
};

class TokenVerifierTest : public testing::Test {
 protected:
  TokenVerifierTest() { trunks_ = std::vector{GaTrunk(1)}; }

  void Start(TokenVerifier::Options options = {}) {
    verifier_ = std::make_unique<TokenVerifier>(
        options,
        [this] {
          const std::lock_guard lock(mutex_);
          return trunks_;
        },
        [this](const std::string& url) { return issuer_.Fetch(url); }, clock_);
  }
  void SetTrunks(absl::StatusOr<std::vector<Trunk>> trunks) {
    const std::lock_guard lock(mutex_);
    trunks_ = std::move(trunks);
  }
  std::optional<CallbackRefusal> Check(const std::string& authorization, std::int64_t trunk = 1) {
    return verifier_->Check(TrunkId(trunk), authorization);
  }

  std::mutex mutex_;
  absl::StatusOr<std::vector<Trunk>> trunks_;
  FakeClock clock_{kNow};
  Issuer issuer_;
  std::unique_ptr<TokenVerifier> verifier_;
};

TEST_F(TokenVerifierTest, KeysAreFetchedBeforeAnybodyAsksAndServeManyCallbacks) {
  Start();
  issuer_.WaitForAsked(1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Check(Authorization(Key(0))), std::nullopt);
  EXPECT_EQ(issuer_.asked(), 1U);
}

TEST_F(TokenVerifierTest, WhatIsWrongIsToldApart) {
  Start();
  EXPECT_EQ(Check(""), CallbackRefusal::kTokenMissing);
  EXPECT_EQ(Check("Bearer "), CallbackRefusal::kTokenMissing);
  EXPECT_EQ(Check("Basic eDp5"), CallbackRefusal::kTokenMissing);
  EXPECT_EQ(Check("Bearer x.y.z"), CallbackRefusal::kTokenMalformed);
  EXPECT_EQ(Check("Bearer " + std::string(1 << 15, 'x')), CallbackRefusal::kTokenMalformed);
  EXPECT_EQ(Check(Authorization(Key(0), "x")), CallbackRefusal::kTokenOtherAudience);
  std::string damaged = Authorization(Key(0));
  char& changed = damaged[damaged.rfind('.') + 3];
  changed = changed == 'A' ? 'B' : 'A';
  EXPECT_EQ(Check(damaged), CallbackRefusal::kTokenForged);
  clock_.Advance(absl::Minutes(7));
  EXPECT_EQ(Check(Authorization(Key(0))), CallbackRefusal::kTokenExpired);
}

TEST_F(TokenVerifierTest, ATrunkMayHaveAnIssuerOfItsOwn) {
  Trunk other = GaTrunk(2);
  other.callback_issuer = "https://issuer.example.com";
  SetTrunks(std::vector{GaTrunk(1), other});
  Start();
  EXPECT_EQ(Check(Authorization(Key(0)), 1), std::nullopt);
  EXPECT_EQ(Check(Authorization(Key(0)), 2), CallbackRefusal::kTokenOtherIssuer);
}

TEST_F(TokenVerifierTest, ARotatedKeyIsFetchedWhileItsFirstCallbackWaits) {
  Start();
  ASSERT_EQ(Check(Authorization(Key(0))), std::nullopt);
  issuer_.Answer(Key(1).KeySetJson());
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(Check(Authorization(Key(1))), std::nullopt);
  EXPECT_EQ(issuer_.asked(), 2U);
  // The set no longer has the old one.
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(Check(Authorization(Key(0))), CallbackRefusal::kTokenUnknownKey);
}

TEST_F(TokenVerifierTest, UnknownKeysAskTheIssuerNowAndThenOnly) {
  Start();
  ASSERT_EQ(Check(Authorization(Key(0))), std::nullopt);
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(Check(Authorization(Key(1))), CallbackRefusal::kTokenUnknownKey);
  ASSERT_EQ(issuer_.asked(), 2U);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Check(Authorization(Key(1))), CallbackRefusal::kTokenUndecided);
  }
  clock_.Advance(absl::Milliseconds(900));
  EXPECT_EQ(Check(Authorization(Key(1))), CallbackRefusal::kTokenUndecided);
  EXPECT_EQ(issuer_.asked(), 2U);
  EXPECT_EQ(Check(Authorization(Key(0))), std::nullopt);
}

TEST_F(TokenVerifierTest, AnIssuerThatIsAwayDoesNotStopWhatItsKnownKeysSigned) {
  Start();
  ASSERT_EQ(Check(Authorization(Key(0))), std::nullopt);
  for (const absl::StatusOr<std::string>& nothing :
       {absl::StatusOr<std::string>(Unavailable("away")), absl::StatusOr<std::string>("<html>"),
        absl::StatusOr<std::string>(R"({"keys":[]})")}) {
    issuer_.Answer(nothing);
    clock_.Advance(absl::Seconds(10));
    EXPECT_EQ(Check(Authorization(Key(1))), CallbackRefusal::kTokenUndecided);
    EXPECT_EQ(Check(Authorization(Key(0))), std::nullopt);
  }
  EXPECT_EQ(verifier_->counters().fetch_failures, 3U);
  // Asked again by itself, without a callback.
  issuer_.Answer(Key(1).KeySetJson());
  clock_.Advance(absl::Seconds(10));
  issuer_.WaitForAsked(5);
  EXPECT_EQ(Check(Authorization(Key(1))), std::nullopt);
}

// Without any key every call is rung for nothing: the first is asked for soon again,
// and less and less often of an issuer that stays away.
TEST_F(TokenVerifierTest, UntilThereIsAKeyATrunkIsNotHeard) {
  issuer_.Answer(Unavailable("away"));
  Start();
  EXPECT_EQ(Check(Authorization(Key(0))), CallbackRefusal::kTokenUndecided);
  EXPECT_FALSE(verifier_->Hears(TrunkId(1)));
  EXPECT_TRUE(verifier_->Hears(TrunkId(2)));  // None of GA.

  std::size_t asked = 1;
  for (const int pause_ms : {250, 500, 1000, 2000, 4000, 8000, 10'000, 10'000}) {
    issuer_.WaitForAsked(asked);
    // The answer to the last may still be on its way into the verifier.
    while (verifier_->counters().fetch_failures < asked) std::this_thread::yield();
    clock_.Advance(absl::Milliseconds(pause_ms - 1));
    EXPECT_EQ(Check(Authorization(Key(0))), CallbackRefusal::kTokenUndecided);
    EXPECT_EQ(issuer_.asked(), asked);
    clock_.Advance(absl::Milliseconds(1));
    ++asked;
  }
  issuer_.WaitForAsked(asked);

  issuer_.Answer(Key(0).KeySetJson());
  clock_.Advance(absl::Seconds(10));
  issuer_.WaitForAsked(asked + 1);
  EXPECT_EQ(Check(Authorization(Key(0))), std::nullopt);
  EXPECT_TRUE(verifier_->Hears(TrunkId(1)));
}

TEST_F(TokenVerifierTest, KeysAreFetchedAgainFromTimeToTime) {
  Start({.refresh = absl::Minutes(2)});
  ASSERT_EQ(Check(Authorization(Key(0))), std::nullopt);
  issuer_.Answer(Key(1).KeySetJson());
  clock_.Advance(absl::Minutes(2));
  issuer_.WaitForAsked(2);
  EXPECT_EQ(Check(Authorization(Key(1))), std::nullopt);
  EXPECT_EQ(issuer_.asked(), 2U);
}

TEST_F(TokenVerifierTest, BeforeTheFirstFetchNothingCanBeDecidedAndNotManyWait) {
  issuer_.Hold(true);
  Start({.wait_max = absl::Hours(1), .waiting_max = 1});
  issuer_.WaitForAsked(1);
  std::mutex mutex;
  std::condition_variable came;
  std::vector<std::optional<CallbackRefusal>> verdicts;
  const auto ask = [&] {
    const auto verdict = Check(Authorization(Key(0)));
    const std::lock_guard lock(mutex);
    verdicts.push_back(verdict);
    came.notify_all();
  };
  std::jthread one(ask);
  std::jthread other(ask);
  {
    // Whoever comes second is let go at once.
    std::unique_lock lock(mutex);
    came.wait(lock, [&] { return verdicts.size() == 1; });
  }
  issuer_.Hold(false);
  one.join();
  other.join();
  EXPECT_THAT(verdicts, testing::ElementsAre(CallbackRefusal::kTokenUndecided, std::nullopt));
}

TEST_F(TokenVerifierTest, ATrunkThatIsNewIsLookedFor) {
  Start();
  ASSERT_EQ(Check(Authorization(Key(0))), std::nullopt);
  SetTrunks(std::vector{GaTrunk(1), GaTrunk(2)});
  EXPECT_EQ(Check(Authorization(Key(0)), 2), CallbackRefusal::kTokenUndecided);  // Read just now.
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(Check(Authorization(Key(0)), 2), std::nullopt);
  EXPECT_EQ(issuer_.asked(), 1U);  // The two have their keys in common.

  SetTrunks(Unavailable("the database is away"));
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(Check(Authorization(Key(0)), 3), CallbackRefusal::kTokenUndecided);
  EXPECT_EQ(Check(Authorization(Key(0)), 2), std::nullopt);

  Trunk may = GaTrunk(3);
  may.dialect = Dialect::kPreview202105;
  SetTrunks(std::vector{may});
  // Undecided for as long as they were read shortly before, whoever did that.
  auto verdict = Check(Authorization(Key(0)), 3);
  while (verdict == CallbackRefusal::kTokenUndecided) {
    clock_.Advance(absl::Seconds(10));
    verdict = Check(Authorization(Key(0)), 3);
  }
  EXPECT_EQ(verdict, CallbackRefusal::kTokenOtherTrunk);
}

TEST(FetchTokenKeys, FollowsAnIssuersConfigurationOverHttp) {
  std::string issuer = "https://issuer.example.com";
  std::string keys_path = "/keys";
  ScriptedServer* self = nullptr;
  ScriptedServer server([&](std::string_view request) {
    std::string body;
    if (request.starts_with("GET /configuration?v=1 ")) {
      body = fmt::format(R"({{"issuer":"{}","jwks_uri":"{}{}"}})", issuer, self->endpoint(),
                         keys_path);
    } else if (request.starts_with("GET /keys ")) {
      body = Key(0).KeySetJson();
    } else if (!request.starts_with("HEAD")) {
      return ScriptedServer::Reaction{ScriptedServer::Answer(404, "")};
    }
    return ScriptedServer::Reaction{ScriptedServer::Answer(200, body)};
  });
  self = &server;
  ConnectionPool pool({}, SystemClock());
  const auto fetch = [&] {
    return FetchTokenKeys({.issuer = "https://issuer.example.com",
                           .audience = "r",
                           .openid_configuration_url = server.endpoint() + "/configuration?v=1"},
                          [&pool](const std::string& url) { return FetchText(pool, url); });
  };
  const auto keys = fetch();
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(keys->size(), 1U);

  keys_path = "/nothing";
  EXPECT_THAT(Message(fetch().status()), HasSubstr("/nothing answered 404"));
  issuer = "https://elsewhere.example.com";
  EXPECT_THAT(Message(fetch().status()), HasSubstr("of another issuer"));
  server.HangUp(true);
  EXPECT_EQ(fetch().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(FetchText(pool, "nonsense").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(FetchTokenKeys, KeysBehindPlainHttpAreNotBelieved) {
  const auto keys = FetchTokenKeys(
      {.issuer = "i", .audience = "r", .openid_configuration_url = "https://i.example.com/c"},
      [](const std::string&) -> absl::StatusOr<std::string> {
        return R"({"issuer":"i","jwks_uri":"http://i.example.com/keys"})";
      });
  EXPECT_THAT(Message(keys.status()), HasSubstr("not behind https"));
}

}  // namespace
}  // namespace tocsin::dialer
