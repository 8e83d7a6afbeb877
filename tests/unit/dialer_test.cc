#include "dialer/dialer.h"

#include <future>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/recording_store.h"
#include "tests/support/scripted_server.h"
#include "wire/events.h"

namespace tocsin::dialer {
namespace {

using Reaction = ScriptedServer::Reaction;
using testing::HasSubstr;

const AttemptKey kAttempt{CampaignId(7), AttemptId(8)};
const wire::CallbackKey kKey{"k1", Secret("0123456789abcdef")};

// One trunk, one campaign; what is live, pending and owed is the test's.
class SweptStore final : public RecordingStore {
 public:
  absl::StatusOr<std::vector<Trunk>> ListTrunks() override {
    Trunk trunk;
    trunk.id = TrunkId(5);
    trunk.endpoint = endpoint;
    return std::vector{trunk};
  }
  absl::StatusOr<std::vector<ActiveCampaign>> ListActiveCampaigns() override {
    ActiveCampaign active;
    active.campaign.id = kAttempt.campaign;
    active.campaign.state = CampaignState::kCanceling;
    active.campaign.cancel_mode = CancelMode::kHangUp;
    return std::vector{active};
  }
  absl::StatusOr<std::vector<AttemptKey>> ListHangUpsOwed(CampaignId, int) override {
    const std::lock_guard lock(mutex);
    return std::exchange(owed, {});
  }
  absl::StatusOr<std::vector<AttemptKey>> ListLiveAttempts(AttemptKey after, int) override {
    const std::lock_guard lock(mutex);
    std::vector<AttemptKey> page;
    for (const AttemptKey& key : live) {
      if (key > after) page.push_back(key);
    }
    return page;
  }
  absl::StatusOr<std::vector<PendingAction>> ClaimPendingActions(absl::Time, int,
                                                                 absl::Time) override {
    const std::lock_guard lock(mutex);
    return std::exchange(pending, {});
  }

  std::string endpoint;
  std::mutex mutex;
  std::vector<AttemptKey> owed;
  std::vector<AttemptKey> live;
  std::vector<PendingAction> pending;
};

LiveCall CallOf(const AttemptKey& attempt, const char* call) {
  return {attempt, TrunkId(5), call, *PhoneNumber::Parse("+14255550123"),
          *PhoneNumber::Parse("+18005550100")};
}

class FreePermit final : public SendPermit {
 public:
  std::optional<absl::Time> Acquire(const CreateCallRequest&) override {
    return SystemClock().Now();
  }
};

std::string EventBody(std::int64_t sequence) {
  wire::Event event;
  event.occurred_at = absl::FromUnixSeconds(1'620'000'000);
  event.body = wire::DtmfReceived{"leg", sequence, '1'};
  return wire::EncodeEvent(event);
}

class DialerTest : public testing::Test {
 protected:
  void SetUp() override { store_.endpoint = provider_.endpoint(); }

  std::unique_ptr<Dialer> Start() {
    Dialer::Options options;
    options.callback_keys = {kKey};
    options.send_workers = 8;
    options.action_workers = 4;
    options.receiver_keep_alive_s = 1;
    auto dialer = Dialer::Start(
        options, store_, [](const std::string&) { return absl::NotFoundError("none"); },
        [this](const AttemptChange& change) { ended_ += change.ended_now ? 1 : 0; }, SystemClock());
    EXPECT_TRUE(dialer.ok()) << dialer.status();
    return *std::move(dialer);
  }

  // Posts an event as the provider would; the status of the answer, 0 for none.
  int Post(Dialer& dialer, AttemptKey attempt, std::int64_t sequence) {
    auto loan = client_.Borrow(dialer.callback_base_url());
    if (!loan.ok()) return 0;
    const HttpResult result = loan->Send({.method = "POST",
                                          .path_and_query = signer_.Sign({attempt, {}}, ""),
                                          .body = EventBody(sequence)});
    const auto* answer = std::get_if<HttpAnswer>(&result);
    return answer == nullptr ? 0 : answer->status;
  }

  Trunk LocalTrunk() {
    Trunk trunk;
    trunk.id = TrunkId(5);
    trunk.endpoint = provider_.endpoint();
    return trunk;
  }

  const wire::CallbackSigner signer_ = *wire::CallbackSigner::Create({kKey});
  SweptStore store_;
  std::atomic<int> ended_{0};
  ScriptedServer provider_{[](std::string_view request) {
    const bool post = request.starts_with("POST");
    return Reaction{ScriptedServer::Answer(200, post ? R"({"callLegId":"leg"})" : "")};
  }};
  ConnectionPool client_{{.timeouts = {.idle = absl::Milliseconds(100)}}, SystemClock()};
};

TEST_F(DialerTest, AnEventOverHttpIsCommittedAndItsActionCarriedOut) {
  std::atomic<bool> first{true};
  store_.SetAfter([&](AttemptChange& change) {
    change.ended_now = true;
    if (!first.exchange(false)) return;
    change.new_actions = {{101, ActionKind::kHangUp}};
    change.call = CallOf(kAttempt, "leg");
  });
  const auto dialer = Start();
  EXPECT_EQ(Post(*dialer, kAttempt, 1), 200);
  store_.WaitForFacts(2);
  EXPECT_TRUE(store_.Has(kAttempt, OwnFactKey(FactKind::kActionAccepted, 101)));
  EXPECT_THAT(provider_.LastRequest("POST"), HasSubstr("/calls/leg/Hangup"));
  EXPECT_GE(ended_, 1);
  EXPECT_EQ(dialer->receiver_counters().acknowledged, 1U);
}

TEST_F(DialerTest, ACreateCallNamesOurOwnAddress) {
  const auto dialer = Start();
  FreePermit permit;
  std::promise<CreateCallCompletion> told;
  dialer->gateway().Send(
      LocalTrunk(),
      {kAttempt, *PhoneNumber::Parse("+12025550123"), *PhoneNumber::Parse("+12025550199"), 1},
      permit, [&](CreateCallCompletion done) { told.set_value(done); });
  EXPECT_TRUE(std::holds_alternative<CallAccepted>(told.get_future().get().result));
  EXPECT_THAT(provider_.LastRequest("POST"),
              HasSubstr(dialer->callback_base_url() + "/callbacks/7/8?"));
}

TEST_F(DialerTest, WhatACrashLeftBehindIsFoundAtTheStart) {
  const AttemptKey pending{CampaignId(7), AttemptId(9)};
  store_.live = {kAttempt};
  store_.pending = {{CallOf(pending, "leg-9"), {101, ActionKind::kHangUp}}};
  const auto dialer = Start();
  store_.WaitForFacts(1);
  EXPECT_TRUE(store_.Has(pending, OwnFactKey(FactKind::kActionAccepted, 101)));
  EXPECT_THAT(provider_.LastRequest("POST"), HasSubstr("/calls/leg-9/Hangup"));
  store_.WaitForBatches(2);
  EXPECT_GE(dialer->reconciler_counters().looked_at, 1U);
}

TEST_F(DialerTest, HangUpsThatACanceledCampaignOwesAreOrderedAtOnce) {
  const auto dialer = Start();
  {
    const std::lock_guard lock(store_.mutex);
    store_.owed = {kAttempt};
  }
  dialer->CampaignsChanged();
  store_.WaitForFacts(1);
  EXPECT_TRUE(store_.Has(kAttempt, OwnFactKey(FactKind::kHangUpOrdered, 0)));
}

TEST_F(DialerTest, APortInUseIsSaidToBeInUse) {
  const auto dialer = Start();
  Dialer::Options options;
  options.callback_keys = {kKey};
  options.listen_port = dialer->callback_port();
  const auto second = Dialer::Start(
      options, store_, [](const std::string&) { return absl::NotFoundError("none"); }, nullptr,
      SystemClock());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(DialerTest, StartAndStopUnderLoadLoseNothingThatWasAcknowledged) {
  for (int round = 0; round < 5; ++round) {
    const auto dialer = Start();
    FreePermit permit;
    std::atomic<int> completed{0};
    std::atomic<int> acknowledged{0};
    std::mutex mutex;
    std::vector<std::string> acknowledged_keys;
    {
      std::vector<std::jthread> providers;
      for (int p = 0; p < 4; ++p) {
        providers.emplace_back([&, p] {
          for (int i = 0; i < 50; ++i) {
            const std::int64_t sequence = 1 + round * 1000 + p * 100 + i;
            if (Post(*dialer, kAttempt, sequence) != 200) continue;
            ++acknowledged;
            const auto events = wire::DecodeEvents(EventBody(sequence));
            const std::lock_guard lock(mutex);
            acknowledged_keys.push_back(wire::EventKey(events->front()));
          }
        });
      }
      for (int i = 0; i < 100; ++i) {
        dialer->gateway().Send(
            LocalTrunk(),
            {kAttempt, *PhoneNumber::Parse("+12025550123"), *PhoneNumber::Parse("+12025550199"), 1},
            permit, [&](CreateCallCompletion) { ++completed; });
      }
      while (acknowledged < 20) std::this_thread::yield();
      dialer->Stop();
      // So that those who still knock find nobody at once.
      client_.CloseIdle();
    }
    EXPECT_EQ(completed, 100);
    for (const std::string& key : acknowledged_keys) EXPECT_TRUE(store_.Has(kAttempt, key));
  }
}

}  // namespace
}  // namespace tocsin::dialer
