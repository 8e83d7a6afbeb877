// Lists on their way in; prompts, trunks.
#include "tests/store/store_conformance.h"

namespace tocsin::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_P(StoreTest, APersonKeyIsTakenOnce) {
  const CampaignId id = h_.Create(SomeSpec());
  h_.Import(id, {Person("a", 1)});

  const ImportBatchResult result = h_.Import(id, {Person("a", 2), Person("b", 3), Person("b", 4)});

  EXPECT_EQ(result.accepted, 1);
  EXPECT_THAT(result.duplicates, ElementsAre(Field(&RefusedRow::person_key, "a"),
                                             Field(&RefusedRow::person_key, "b")));
  const CampaignProgress progress = h_.Progress(id);
  EXPECT_EQ(progress.people, 2);
  EXPECT_EQ(progress.duplicates, 2);
  EXPECT_EQ(progress.refused, 0);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, TheSamePersonKeyMayStandInAnotherCampaign) {
  const CampaignId first = h_.Create(SomeSpec());
  const CampaignId second = h_.Create(SomeSpec());

  EXPECT_EQ(h_.Import(first, {Person("a", 1)}).accepted, 1);
  EXPECT_EQ(h_.Import(second, {Person("a", 1)}).accepted, 1);
}

TEST_P(StoreTest, ABatchSentAgainIsAnsweredAsTheFirstTime) {
  const CampaignId id = h_.Create(SomeSpec());
  const ImportId import = h_.campaigns.BeginImport(Request("i"), id, h_.now)->id;
  const std::vector<ImportRow> rows = {Person("a", 1), Person("a", 2), Person("b", 3)};
  const std::vector<RefusedRow> refused = {{9, "c", "phone", "INVALID_NUMBER", "too short"}};

  const auto first = h_.campaigns.ImportBatch(import, 1, rows, refused, h_.now);
  const auto second = h_.campaigns.ImportBatch(import, 1, rows, refused, h_.now);
  const auto summary = h_.campaigns.FinishImport(import, h_.now);

  ASSERT_TRUE(first.ok() && second.ok() && summary.ok());
  EXPECT_EQ(first->accepted, 2);
  EXPECT_EQ(second->accepted, 2);
  EXPECT_EQ(first->duplicates, second->duplicates);
  EXPECT_EQ(summary->accepted, 2);
  EXPECT_EQ(summary->duplicates, 1);
  EXPECT_EQ(summary->refused, 1);
  EXPECT_EQ(h_.Progress(id).refused, 1);
}

TEST_P(StoreTest, ARepeatedImportGoesOnWhereItWasLeft) {
  const CampaignId id = h_.Create(SomeSpec());
  const auto first = h_.campaigns.BeginImport(Request("i"), id, h_.now);
  ASSERT_TRUE(h_.campaigns.ImportBatch(first->id, 1, {Person("a", 1)}, {}, h_.now).ok());
  const auto again = h_.campaigns.BeginImport(Request("i"), id, h_.now);

  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id, first->id);
  EXPECT_EQ(again->accepted, 1);
  ASSERT_TRUE(h_.campaigns.ImportBatch(again->id, 1, {Person("a", 1)}, {}, h_.now).ok());
  ASSERT_TRUE(h_.campaigns.ImportBatch(again->id, 2, {Person("b", 2)}, {}, h_.now).ok());
  EXPECT_EQ(h_.campaigns.FinishImport(again->id, h_.now)->accepted, 2);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, AnImportThatIsFinishedTwiceClosesNoOther) {
  const CampaignId id = h_.Create(SomeSpec());
  const ImportId one = h_.campaigns.BeginImport(Request("one"), id, h_.now)->id;
  const ImportId other = h_.campaigns.BeginImport(Request("other"), id, h_.now)->id;
  ASSERT_TRUE(h_.campaigns.ImportBatch(one, 1, {Person("a", 1)}, {}, h_.now).ok());
  const auto start = [&] {
    return h_.campaigns
        .CommandCampaign(Request(), id, CampaignCommand::kStart, CancelMode::kDrain, "operator",
                         h_.now)
        .status();
  };

  EXPECT_EQ(h_.campaigns.FinishImport(one, h_.now)->accepted, 1);
  EXPECT_EQ(h_.campaigns.FinishImport(one, h_.now)->accepted, 1);
  EXPECT_EQ(start().code(), absl::StatusCode::kFailedPrecondition);

  ASSERT_TRUE(h_.campaigns.FinishImport(other, h_.now).ok());
  EXPECT_TRUE(start().ok());
}

TEST_P(StoreTest, AnImportThatIsFinishedTakesNothingUntilItIsBegunAgain) {
  const CampaignId id = h_.Create(SomeSpec());
  const ImportId import = h_.campaigns.BeginImport(Request("i"), id, h_.now)->id;
  ASSERT_TRUE(h_.campaigns.ImportBatch(import, 1, {Person("a", 1)}, {}, h_.now).ok());
  ASSERT_TRUE(h_.campaigns.FinishImport(import, h_.now).ok());

  // What is there already is answered as ever.
  EXPECT_EQ(h_.campaigns.ImportBatch(import, 1, {Person("a", 1)}, {}, h_.now)->accepted, 1);
  EXPECT_EQ(h_.campaigns.ImportBatch(import, 2, {Person("b", 2)}, {}, h_.now).status().code(),
            absl::StatusCode::kFailedPrecondition);

  ASSERT_TRUE(h_.campaigns.BeginImport(Request("i"), id, h_.now).ok());
  EXPECT_EQ(h_.campaigns.ImportBatch(import, 2, {Person("b", 2)}, {}, h_.now)->accepted, 1);
}

TEST_P(StoreTest, AnOpenImportHoldsUpTheEndOfACampaignButNotOfACanceledOne) {
  const CampaignId id = h_.Running(1);
  h_.Answered(h_.Dial(id).front().key, '1');
  ASSERT_TRUE(h_.campaigns.BeginImport(Request("left open"), id, h_.now).ok());
  EXPECT_FALSE(*h_.dial.CompleteIfDone(id, h_.now));

  h_.Command(id, CampaignCommand::kCancel);

  EXPECT_TRUE(*h_.dial.CompleteIfDone(id, h_.now));
}

TEST_P(StoreTest, RefusedRowsAreKeptAndListedPageByPage) {
  const CampaignId id = h_.Create(SomeSpec());
  const ImportId import = h_.campaigns.BeginImport(Request(), id, h_.now)->id;
  std::vector<RefusedRow> refused;
  for (int i = 1; i <= 5; ++i) {
    refused.push_back({i, "key", "phone", "INVALID_NUMBER", "needs 8 digits"});
  }
  ASSERT_TRUE(h_.campaigns.ImportBatch(import, 1, {}, refused, h_.now).ok());
  ASSERT_TRUE(h_.campaigns.FinishImport(import, h_.now).ok());

  std::vector<RefusedRow> listed;
  for (std::int64_t after = 0;;) {
    const auto page = h_.campaigns.ListRefusedRows(kTenant, id, after, 2);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->rows.size(), 2u);
    listed.insert(listed.end(), page->rows.begin(), page->rows.end());
    after = page->next_after;
    if (after == 0) break;
  }

  EXPECT_EQ(listed, refused);
}

TEST_P(StoreTest, PeopleImportedIntoARunningCampaignAreDueAtOnce) {
  const CampaignId id = h_.Running(1);
  h_.Dial(id);
  h_.now += absl::Minutes(1);
  h_.Import(id, {Person("late", 2)});

  const std::vector<PlannedAttempt> planned = h_.Claim(id);

  ASSERT_THAT(planned, SizeIs(1));
  EXPECT_EQ(planned[0].to, Number(2));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, NobodyIsImportedIntoACampaignThatIsOver) {
  const CampaignId id = h_.Running(1);
  const ImportId open = h_.campaigns.BeginImport(Request(), id, h_.now)->id;
  h_.Command(id, CampaignCommand::kCancel);

  const auto begun = h_.campaigns.BeginImport(Request(), id, h_.now);

  EXPECT_TRUE(absl::IsFailedPrecondition(begun.status())) << begun.status();
  static_cast<void>(open);
}

TEST_P(StoreTest, NamesAndKeysMayHoldAnything) {
  const CampaignId id = h_.Create(SomeSpec());
  ImportRow row = Person("a\"b\\c{d},e NULL 'f'; DROP TABLE recipient --", 1);
  row.name = "Zoë \"Ünal\" {x,y} \\ 東京";
  EXPECT_EQ(h_.Import(id, {row}).accepted, 1);
  EXPECT_EQ(h_.Import(id, {row}).accepted, 0);
}

TEST_P(StoreTest, TheSameRecordingIsStoredOnce) {
  const std::string wav("RIFF\0\1\377data\"\\", 13);
  const auto first = h_.campaigns.SavePrompt(kTenant, wav, absl::Milliseconds(2500), h_.now);
  const auto second = h_.campaigns.SavePrompt(kTenant, wav, absl::Milliseconds(2500), h_.now);
  const auto other = h_.campaigns.SavePrompt(kTenant, "other", absl::Seconds(1), h_.now);
  ASSERT_TRUE(first.ok() && second.ok() && other.ok());

  const auto prompt = h_.campaigns.GetPrompt(*first);

  EXPECT_EQ(*first, *second);
  EXPECT_NE(*first, *other);
  ASSERT_TRUE(prompt.ok()) << prompt.status();
  EXPECT_EQ(prompt->wav, wav);
  EXPECT_EQ(prompt->length, absl::Milliseconds(2500));
  EXPECT_TRUE(prompt->public_name.ends_with(".wav"));
  EXPECT_EQ(h_.campaigns.FindPrompt(prompt->public_name)->id, *first);
  EXPECT_TRUE(absl::IsNotFound(h_.campaigns.FindPrompt("nobody.wav").status()));
  EXPECT_TRUE(absl::IsNotFound(h_.campaigns.GetPrompt(PromptId(999999)).status()));
}

TEST_P(StoreTest, ATrunkIsReplacedByNameAndKeepsItsId) {
  Trunk changed = SomeTrunk();
  changed.endpoint = "https://calls.example.com";
  changed.dialect = Dialect::kPreview202104;
  changed.api_version = "2021-05-28-preview2";
  changed.spelling = Spelling::kSwagger;
  changed.credential = {CredentialKind::kConnectionString, "env:CARRIER"};
  changed.source_user = "8:acs:a_b";
  changed.resource_id = "r";
  changed.callback_issuer = "https://issuer.example.com";
  changed.jwks_url = "https://issuer.example.com/keys";
  changed.openid_configuration_url = "https://issuer.example.com/configuration";
  changed.caller_numbers = {Number(7), Number(5), Number(6)};
  changed.calls_per_second = 2.5;
  changed.concurrent_max = 7;
  changed.concurrent_max_per_caller = 3;
  changed.live_dialing = true;
  changed.allowed_regions = {"US", "CA"};
  changed.spend_ceiling_calls = 1000;
  changed.cognitive_services_endpoint = "https://speech.example.com/";

  const auto saved = h_.campaigns.SaveTrunk(changed, h_.now);
  const auto read = h_.campaigns.GetTrunk("local");

  ASSERT_TRUE(saved.ok() && read.ok());
  EXPECT_EQ(saved->id, h_.trunk.id);
  EXPECT_EQ(read->id, h_.trunk.id);
  EXPECT_EQ(read->endpoint, changed.endpoint);
  EXPECT_EQ(read->dialect, changed.dialect);
  EXPECT_EQ(read->api_version, changed.api_version);
  EXPECT_EQ(read->spelling, changed.spelling);
  EXPECT_EQ(read->credential, changed.credential);
  EXPECT_EQ(read->source_user, changed.source_user);
  EXPECT_EQ(read->cognitive_services_endpoint, changed.cognitive_services_endpoint);
  EXPECT_EQ(ExpectedTokens(*read), ExpectedTokens(changed));
  EXPECT_EQ(read->resource_id, changed.resource_id);
  EXPECT_EQ(read->caller_numbers, changed.caller_numbers);
  EXPECT_EQ(read->calls_per_second, 2.5);
  EXPECT_EQ(read->concurrent_max, 7);
  EXPECT_EQ(read->concurrent_max_per_caller, 3);
  EXPECT_TRUE(read->live_dialing);
  EXPECT_EQ(read->allowed_regions, changed.allowed_regions);
  EXPECT_EQ(read->spend_ceiling_calls, 1000);
  EXPECT_TRUE(absl::IsNotFound(h_.campaigns.GetTrunk("nowhere").status()));
  EXPECT_THAT(*h_.dial.ListTrunks(), SizeIs(1));
}

TEST_P(StoreTest, ALeaseIsOneNodesUntilItExpiresOrIsGivenUp) {
  const auto ours = h_.dial.AcquireLease("other", "a", absl::Milliseconds(300));
  const auto renewed = h_.dial.AcquireLease("other", "a", absl::Milliseconds(300));
  const auto theirs = h_.dial.AcquireLease("other", "b", absl::Seconds(60));
  ASSERT_TRUE(ours.ok() && renewed.ok() && theirs.ok());

  EXPECT_TRUE(ours->held);
  EXPECT_TRUE(renewed->held);
  EXPECT_EQ(renewed->epoch, ours->epoch);
  EXPECT_FALSE(theirs->held);
  EXPECT_EQ(theirs->holder, "a");
  EXPECT_GT(theirs->remaining, absl::ZeroDuration());
  EXPECT_LE(theirs->remaining, absl::Milliseconds(300));

  fixture_->PassLeaseTime(absl::Milliseconds(350));
  const auto taken = h_.dial.AcquireLease("other", "b", absl::Seconds(60));
  ASSERT_TRUE(taken.ok());
  EXPECT_TRUE(taken->held);
  EXPECT_EQ(taken->epoch, ours->epoch + 1);

  EXPECT_TRUE(h_.dial.ReleaseLease("other", "a", ours->epoch).ok());
  EXPECT_FALSE(h_.dial.AcquireLease("other", "a", absl::Seconds(60))->held);
  EXPECT_TRUE(h_.dial.ReleaseLease("other", "b", taken->epoch).ok());
  const auto back = h_.dial.AcquireLease("other", "a", absl::Seconds(60));
  EXPECT_TRUE(back->held);
  EXPECT_EQ(back->epoch, taken->epoch + 1);
}

}  // namespace
}  // namespace tocsin::testing
