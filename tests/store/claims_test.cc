// Who is rung next: claims, groups, windows.
#include <set>

#include "fmt/format.h"
#include "tests/store/store_conformance.h"

namespace tocsin::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

std::vector<PhoneNumber> NumbersOf(const std::vector<PlannedAttempt>& planned) {
  std::vector<PhoneNumber> numbers;
  for (const PlannedAttempt& attempt : planned) numbers.push_back(attempt.to);
  return numbers;
}

TEST_P(StoreTest, ClaimsComeByPriorityAndThenInOrder) {
  const CampaignId id = h_.Create(SomeSpec());
  std::vector<ImportRow> rows = {Person("a", 1), Person("b", 2), Person("c", 3), Person("d", 4)};
  rows[2].priority = 9;
  rows[1].priority = 1;
  h_.Import(id, rows);
  h_.Command(id, CampaignCommand::kStart);

  EXPECT_THAT(NumbersOf(h_.Claim(id, 1)), ElementsAre(Number(3)));
  EXPECT_THAT(NumbersOf(h_.Claim(id, 2)), ElementsAre(Number(2), Number(1)));
  EXPECT_THAT(NumbersOf(h_.Claim(id, 2)), ElementsAre(Number(4)));
  EXPECT_THAT(h_.Claim(id, 2), IsEmpty());
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, AClaimOfUnknownFateIsRepeatedUnderItsOwnId) {
  const CampaignId id = h_.Running(5);
  const OperationId operation = h_.NewOperation();

  const auto first = h_.dial.ClaimDue(operation, id, h_.epoch, 2, h_.now);
  const auto second = h_.dial.ClaimDue(operation, id, h_.epoch, 2, h_.now);

  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_THAT(*first, SizeIs(2));
  ASSERT_THAT(*second, SizeIs(2));
  EXPECT_EQ((*first)[0].key, (*second)[0].key);
  EXPECT_EQ((*first)[1].key, (*second)[1].key);
  EXPECT_THAT(h_.Claim(id), SizeIs(3));
}

TEST_P(StoreTest, APlannedAttemptTellsWhatTheGuardAsks) {
  const CampaignId id = h_.Create(SomeSpec());
  ImportRow row = Person("a", 1);
  row.time_zone = "America/Denver";
  h_.Import(id, {row});
  h_.Command(id, CampaignCommand::kStart);

  const PlannedAttempt attempt = h_.Claim(id).at(0);

  EXPECT_EQ(attempt.key.campaign, id);
  EXPECT_EQ(attempt.to, Number(1));
  EXPECT_EQ(attempt.time_zone, "America/Denver");
  EXPECT_EQ(attempt.sends, 0);
  EXPECT_EQ(attempt.people, 1);
  EXPECT_FALSE(attempt.caller.has_value());
}

TEST_P(StoreTest, PeopleWhoShareANumberShareACall) {
  const CampaignId id = h_.Create(SomeSpec());
  h_.Import(id, {Person("a", 1), Person("b", 2), Person("c", 1), Person("d", 1)});
  h_.Command(id, CampaignCommand::kStart);

  const std::vector<PlannedAttempt> planned = h_.Claim(id, 1);

  ASSERT_THAT(planned, SizeIs(1));
  EXPECT_EQ(planned[0].people, 3);
  EXPECT_EQ(h_.Progress(id).due, 1);
  h_.Intend(planned);
  h_.Answered(planned[0].key, '1');
  const CampaignProgress progress = h_.Progress(id);
  EXPECT_EQ(progress.acknowledged, 3);
  EXPECT_EQ(progress.attempts, 1);
  EXPECT_EQ(progress.outcomes.at(Outcome::kConfirmed), 3);
  h_.ExpectNoFindings();
}

SpokenMessage Words(const std::string& text) {
  return {"en", MessageText(text)};
}

CampaignSpec SpokenSpec() {
  CampaignSpec spec = SomeSpec();
  spec.flow.audio_uri.clear();
  spec.texts = {.templates = {{"en", "The power at {street} is out."}}, .language = "en"};
  return spec;
}

TEST_P(StoreTest, OnlyWhoIsToldTheSameSharesACall) {
  const CampaignId id = h_.Create(SpokenSpec());
  std::vector<ImportRow> rows = {Person("a", 1), Person("b", 1), Person("c", 1), Person("d", 2)};
  rows[0].message = rows[2].message = Words("The power at 14 Mill Road is out.");
  rows[1].message = Words("The power at 3 High Street is out.");
  rows[3].message = Words("The power at 14 Mill Road is out.");
  h_.Import(id, rows);
  h_.Command(id, CampaignCommand::kStart);

  const std::vector<PlannedAttempt> planned = h_.Claim(id);

  ASSERT_THAT(planned, SizeIs(3));
  EXPECT_EQ(planned[0].people + planned[1].people + planned[2].people, 4);
  EXPECT_EQ(planned[0].people, 2);
  const std::vector<IntentVerdict> verdicts = h_.Intend(planned);
  EXPECT_THAT(verdicts,
              ElementsAre(IntentVerdict::kGo, IntentVerdict::kNumberBusy, IntentVerdict::kGo));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, ACallKnowsWhatIsToBeSaidInIt) {
  const CampaignId id = h_.Create(SpokenSpec());
  ImportRow row = Person("a", 1);
  row.message = Words("The power at 14 \"Mill\" Road is out, {1,2} \\ Žofie.");
  h_.Import(id, {row});
  h_.Command(id, CampaignCommand::kStart);
  const AttemptKey key = h_.Dial(id)[0].key;
  h_.Record(key, Accepted(1, h_.now));

  const AttemptChange answered = h_.Record(key, Event(FactKind::kAnswered, "answered", h_.now));

  ASSERT_TRUE(answered.call.has_value());
  EXPECT_EQ(answered.call->text, TextIdOf(*row.message));
  EXPECT_EQ(*h_.dial.GetText(id, answered.call->text), *row.message);
  EXPECT_TRUE(absl::IsNotFound(h_.dial.GetText(id, TextId(1)).status()));
  EXPECT_TRUE(absl::IsNotFound(h_.dial.GetText(CampaignId(1), answered.call->text).status()));
  h_.now += absl::Seconds(10);
  const auto pending = h_.dial.ClaimPendingActions(h_.now, 10, h_.now);
  ASSERT_THAT(*pending, SizeIs(1));
  EXPECT_EQ(pending->front().call.text, answered.call->text);
}

TEST_P(StoreTest, TheNextCallSaysTheSameAndWhoComesLateHasWordsToo) {
  const CampaignId id = h_.Create(SpokenSpec());
  ImportRow row = Person("a", 1);
  row.message = Words("one");
  h_.Import(id, {row});
  h_.Command(id, CampaignCommand::kStart);
  const AttemptKey first = h_.Dial(id)[0].key;
  h_.Record(first, Accepted(1, h_.now));
  h_.Record(first, Event(FactKind::kEnded, "ended", h_.now));
  ImportRow late = Person("b", 2);
  late.message = Words("two");
  h_.Import(id, {late});
  h_.now += absl::Hours(1);

  std::set<TextId> said;
  for (const PlannedAttempt& attempt : h_.Dial(id)) {
    h_.Record(attempt.key, Accepted(1, h_.now));
    const AttemptChange answered =
        h_.Record(attempt.key, Event(FactKind::kAnswered, "answered", h_.now));
    said.insert(answered.call->text);
  }
  EXPECT_THAT(said, UnorderedElementsAre(TextIdOf(*row.message), TextIdOf(*late.message)));
}

TEST_P(StoreTest, PeopleWhoConfirmEachForThemselvesDoNotShareACall) {
  CampaignSpec spec = SomeSpec();
  spec.ack.scope = AckScope::kPerson;
  const CampaignId id = h_.Create(spec);
  h_.Import(id, {Person("a", 1), Person("b", 1)});
  h_.Command(id, CampaignCommand::kStart);

  const std::vector<PlannedAttempt> planned = h_.Claim(id);

  ASSERT_THAT(planned, SizeIs(2));
  EXPECT_THAT(h_.Intend(planned), ElementsAre(IntentVerdict::kGo, IntentVerdict::kNumberBusy));
  h_.Answered(planned[0].key, '1');
  EXPECT_EQ(h_.Progress(id).acknowledged, 1);
  EXPECT_THAT(h_.Intend({planned[1]}), ElementsAre(IntentVerdict::kGo));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, AGroupThatIsNotReachedIsRungTogetherAgain) {
  const CampaignId id = h_.Create(SomeSpec());
  h_.Import(id, {Person("a", 1), Person("b", 1)});
  h_.Command(id, CampaignCommand::kStart);
  h_.NoAnswer(h_.Dial(id).at(0).key);
  h_.now += absl::Hours(1);

  const std::vector<PlannedAttempt> again = h_.Claim(id);

  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].people, 2);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, NobodyIsClaimedOfACampaignThatDoesNotRun) {
  const CampaignId id = h_.Running(2);
  h_.Command(id, CampaignCommand::kPause);
  EXPECT_THAT(h_.Claim(id), IsEmpty());
  h_.Command(id, CampaignCommand::kResume);
  EXPECT_THAT(h_.Claim(id), SizeIs(2));
}

TEST_P(StoreTest, PlannedAttemptsOfAnOlderEpochAreAdopted) {
  const CampaignId id = h_.Running(4);
  std::vector<PlannedAttempt> lost = h_.Claim(id, 3);
  const auto adopt = [&](OperationId operation, int limit) {
    return *h_.dial.AdoptPlanned(operation, id, h_.epoch + 1, limit, h_.now);
  };

  const OperationId operation = h_.NewOperation();
  const std::vector<PlannedAttempt> first = adopt(operation, 2);

  ASSERT_THAT(first, SizeIs(2));
  EXPECT_EQ(first[0].key, lost[0].key);
  EXPECT_EQ(first[1].key, lost[1].key);
  EXPECT_THAT(adopt(operation, 2), SizeIs(2)) << "a repeated operation gives its first result";
  const std::vector<PlannedAttempt> rest = adopt(h_.NewOperation(), 2);
  ASSERT_THAT(rest, SizeIs(1));
  EXPECT_EQ(rest[0].key, lost[2].key);
  EXPECT_THAT(adopt(h_.NewOperation(), 2), IsEmpty());
  // Nor does a claim bring again what has been adopted.
  EXPECT_THAT(*h_.dial.ClaimDue(h_.NewOperation(), id, h_.epoch + 1, 10, h_.now), SizeIs(1));
}

TEST_P(StoreTest, PeopleAreDueWhenTheirOwnWindowOpens) {
  CampaignSpec spec = SomeSpec();
  spec.window = {9 * 60, 17 * 60};
  spec.time_zone = "UTC";
  spec.expires_after = absl::Hours(48);
  const CampaignId id = h_.Create(spec);
  std::vector<ImportRow> rows = {Person("here", 1), Person("west", 2), Person("east", 3)};
  rows[1].time_zone = "America/Los_Angeles";  // 04:00
  rows[2].time_zone = "Asia/Tokyo";           // 21:00
  h_.Import(id, rows);
  h_.Command(id, CampaignCommand::kStart);

  EXPECT_THAT(NumbersOf(h_.Claim(id)), ElementsAre(Number(1)));
  h_.now += absl::Hours(5) - absl::Seconds(1);
  EXPECT_THAT(h_.Claim(id), IsEmpty());
  h_.now += absl::Seconds(1);
  EXPECT_THAT(NumbersOf(h_.Claim(id)), ElementsAre(Number(2)));
  h_.now = kNoon + absl::Hours(12);
  EXPECT_THAT(NumbersOf(h_.Claim(id)), ElementsAre(Number(3)));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, WhoseWindowNeverOpensBeforeTheExpiryIsExpiredAtOnce) {
  CampaignSpec spec = SomeSpec();
  spec.window = {9 * 60, 17 * 60};
  spec.expires_after = absl::Hours(1);
  const CampaignId id = h_.Create(spec);
  std::vector<ImportRow> rows = {Person("here", 1), Person("east", 2)};
  rows[1].time_zone = "Asia/Tokyo";
  h_.Import(id, rows);
  h_.Command(id, CampaignCommand::kStart);

  EXPECT_THAT(NumbersOf(h_.Claim(id)), ElementsAre(Number(1)));
  EXPECT_EQ(h_.Progress(id).outcomes.at(Outcome::kExpired), 1);
  rows[1].person_key = "east again";
  h_.Import(id, {rows[1]});
  EXPECT_EQ(h_.Progress(id).outcomes.at(Outcome::kExpired), 2);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, AttemptsWhoseWindowClosedGoBackToTheQueue) {
  const CampaignId id = h_.Create(SomeSpec());
  h_.Import(id, {Person("a", 1), Person("b", 1), Person("c", 2)});
  h_.Command(id, CampaignCommand::kStart);
  const std::vector<PlannedAttempt> planned = h_.Claim(id);
  ASSERT_THAT(planned, SizeIs(2));
  const absl::Time tomorrow = h_.now + absl::Hours(2);

  ASSERT_TRUE(h_.dial.ReturnToQueue({{planned[0].key, tomorrow}}, h_.now).ok());

  EXPECT_THAT(h_.Intend({planned[0]}), ElementsAre(IntentVerdict::kWithdrawn));
  EXPECT_THAT(h_.Claim(id), IsEmpty());
  EXPECT_EQ(h_.dial.ListActiveCampaigns()->front().next_due, tomorrow);
  h_.ExpectNoFindings();
  h_.now = tomorrow;
  const std::vector<PlannedAttempt> again = h_.Claim(id);
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].people, 2);
  EXPECT_EQ(h_.Progress(id).attempts, 0);
}

TEST_P(StoreTest, AManyTimesLargerListIsClaimedCompletely) {
  const CampaignId id = h_.Create(SomeSpec());
  std::vector<ImportRow> rows;
  for (int i = 0; i < 700; ++i) rows.push_back(Person(fmt::format("p{}", i), i));
  h_.Import(id, rows);
  h_.Command(id, CampaignCommand::kStart);

  std::set<AttemptKey> keys;
  for (;;) {
    const std::vector<PlannedAttempt> planned = h_.Claim(id, 64);
    if (planned.empty()) break;
    for (const PlannedAttempt& attempt : planned) EXPECT_TRUE(keys.insert(attempt.key).second);
  }

  EXPECT_THAT(keys, SizeIs(700));
  h_.ExpectNoFindings();
}

}  // namespace
}  // namespace tocsin::testing
