// Two nodes on one database, their steps forced into the orders that matter: a
// third session holds a lock until both stand where the test wants them.
#include <chrono>
#include <memory>
#include <pqxx/pqxx>
#include <set>
#include <string>
#include <thread>

#include "base/check.h"
#include "base/clock.h"
#include "db/pg_store.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/pg_store_kind.h"
#include "tests/store/store_harness.h"
#include "tests/support/postgres.h"

namespace tocsin::db {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using namespace tocsin::testing;

std::unique_ptr<PgStore> OpenStore(const TestDatabase& database) {
  auto store = PgStore::Open({.database_url = Secret(database.ConnectionString()), .pool_size = 4});
  TOCSIN_CHECK(store.ok());
  return *std::move(store);
}

// A session that holds locks until it is told to let go.
class Holder {
 public:
  Holder(const TestDatabase& database, const std::string& sql)
      : connection_(database.ConnectionString()), work_(std::make_unique<pqxx::work>(connection_)) {
    work_->exec(sql);
  }
  void LetGo() { work_.reset(); }

 private:
  pqxx::connection connection_;
  std::unique_ptr<pqxx::work> work_;
};

class ConcurrencyTest : public ::testing::Test {
 protected:
  ConcurrencyTest()
      : database_(MigrateToNewest),
        first_(OpenStore(database_)),
        second_(OpenStore(database_)),
        h_(*first_, *first_) {}

  // Until so many sessions of this database wait for a lock.
  void WaitForBlocked(int count) {
    pqxx::connection connection(database_.ConnectionString());
    const Clock& clock = SystemClock();
    const SteadyTime give_up = clock.Steady() + std::chrono::seconds(10);
    for (;;) {
      pqxx::nontransaction session(connection);
      const int blocked =
          session
              .exec(
                  "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                  "wait_event_type = 'Lock'")
              .front()[0]
              .as<int>();
      if (blocked == count) return;
      ASSERT_LT(clock.Steady(), give_up) << blocked << " sessions wait, not " << count;
      clock.SleepUntil(clock.Steady() + std::chrono::milliseconds(2), {});
    }
  }

  std::string LockOf(const AttemptKey& key) {
    return fmt::format(
        "SELECT FROM call_attempt WHERE campaign_id = {} AND attempt_id = {} FOR UPDATE",
        key.campaign.value(), key.attempt.value());
  }
  std::string LockOf(CampaignId id) {
    return fmt::format("SELECT FROM campaign WHERE campaign_id = {} FOR UPDATE", id.value());
  }

  // A call whose message plays.
  AttemptKey Playing(CampaignId id) {
    const AttemptKey key = h_.Dial(id, 1).at(0).key;
    h_.Record(key, Accepted(1, h_.now));
    h_.Record(key, Event(FactKind::kAnswered, "answered", h_.now + absl::Seconds(5)));
    h_.Record(key, PlayAccepted(1, h_.now + absl::Seconds(6)));
    return key;
  }

  void RecordOn(PgStore& store, const AttemptKey& key, const Fact& fact) {
    const auto changes = store.RecordFacts({{key, fact}}, h_.now);
    EXPECT_TRUE(changes.ok()) << changes.status();
  }

  TestDatabase database_;
  std::unique_ptr<PgStore> first_;
  std::unique_ptr<PgStore> second_;
  StoreHarness h_;
};

TEST_F(ConcurrencyTest, TheLastEventAndTheKeyArriveOnTwoNodesAtOnce) {
  for (const bool key_first : {true, false}) {
    const CampaignId id = h_.Running(1);
    const AttemptKey key = Playing(id);
    const Fact tone = Tone('1', 1, h_.now + absl::Seconds(12));
    const Fact ended = Event(FactKind::kEnded, "ended", h_.now + absl::Seconds(15));
    Holder holder(database_, LockOf(key));

    std::thread one([&] { RecordOn(*first_, key, key_first ? tone : ended); });
    WaitForBlocked(1);
    std::thread two([&] { RecordOn(*second_, key, key_first ? ended : tone); });
    WaitForBlocked(2);
    holder.LetGo();
    one.join();
    two.join();

    EXPECT_THAT(h_.Progress(id).outcomes, ElementsAre(Pair(Outcome::kConfirmed, 1)));
    EXPECT_EQ(h_.Progress(id).acknowledged, 1);
    EXPECT_EQ(h_.Progress(id).attempts, 1);
    h_.ExpectNoFindings();
  }
}

TEST_F(ConcurrencyTest, TheSameEventOnTwoNodesHasItsEffectOnce) {
  const CampaignId id = h_.Running(1);
  const AttemptKey key = h_.Dial(id).at(0).key;
  h_.Record(key, Accepted(1, h_.now));
  const Fact answered = Event(FactKind::kAnswered, "answered", h_.now + absl::Seconds(5));
  Holder holder(database_, LockOf(key));
  absl::StatusOr<std::vector<AttemptChange>> one, two;

  std::thread a([&] { one = first_->RecordFacts({{key, answered}}, h_.now); });
  std::thread b([&] { two = second_->RecordFacts({{key, answered}}, h_.now); });
  WaitForBlocked(2);
  holder.LetGo();
  a.join();
  b.join();

  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(one->front().new_facts + two->front().new_facts, 1);
  EXPECT_EQ(one->front().new_actions.size() + two->front().new_actions.size(), 1u);
}

TEST_F(ConcurrencyTest, AnIntentThatCameBeforeThePauseGoesAndNoneAfterIt) {
  const CampaignId id = h_.Running(2);
  const std::vector<PlannedAttempt> planned = h_.Claim(id);
  Holder holder(database_, LockOf(planned[0].key));
  std::vector<IntentVerdict> verdicts;
  absl::Status paused;

  // The intent holds the campaign and waits for its attempt; the pause waits
  // for the campaign.
  std::thread intent([&] { verdicts = h_.Intend({planned[0]}); });
  WaitForBlocked(1);
  std::thread pause([&] { paused = second_->PauseCampaign(id, "enough", h_.now); });
  WaitForBlocked(2);
  holder.LetGo();
  intent.join();
  pause.join();

  EXPECT_THAT(verdicts, ElementsAre(IntentVerdict::kGo));
  EXPECT_TRUE(paused.ok());
  EXPECT_THAT(h_.Intend({planned[1]}), ElementsAre(IntentVerdict::kStopped));
  h_.ExpectNoFindings();
}

TEST_F(ConcurrencyTest, AnIntentThatCameAfterThePauseIsStopped) {
  const CampaignId id = h_.Running(1);
  const std::vector<PlannedAttempt> planned = h_.Claim(id);
  Holder holder(database_, LockOf(id));
  std::vector<IntentVerdict> verdicts;
  absl::Status paused;

  std::thread pause([&] { paused = second_->PauseCampaign(id, "enough", h_.now); });
  WaitForBlocked(1);
  std::thread intent([&] { verdicts = h_.Intend(planned); });
  WaitForBlocked(2);
  holder.LetGo();
  pause.join();
  intent.join();

  EXPECT_TRUE(paused.ok());
  EXPECT_THAT(verdicts, ElementsAre(IntentVerdict::kStopped));
}

TEST_F(ConcurrencyTest, TwoClaimersNeverGetTheSamePerson) {
  const CampaignId id = h_.Create(SomeSpec());
  std::vector<ImportRow> rows;
  for (int i = 0; i < 600; ++i) rows.push_back(Person(fmt::format("p{}", i), i / 2));
  h_.Import(id, rows);
  h_.Command(id, CampaignCommand::kStart);
  std::set<AttemptKey> taken[2];
  const auto claim = [&](PgStore& store, int side) {
    for (std::uint64_t i = 1;; ++i) {
      const auto planned =
          store.ClaimDue({static_cast<std::uint64_t>(side) + 1, i}, id, h_.epoch, 7, h_.now);
      ASSERT_TRUE(planned.ok()) << planned.status();
      if (planned->empty()) return;
      for (const PlannedAttempt& attempt : *planned) taken[side].insert(attempt.key);
    }
  };

  std::thread other([&] { claim(*second_, 1); });
  claim(*first_, 0);
  other.join();
  // Whom one skipped because the other looked at them is there for the next.
  claim(*first_, 0);

  std::set<AttemptKey> all = taken[0];
  all.insert(taken[1].begin(), taken[1].end());
  EXPECT_EQ(all.size(), taken[0].size() + taken[1].size());
  EXPECT_EQ(h_.Progress(id).due, 0);
  h_.ExpectNoFindings();
}

TEST_F(ConcurrencyTest, APacerThatWasSucceededClaimsAndAdoptsNobody) {
  const CampaignId id = h_.Running(2);
  const std::int64_t before = h_.epoch;
  EXPECT_THAT(h_.Claim(id, 1), SizeIs(1));
  ASSERT_TRUE(first_->ReleaseLease("default", "node-a", before).ok());
  const auto successor = second_->AcquireLease("default", "node-b", absl::Minutes(1));
  ASSERT_TRUE(successor.ok() && successor->held);

  EXPECT_THAT(*first_->ClaimDue(h_.NewOperation(), id, before, 10, h_.now), IsEmpty());
  EXPECT_THAT(*first_->AdoptPlanned(h_.NewOperation(), id, before, 10, h_.now), IsEmpty());
  const std::int64_t epoch = successor->epoch;
  EXPECT_THAT(*second_->AdoptPlanned(h_.NewOperation(), id, epoch, 10, h_.now), SizeIs(1));
  EXPECT_THAT(*second_->ClaimDue(h_.NewOperation(), id, epoch, 10, h_.now), SizeIs(1));
  h_.ExpectNoFindings();
}

TEST_F(ConcurrencyTest, TwoGroupsThatWantTheSameNumberAtOnceGetItOnce) {
  const CampaignId ours = h_.Running(1);
  const CampaignId theirs = h_.Running(1);
  const auto lease = second_->AcquireLease("other", "node-b", absl::Minutes(1));
  ASSERT_TRUE(lease.ok());
  Trunk trunk = SomeTrunk();
  trunk.name = "second";
  trunk = *second_->SaveTrunk(trunk, h_.now);
  const PlannedAttempt one = h_.Claim(ours).at(0);
  const PlannedAttempt two = h_.Claim(theirs).at(0);
  Holder holder(database_, fmt::format("LOCK TABLE number_lock IN EXCLUSIVE MODE"));
  absl::StatusOr<std::vector<IntentVerdict>> a, b;

  std::thread first([&] {
    a = first_->CommitIntents({1, 1}, "default", h_.epoch, h_.trunk,
                              {{one.key, h_.trunk.caller_numbers[0], {}}}, h_.now);
  });
  std::thread second([&] {
    b = second_->CommitIntents({2, 2}, "other", lease->epoch, trunk,
                               {{two.key, trunk.caller_numbers[0], {}}}, h_.now);
  });
  WaitForBlocked(2);
  holder.LetGo();
  first.join();
  second.join();

  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_THAT((std::vector<IntentVerdict>{a->front(), b->front()}),
              UnorderedElementsAre(IntentVerdict::kGo, IntentVerdict::kNumberBusy));
  h_.ExpectNoFindings();
}

TEST_F(ConcurrencyTest, ACancelWhileACallEndsLeavesNobodyBehind) {
  for (const bool cancel_first : {true, false}) {
    const CampaignId id = h_.Running(1);
    const AttemptKey key = h_.Dial(id).at(0).key;
    h_.Record(key, Accepted(1, h_.now));
    const Fact ended = Event(FactKind::kEnded, "ended", h_.now + absl::Seconds(30));
    if (cancel_first) {
      Holder holder(database_, LockOf(key));
      std::thread facts([&] { RecordOn(*first_, key, ended); });
      WaitForBlocked(1);
      h_.Command(id, CampaignCommand::kCancel);
      holder.LetGo();
      facts.join();
    } else {
      Holder holder(database_, LockOf(id));
      std::thread cancel([&] {
        EXPECT_TRUE(second_
                        ->CommandCampaign(Request(), id, CampaignCommand::kCancel,
                                          CancelMode::kDrain, "operator", h_.now)
                        .ok());
      });
      WaitForBlocked(1);
      RecordOn(*first_, key, ended);
      holder.LetGo();
      cancel.join();
    }

    while (*first_->ConcludeRecipients(id, Outcome::kCanceled, 10, h_.now) > 0) {
    }
    EXPECT_TRUE(*first_->CompleteIfDone(id, h_.now));
    EXPECT_THAT(h_.Progress(id).outcomes, ElementsAre(Pair(Outcome::kCanceled, 1)));
    h_.ExpectNoFindings();
  }
}

TEST_F(ConcurrencyTest, AnImportedBatchThatIsSentTwiceAtOnceIsTakenOnce) {
  const CampaignId id = h_.Create(SomeSpec());
  const ImportId import = first_->BeginImport(Request(), id, h_.now)->id;
  const std::vector<ImportRow> rows = {Person("a", 1), Person("a", 2), Person("b", 3)};
  Holder holder(database_, "LOCK TABLE recipient IN EXCLUSIVE MODE");
  absl::StatusOr<ImportBatchResult> one, two;

  std::thread a([&] { one = first_->ImportBatch(import, 1, rows, {}, h_.now); });
  WaitForBlocked(1);
  std::thread b([&] { two = second_->ImportBatch(import, 1, rows, {}, h_.now); });
  WaitForBlocked(2);
  holder.LetGo();
  a.join();
  b.join();

  ASSERT_TRUE(one.ok() && two.ok()) << one.status() << two.status();
  EXPECT_EQ(one->accepted, 2);
  EXPECT_EQ(two->accepted, 2);
  EXPECT_EQ(one->duplicates, two->duplicates);
  EXPECT_EQ(h_.Progress(id).people, 2);
  ASSERT_TRUE(first_->FinishImport(import, h_.now).ok());
  h_.ExpectNoFindings();
}

TEST_F(ConcurrencyTest, TheSameRequestAtOnceHasOneAnswer) {
  Holder holder(database_, "LOCK TABLE api_request IN EXCLUSIVE MODE");
  absl::StatusOr<Campaign> one, two;

  std::thread a([&] { one = first_->CreateCampaign(Request("r"), SomeSpec(), h_.now); });
  std::thread b([&] { two = second_->CreateCampaign(Request("r"), SomeSpec(), h_.now); });
  WaitForBlocked(2);
  holder.LetGo();
  a.join();
  b.join();

  ASSERT_TRUE(one.ok() && two.ok()) << one.status() << two.status();
  EXPECT_EQ(one->id, two->id);
  EXPECT_THAT(first_->ListCampaigns(kTenant, CampaignId(), 10)->campaigns, SizeIs(1));
}

TEST_F(ConcurrencyTest, ACampaignDoesNotEndUnderAListThatComesIn) {
  const CampaignId id = h_.Running(1);
  h_.Answered(h_.Dial(id).at(0).key, '1');
  const ImportId import = first_->BeginImport(Request(), id, h_.now)->id;
  Holder holder(database_, "LOCK TABLE recipient IN EXCLUSIVE MODE");
  absl::StatusOr<bool> ended;

  std::thread batch(
      [&] { EXPECT_TRUE(first_->ImportBatch(import, 1, {Person("late", 2)}, {}, h_.now).ok()); });
  WaitForBlocked(1);
  std::thread end([&] { ended = second_->CompleteIfDone(id, h_.now); });
  WaitForBlocked(2);
  holder.LetGo();
  batch.join();
  end.join();

  ASSERT_TRUE(ended.ok());
  EXPECT_FALSE(*ended);
  EXPECT_THAT(h_.Claim(id), SizeIs(1));
}

TEST_F(ConcurrencyTest, BatchesThatShareAttemptsNeverWaitInACircle) {
  const CampaignId id = h_.Running(40);
  const std::vector<PlannedAttempt> planned = h_.Dial(id);
  ASSERT_THAT(planned, SizeIs(40));
  const auto feed = [&](PgStore& store, bool backwards) {
    for (int round = 0; round < 20; ++round) {
      std::vector<AttemptInput> inputs;
      for (std::size_t i = 0; i < planned.size(); ++i) {
        const AttemptKey key = planned[backwards ? planned.size() - 1 - i : i].key;
        inputs.push_back({key, Event(FactKind::kOtherEvent, fmt::format("{}", round), h_.now)});
        if (round == 19) {
          inputs.push_back({key, Event(FactKind::kEnded, "ended", h_.now + absl::Seconds(9))});
        }
      }
      const auto changes = store.RecordFacts(inputs, h_.now);
      ASSERT_TRUE(changes.ok()) << changes.status();
    }
  };

  std::thread other([&] { feed(*second_, true); });
  feed(*first_, false);
  other.join();

  EXPECT_EQ(h_.Progress(id).attempts, 40);
  EXPECT_EQ(h_.Progress(id).live, 0);
  h_.ExpectNoFindings();
}

}  // namespace
}  // namespace tocsin::db
