// The reporting schema, the report, and the audit's nose for what is wrong.
#include <pqxx/pqxx>
#include <string>

#include "base/check.h"
#include "db/pg_store.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/pg_store_kind.h"
#include "tests/store/store_harness.h"
#include "tests/support/postgres.h"

namespace tocsin::db {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using namespace tocsin::testing;

std::unique_ptr<PgStore> OpenStore(const TestDatabase& database) {
  auto store = PgStore::Open({.database_url = Secret(database.ConnectionString()), .pool_size = 4});
  TOCSIN_CHECK(store.ok());
  return *std::move(store);
}

class ReportingTest : public ::testing::Test {
 protected:
  ReportingTest()
      : database_(MigrateToNewest),
        store_(OpenStore(database_)),
        h_(*store_, *store_),
        connection_(database_.ConnectionString()) {}

  pqxx::result Sql(const std::string& sql) {
    pqxx::nontransaction session(connection_);
    return session.exec(sql);
  }

  // One cell, as text.
  std::string Cell(const std::string& sql) {
    const pqxx::result result = Sql(sql);
    if (result.empty() || result.front()[0].is_null()) return "-";
    return result.front()[0].c_str();
  }

  // Breaks something by hand and expects the audit to say so.
  void ExpectFinding(const std::string& sql, const std::string& finding) {
    h_.ExpectNoFindings();
    Sql("BEGIN");
    Sql("SET LOCAL session_replication_role = replica");
    Sql(sql);
    std::vector<std::string> findings;
    for (const pqxx::row& row : Sql("SELECT promise || ' ' || finding FROM reporting.audit()")) {
      findings.emplace_back(row[0].c_str());
    }
    EXPECT_THAT(findings, Contains(HasSubstr(finding))) << sql;
    Sql("ROLLBACK");
  }

  static Fact Refused603(absl::Time at) {
    Fact fact = Event(FactKind::kEnded, "ended", at + absl::Seconds(5));
    fact.code = 603;
    fact.subcode = 560603;
    fact.sip = 603;
    fact.q850 = 21;
    fact.cause = EndCause::kDeclinedOrLimited;
    return fact;
  }

  // Four people: a and b share a number and confirm; c hears all of it; d is
  // still rung.
  CampaignId SomeCampaign() {
    const CampaignId id = h_.Create(SomeSpec());
    h_.Import(id, {Person("a", 1), Person("b", 1), Person("c", 2), Person("d", 3)});
    h_.Command(id, CampaignCommand::kStart);
    h_.now += absl::Seconds(10);
    const std::vector<PlannedAttempt> planned = h_.Dial(id);
    EXPECT_THAT(planned, SizeIs(3));
    h_.Answered(planned[0].key, '1');
    h_.Answered(planned[1].key, std::nullopt);
    h_.Record(planned[2].key, Accepted(1, h_.now));
    return id;
  }

  TestDatabase database_;
  std::unique_ptr<PgStore> store_;
  StoreHarness h_;
  pqxx::connection connection_;
};

TEST_F(ReportingTest, TheViewsSayWhatHappened) {
  SomeCampaign();

  EXPECT_EQ(
      Cell("SELECT people || ' ' || confirmed || ' ' || open || ' ' || acknowledged || ' ' || "
           "attempts || ' ' || people_answered FROM reporting.campaign_outcomes"),
      "4 2 2 2 2 3");
  EXPECT_EQ(Cell("SELECT setup_s || ' ' || talk_s || ' ' || heard_ms || ' ' || informed || ' ' || "
                 "answered_by || ' ' || people FROM reporting.call_attempts "
                 "WHERE acknowledged_at IS NOT NULL"),
            "5 25 14000 true HUMAN 2");
  EXPECT_EQ(Cell("SELECT string_agg(person_key || ' ' || time_to_acknowledge_s || ' ' || "
                 "offset_ms || ' ' || rung, ', ' ORDER BY person_key) "
                 "FROM reporting.acknowledgements"),
            "a 22 5980 true, b 22 5980 false");
  EXPECT_EQ(Cell("SELECT string_agg(person_key || ' ' || coalesce(outcome, 'open') || ' ' || "
                 "attempts_made || ' ' || informed, ', ' ORDER BY person_key) "
                 "FROM reporting.recipient_outcomes"),
            "a CONFIRMED 1 true, b CONFIRMED 1 true, c open 1 true, d open 0 false");
  EXPECT_EQ(Cell("SELECT count(*) FROM reporting.sends"), "3");
  EXPECT_EQ(Cell("SELECT count(*) FROM reporting.attempt_people"), "4");
  h_.ExpectNoFindings();
}

TEST_F(ReportingTest, TheReportPrintsTheSqlThatItAsked) {
  const CampaignId id = SomeCampaign();

  const auto report = store_->RunReport(id);

  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_THAT(*report, SizeIs(7));
  for (const ReportTable& table : *report) {
    EXPECT_THAT(table.sql, HasSubstr(std::to_string(id.value())));
    EXPECT_THAT(table.sql, Not(HasSubstr("$1")));
    const pqxx::result again = Sql(table.sql);
    ASSERT_EQ(again.size(), table.rows.size()) << table.title;
    for (const auto& row : table.rows) EXPECT_EQ(row.size(), table.columns.size());
  }
  EXPECT_EQ(report->at(1).title, "People by outcome");
  EXPECT_THAT(report->at(1).rows, ElementsAre(ElementsAre("CONFIRMED", "2", "50.00"),
                                              ElementsAre("open", "2", "50.00")));
  EXPECT_TRUE(absl::IsNotFound(store_->RunReport(CampaignId(5)).status()));
}

TEST_F(ReportingTest, AnAnalystReadsTheReportingSchemaAndNothingElse) {
  const CampaignId id = SomeCampaign();
  Sql("SET ROLE tocsin_analyst");
  EXPECT_EQ(Cell("SELECT count(*) FROM reporting.recipient_outcomes"), "4");
  EXPECT_EQ(Cell(fmt::format("SELECT count(*) FROM reporting.audit({})", id.value())), "0");
  EXPECT_THROW(Sql("SELECT count(*) FROM public.recipient"), pqxx::insufficient_privilege);
  EXPECT_THROW(Sql("DELETE FROM reporting.recipient_outcomes"), pqxx::sql_error);
}

TEST_F(ReportingTest, TheAuditFindsWhoeverWasLost) {
  SomeCampaign();

  ExpectFinding("UPDATE campaign SET state = 'COMPLETED', ended_at = started_at",
                "P1 no outcome, and the campaign is COMPLETED");
  ExpectFinding("UPDATE campaign SET state = 'COMPLETED', ended_at = started_at",
                "P2 not ended, and the campaign is COMPLETED");
  ExpectFinding("DELETE FROM due_queue", "P1 neither done nor waiting nor in an attempt");
  ExpectFinding(
      "UPDATE recipient SET outcome = 'CANCELED', concluded_at = '2026-11-21' "
      "WHERE person_key = 'c'",
      "P1 waits in the queue and has an outcome");
  ExpectFinding("DELETE FROM recipient WHERE person_key = 'd'", "accepted 4 rows and has 3 people");
}

TEST_F(ReportingTest, TheAuditFindsWhoeverIsRungTwice) {
  SomeCampaign();

  ExpectFinding(
      "INSERT INTO due_queue SELECT campaign_id, recipient_id, 0, planned_at, number, 0 "
      "FROM call_attempt WHERE ended_at IS NULL",
      "P2 in 2 attempts at once");
  ExpectFinding(
      "INSERT INTO call_attempt (campaign_id, recipient_id, people, trunk_id, number, "
      "number_index, attempt_no, state, claim_epoch, planned_at, caller, pacing_group, "
      "intent_epoch, intended_at, sends) "
      "SELECT campaign_id, 999, 1, trunk_id, number, 0, 1, state, 1, planned_at, caller, "
      "pacing_group, 1, intended_at, 1 FROM call_attempt WHERE ended_at IS NULL",
      "P2 2 live attempts for one number");
  ExpectFinding("DELETE FROM number_lock", "P2 live without a lock of its number");
  ExpectFinding(
      "INSERT INTO number_lock SELECT '+12025559999', campaign_id, 1, 1, caller, taken_at "
      "FROM number_lock",
      "P2 a number is locked without a live attempt");
  ExpectFinding("UPDATE call_group_member SET ended_at = NULL",
                "P2 rides along with an attempt that is not there or differs in being over");
}

TEST_F(ReportingTest, TheAuditFindsARateThatWasExceeded) {
  SomeCampaign();

  ExpectFinding("UPDATE trunk SET calls_per_second = 2", "P3 3 sends on trunk local");
}

TEST_F(ReportingTest, TheAuditFindsOutcomesThatTheirFactsDoNotCarry) {
  SomeCampaign();

  ExpectFinding("DELETE FROM acknowledgement WHERE true",
                "P7 CONFIRMED without an acknowledgement");
  ExpectFinding("DELETE FROM call_event WHERE kind = 'TONE'", "P7 acknowledged without a key");
  ExpectFinding("UPDATE recipient SET outcome = 'REFUSED' WHERE person_key = 'a'",
                "P7 acknowledged, and the outcome is REFUSED");
  ExpectFinding("UPDATE recipient SET outcome = 'REFUSED' WHERE person_key = 'a'",
                "P7 REFUSED, and the attempt it rests on does not carry it");
  ExpectFinding(
      "UPDATE recipient SET outcome = 'DELIVERED_UNCONFIRMED', "
      "concluded_at = '2026-11-21' WHERE person_key = 'd'",
      "P7 DELIVERED_UNCONFIRMED, and the attempt it rests on does not carry it");
  ExpectFinding("DELETE FROM call_event WHERE kind = 'PLAY_ENDED'", "P7 delivery FULL without");
  ExpectFinding("DELETE FROM call_event WHERE kind IN ('ANSWERED', 'TONE', 'PLAY_ENDED')",
                "P7 ANSWERED without anything in the log");
  ExpectFinding("UPDATE call_attempt SET opted_out_at = ended_at WHERE ended_at IS NOT NULL",
                "P7 opted out, and the number is not suppressed");
}

TEST_F(ReportingTest, TheCodesOfAnEndStandBesideItsDisposition) {
  const CampaignId id = h_.Running(1);
  const AttemptKey key = h_.Dial(id)[0].key;
  h_.Record(key, Accepted(1, h_.now));
  EXPECT_EQ(Cell("SELECT coalesce(ambiguous::text, 'open') FROM reporting.call_attempts"), "open");
  h_.Record(key, Refused603(h_.now));

  EXPECT_EQ(Cell("SELECT disposition || ' ' || disposition_source || ' ' || provider_code || ' ' "
                 "|| provider_subcode || ' ' || provider_sip || ' ' || provider_q850 || ' ' || "
                 "cause || ' ' || ambiguous FROM reporting.call_attempts"),
            "DECLINED OBSERVED 603 560603 603 21 DECLINED_OR_LIMITED true");
  EXPECT_EQ(Cell("SELECT sip || ' ' || q850 || ' ' || cause FROM call_event "
                 "WHERE kind = 'ENDED'"),
            "603 21 DECLINED_OR_LIMITED");
}

TEST_F(ReportingTest, Refusals603AreCountedForEachCallerNumber) {
  const CampaignId id = h_.Running(6);
  const std::vector<PlannedAttempt> planned = h_.Dial(id);
  ASSERT_THAT(planned, SizeIs(6));
  for (std::size_t i = 0; i < planned.size(); ++i) {
    Fact accepted = Accepted(1, h_.now);
    accepted.subcode = i == 1 ? 1 : 0;  // Its caller number was full.
    h_.Record(planned[i].key, accepted);
    Fact end = Refused603(h_.now);
    if (i == 2) end.cause = EndCause::kBlocked;
    if (i == 3) end.cause = EndCause::kBusy;
    if (i == 4) h_.Record(planned[i].key, Event(FactKind::kAnswered, "answered", h_.now));
    if (i < 5) h_.Record(planned[i].key, end);
  }

  EXPECT_EQ(Cell("SELECT sum(attempts) || ' ' || sum(seizures) || ' ' || sum(answered) || ' ' || "
                 "sum(refused_603) || ' ' || sum(blocked) || ' ' || sum(over_own_limit) || ' ' || "
                 "sum(ambiguous) FROM reporting.caller_numbers"),
            "5 5 1 3 1 1 1");
  EXPECT_EQ(Cell("SELECT count(*) FROM reporting.caller_numbers"),
            Cell("SELECT count(DISTINCT caller_number) FROM reporting.call_attempts "
                 "WHERE state = 'ENDED'"));
}

TEST_F(ReportingTest, ARepetitionIsARequestAndNoSend) {
  const CampaignId id = h_.Running(1);
  const AttemptKey key = h_.Dial(id)[0].key;
  h_.Record(key, Unknown(1, h_.now));
  h_.Record(key, Repeated(1, h_.now + absl::Seconds(1)));
  h_.Record(key, Repeated(2, h_.now + absl::Seconds(3), "call-1"));

  EXPECT_EQ(Cell("SELECT string_agg(send_no || ' ' || result, ', ' ORDER BY sent_at) "
                 "FROM reporting.sends"),
            "1 UNKNOWN, 1 REPEATED, 1 REPEATED");
  EXPECT_EQ(Cell("SELECT sends FROM reporting.call_attempts"), "1");
  EXPECT_EQ(h_.Progress(id).sends, 1);
  h_.ExpectNoFindings();
}

TEST_F(ReportingTest, TheAuditRecountsEveryCounter) {
  SomeCampaign();

  for (const char* key : {"people", "sends", "attempts", "acknowledged", "disposition:ANSWERED",
                          "outcome:CONFIRMED"}) {
    ExpectFinding(
        fmt::format("UPDATE campaign_counter SET value = value + 1 WHERE key = '{}'", key),
        fmt::format("counters {}: counter", key));
  }
  ExpectFinding("DELETE FROM campaign_counter", "counters people: counter 0, recount 4");
  ExpectFinding("INSERT INTO campaign_counter SELECT campaign_id, 'opt_outs', 1, 1 FROM campaign",
                "counters opt_outs: counter 1, recount 0");
}

TEST_F(ReportingTest, TheSchemaItselfRefusesWhatMustNotBe) {
  const CampaignId id = SomeCampaign();
  const std::string copy_of_live =
      "INSERT INTO call_attempt (campaign_id, recipient_id, people, trunk_id, number, "
      "number_index, attempt_no, state, claim_epoch, planned_at) "
      "SELECT campaign_id, recipient_id, 1, 1, number, 0, 1, 'PLANNED', 1, planned_at "
      "FROM call_attempt WHERE ended_at IS NULL";

  EXPECT_THROW(Sql(copy_of_live), pqxx::unique_violation);
  EXPECT_THROW(Sql("INSERT INTO number_lock SELECT e164, campaign_id, 1, 1, caller, taken_at "
                   "FROM number_lock"),
               pqxx::unique_violation);
  EXPECT_THROW(Sql("UPDATE call_attempt SET state = 'ENDED' WHERE ended_at IS NULL"),
               pqxx::check_violation);
  EXPECT_THROW(Sql("UPDATE call_attempt SET disposition = NULL WHERE ended_at IS NOT NULL"),
               pqxx::check_violation);
  EXPECT_THROW(Sql("UPDATE campaign SET state = 'COMPLETED'"), pqxx::check_violation);
  EXPECT_THROW(Sql("UPDATE campaign SET window_close_minute = 0"), pqxx::check_violation);
  EXPECT_THROW(Sql("UPDATE recipient SET outcome = 'CANCELED' WHERE outcome IS NULL"),
               pqxx::check_violation);
  EXPECT_THROW(Sql("UPDATE recipient SET marks = 'X'"), pqxx::check_violation);
  EXPECT_THROW(Sql("INSERT INTO number_lock VALUES ('12', 1, 1, 1, '', '2026-11-21')"),
               pqxx::check_violation);
  static_cast<void>(id);
}

}  // namespace
}  // namespace tocsin::db
