// Logs that are known without being read.
#include "db/fact_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <pqxx/pqxx>
#include <string>

#include "base/metrics.h"
#include "db/pg_store.h"
#include "db/time_text.h"
#include "tests/store/pg_store_kind.h"
#include "tests/store/store_harness.h"
#include "tests/support/postgres.h"

namespace tocsin::db {
namespace {

using ::testing::IsEmpty;
using namespace tocsin::testing;

const AttemptKey kFirst{CampaignId(1), AttemptId(1)};
const AttemptKey kSecond{CampaignId(1), AttemptId(2)};

std::vector<Fact> Log(int facts) {
  std::vector<Fact> log(static_cast<std::size_t>(facts));
  for (std::size_t i = 0; i < log.size(); ++i) log[i].key = std::to_string(i);
  return log;
}

void Keep(FactCache& cache, const AttemptKey& attempt, int facts, bool ended = false) {
  FactLoan loan(cache);
  loan.Borrow({attempt});
  loan.Keep(attempt, Log(facts), ended);
  loan.Commit();
}

bool Knows(FactCache& cache, const AttemptKey& attempt) {
  FactLoan loan(cache);
  auto logs = loan.Borrow({attempt});
  if (logs.empty()) return false;
  loan.Keep(attempt, std::move(logs.at(attempt)), false);
  loan.Commit();
  return true;
}

TEST(FactCache, KnowsWhatWasCommitted) {
  FactCache cache(100);
  EXPECT_FALSE(Knows(cache, kFirst));
  Keep(cache, kFirst, 2);
  FactLoan loan(cache);
  EXPECT_EQ(loan.Borrow({kFirst, kSecond}), (std::map{std::pair{kFirst, Log(2)}}));
  EXPECT_EQ(cache.counters().known, 1u);
  EXPECT_EQ(cache.counters().read, 3u);
}

TEST(FactCache, ForgetsWhatATransactionTouchedThatCameToNothing) {
  FactCache cache(100);
  Keep(cache, kFirst, 2);
  {
    FactLoan loan(cache);
    loan.Borrow({kFirst});
    loan.Keep(kFirst, Log(3), false);
  }
  EXPECT_FALSE(Knows(cache, kFirst));
}

// The second got the row's lock when the first had committed and not yet said so.
TEST(FactCache, ForgetsWhatTwoTransactionsHadAtOnce) {
  for (const bool first_ends_first : {true, false}) {
    FactCache cache(100);
    Keep(cache, kFirst, 2);
    FactLoan first(cache), second(cache);
    EXPECT_EQ(first.Borrow({kFirst}).size(), 1u);
    EXPECT_THAT(second.Borrow({kFirst}), IsEmpty());
    first.Keep(kFirst, Log(3), false);
    second.Keep(kFirst, Log(4), false);
    (first_ends_first ? first : second).Commit();
    (first_ends_first ? second : first).Commit();
    EXPECT_FALSE(Knows(cache, kFirst));
    Keep(cache, kFirst, 4);
    EXPECT_TRUE(Knows(cache, kFirst));
  }
}

TEST(FactCache, ForgetsTheLeastLatelyUsedWhenItIsFull) {
  FactCache cache(10);
  Keep(cache, kFirst, 5);
  Keep(cache, kSecond, 5);
  EXPECT_TRUE(Knows(cache, kFirst));
  Keep(cache, {CampaignId(1), AttemptId(3)}, 5);
  EXPECT_TRUE(Knows(cache, kFirst));
  EXPECT_FALSE(Knows(cache, kSecond));
  Keep(cache, kSecond, 11);
  EXPECT_FALSE(Knows(cache, kSecond));
}

TEST(FactCache, OfWhatHasEndedItKnowsTheLastOnly) {
  constexpr auto kEnded = static_cast<std::int64_t>(FactCache::kEndedMax);
  FactCache cache(100'000);
  Keep(cache, kFirst, 1);
  for (std::int64_t i = 0; i <= kEnded; ++i) {
    Keep(cache, {CampaignId(2), AttemptId(i)}, 1, /*ended=*/true);
  }
  EXPECT_TRUE(Knows(cache, kFirst));
  EXPECT_FALSE(Knows(cache, {CampaignId(2), AttemptId(0)}));
  EXPECT_TRUE(Knows(cache, {CampaignId(2), AttemptId(1)}));
  EXPECT_TRUE(Knows(cache, {CampaignId(2), AttemptId(kEnded)}));
}

// Two stores, as on two nodes.
class KnownLogTest : public ::testing::Test {
 protected:
  KnownLogTest()
      : database_(MigrateToNewest),
        first_(*PgStore::Open({.database_url = Secret(database_.ConnectionString())})),
        second_(*PgStore::Open({.database_url = Secret(database_.ConnectionString())})),
        h_(*first_, *first_) {}

  std::string Taken(const PgStore& store, const std::string& from) {
    MetricsPage page;
    store.WriteMetrics(page);
    const std::string text = page.Text();
    const std::string name = "tocsin_logs_taken_total{from=\"" + from + "\"} ";
    const std::size_t at = text.find(name);
    EXPECT_NE(at, std::string::npos) << text;
    return text.substr(at + name.size(), text.find('\n', at) - at - name.size());
  }

  CallView RecordOn(PgStore& store, const AttemptKey& key, const std::optional<Fact>& fact) {
    const auto changes = store.RecordFacts({{key, fact}}, h_.now);
    EXPECT_TRUE(changes.ok()) << changes.status();
    return changes->front().view;
  }

  // A call whose message plays, and whom to acknowledge it would count.
  AttemptKey Playing() {
    const AttemptKey key = h_.Dial(h_.Running(1), 1).at(0).key;
    h_.Record(key, Accepted(1, h_.now));
    h_.Record(key, Event(FactKind::kAnswered, "answered", h_.now + absl::Seconds(5)));
    h_.Record(key, PlayAccepted(1, h_.now + absl::Seconds(6)));
    return key;
  }

  TestDatabase database_;
  std::unique_ptr<PgStore> first_;
  std::unique_ptr<PgStore> second_;
  StoreHarness h_;
};

TEST_F(KnownLogTest, OnesOwnLogIsReadOnceAtMost) {
  const AttemptKey key = Playing();
  RecordOn(*first_, key, Tone('1', 1, h_.now + absl::Seconds(12)));
  const CallView view =
      RecordOn(*first_, key, Event(FactKind::kEnded, "ended", h_.now + absl::Seconds(15)));
  EXPECT_TRUE(view.acknowledged);
  EXPECT_EQ(Taken(*first_, "database"), "1");
  EXPECT_EQ(Taken(*first_, "memory"), "4");
}

TEST_F(KnownLogTest, WhatAnotherNodeAddedIsSeen) {
  const AttemptKey key = Playing();
  RecordOn(*second_, key, Tone('1', 1, h_.now + absl::Seconds(12)));
  const CallView view =
      RecordOn(*first_, key, Event(FactKind::kEnded, "ended", h_.now + absl::Seconds(15)));
  EXPECT_TRUE(view.acknowledged);
  EXPECT_EQ(RecordOn(*second_, key, std::nullopt).acknowledged, view.acknowledged);
}

// A look at the time adds nothing, and leaves the log with whom it is.
TEST_F(KnownLogTest, ALookOfAnotherNodeTakesNothingAway) {
  const AttemptKey key = Playing();
  const std::string read = Taken(*first_, "database");
  RecordOn(*second_, key, std::nullopt);
  RecordOn(*first_, key, Tone('1', 1, h_.now + absl::Seconds(12)));
  EXPECT_EQ(Taken(*first_, "database"), read);
}

TEST_F(KnownLogTest, ARepeatedFactIsOneFact) {
  const AttemptKey key = Playing();
  const Fact tone = Tone('1', 1, h_.now + absl::Seconds(12));
  const auto once = first_->RecordFacts({{key, tone}, {key, tone}}, h_.now);
  ASSERT_TRUE(once.ok());
  EXPECT_EQ(once->front().new_facts, 1);
  const auto again = first_->RecordFacts({{key, tone}}, h_.now);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->front().new_facts, 0);
}

// Memory that misses what the table has is not believed.
TEST_F(KnownLogTest, ALogThatTheTableContradictsIsReadAgain) {
  const AttemptKey key = Playing();
  const Fact tone = Tone('1', 1, h_.now + absl::Seconds(12));
  pqxx::connection connection(database_.ConnectionString());
  pqxx::work work(connection);
  for (const auto& [event, kind] : {std::pair{tone.key, "TONE"}, {"ended", "ENDED"}}) {
    work.exec_params(
        "INSERT INTO call_event VALUES ($1, $2, $3, $4::fact_kind, $5::timestamptz, "
        "$5::timestamptz, 1, 0, 0, '1')",
        key.campaign.value(), key.attempt.value(), event, kind, TimeText(tone.at));
  }
  work.commit();
  EXPECT_EQ(RecordOn(*first_, key, tone).state, AttemptState::kEnded);
}

}  // namespace
}  // namespace tocsin::db
