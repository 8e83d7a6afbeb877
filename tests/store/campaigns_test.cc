// Campaigns: creation, reading, commands, their end.
#include "tests/store/store_conformance.h"

namespace tocsin::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

CampaignSpec FullSpec() {
  CampaignSpec spec = SomeSpec();
  spec.name = "Überschwemmung \"Süd\" {1,2} \\";
  spec.purpose = "flood";
  spec.priority = 7;
  spec.flow.keys = {{'5', KeyMeaning::kAcknowledge}, {'#', KeyMeaning::kRepeat}};
  spec.flow.operator_line = OperatorLine{*PhoneNumber::Parse("+442079460000"), "GB"};
  spec.flow.identity_ends = absl::Milliseconds(4500);
  spec.flow.plays = 3;
  spec.flow.pause = absl::Seconds(3);
  spec.flow.wait_for_key = absl::Seconds(7);
  spec.flow.replays_max = 1;
  spec.flow.ring_limit = absl::Seconds(25);
  spec.flow.call_limit = absl::Seconds(90);
  spec.ack = {false, AckScope::kPerson, absl::Minutes(20), 3};
  spec.retry = {7,
                1.5,
                absl::Minutes(1),
                absl::Minutes(2),
                absl::Minutes(3),
                absl::Minutes(4),
                absl::Minutes(5),
                absl::Minutes(6),
                absl::Minutes(7)};
  spec.calls_per_second = 12.5;
  spec.concurrent_max = 40;
  spec.window = {8 * 60 + 30, 20 * 60};
  spec.time_zone = "America/Denver";
  spec.expires_after = absl::Hours(30);
  spec.default_region = "CA";
  spec.synthetic = false;
  return spec;
}

TEST_P(StoreTest, ACampaignIsReadAsItWasWritten) {
  const auto created = h_.campaigns.CreateCampaign(Request(), FullSpec(), h_.now);
  ASSERT_TRUE(created.ok()) << created.status();

  const auto read = h_.campaigns.GetCampaign(kTenant, created->id);

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->spec, FullSpec());
  EXPECT_EQ(read->state, CampaignState::kDraft);
  EXPECT_EQ(read->created_at, h_.now);
  EXPECT_EQ(read->tenant, kTenant);
  EXPECT_FALSE(read->started_at.has_value());
}

TEST_P(StoreTest, ACampaignCanPlayAPromptOfOurs) {
  const auto prompt = h_.campaigns.SavePrompt(kTenant, "RIFF", absl::Seconds(3), h_.now);
  ASSERT_TRUE(prompt.ok());
  CampaignSpec spec = SomeSpec();
  spec.flow.audio_uri.clear();
  spec.flow.prompt = *prompt;

  const CampaignId id = h_.Create(spec);

  EXPECT_EQ(h_.dial.GetCampaign(id)->spec, spec);
}

TEST_P(StoreTest, ACampaignOfAnotherTenantIsNotFound) {
  const CampaignId id = h_.Create(SomeSpec());

  EXPECT_TRUE(absl::IsNotFound(h_.campaigns.GetCampaign(TenantId(2), id).status()));
  EXPECT_TRUE(absl::IsNotFound(h_.campaigns.GetCampaign(kTenant, CampaignId(12345)).status()));
}

TEST_P(StoreTest, ACampaignOnAnUnknownTrunkIsNotFound) {
  CampaignSpec spec = SomeSpec();
  spec.trunk = "nowhere";

  const auto created = h_.campaigns.CreateCampaign(Request(), spec, h_.now);

  EXPECT_TRUE(absl::IsNotFound(created.status())) << created.status();
}

TEST_P(StoreTest, CreatingAgainWithTheSameRequestIdGivesTheFirstCampaign) {
  const auto first = h_.campaigns.CreateCampaign(Request("r1"), SomeSpec(), h_.now);
  const auto second = h_.campaigns.CreateCampaign(Request("r1"), SomeSpec(), h_.now);
  ApiRequest other = Request("r1");
  other.fingerprint = "another request";
  const auto third = h_.campaigns.CreateCampaign(other, SomeSpec(), h_.now);

  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->id, second->id);
  EXPECT_TRUE(absl::IsAlreadyExists(third.status())) << third.status();
  EXPECT_THAT(h_.campaigns.ListCampaigns(kTenant, CampaignId(), 10)->campaigns, SizeIs(1));
}

TEST_P(StoreTest, CampaignsAreListedNewestFirstPageByPage) {
  std::vector<CampaignId> ids;
  for (int i = 0; i < 5; ++i) {
    h_.now += absl::Seconds(1);
    ids.push_back(h_.Create(SomeSpec()));
  }
  std::vector<CampaignId> listed;
  int pages = 0;
  for (CampaignId after;;) {
    const auto page = h_.campaigns.ListCampaigns(kTenant, after, 2);
    ASSERT_TRUE(page.ok()) << page.status();
    ++pages;
    for (const Campaign& campaign : page->campaigns) listed.push_back(campaign.id);
    after = page->next_after;
    if (!after.is_set()) break;
  }

  EXPECT_EQ(pages, 3);
  EXPECT_THAT(listed, ElementsAre(ids[4], ids[3], ids[2], ids[1], ids[0]));
}

TEST_P(StoreTest, ACampaignWithoutRecipientsDoesNotStart) {
  const CampaignId id = h_.Create(SomeSpec());

  const auto started = h_.campaigns.CommandCampaign(Request(), id, CampaignCommand::kStart,
                                                    CancelMode::kDrain, "", h_.now);

  EXPECT_TRUE(absl::IsFailedPrecondition(started.status())) << started.status();
  EXPECT_EQ(h_.dial.GetCampaign(id)->state, CampaignState::kDraft);
}

TEST_P(StoreTest, ACampaignDoesNotStartDuringAnOpenImport) {
  const CampaignId id = h_.Create(SomeSpec());
  h_.Import(id, {Person("a", 1)});
  const auto import = h_.campaigns.BeginImport(Request(), id, h_.now);
  const auto early = h_.campaigns.CommandCampaign(Request(), id, CampaignCommand::kStart,
                                                  CancelMode::kDrain, "", h_.now);
  ASSERT_TRUE(h_.campaigns.FinishImport(import->id, h_.now).ok());

  EXPECT_TRUE(absl::IsFailedPrecondition(early.status())) << early.status();
  EXPECT_EQ(h_.Command(id, CampaignCommand::kStart).state, CampaignState::kRunning);
}

TEST_P(StoreTest, StartingSetsTheClockOfExpiry) {
  const CampaignId id = h_.Running(1);

  const Campaign campaign = *h_.dial.GetCampaign(id);

  EXPECT_EQ(campaign.started_at, h_.now);
  EXPECT_EQ(campaign.expires_at, h_.now + SomeSpec().expires_after);
}

TEST_P(StoreTest, CommandsMoveTheStateAndSayWhy) {
  const CampaignId id = h_.Running(1);

  const Campaign paused = h_.Command(id, CampaignCommand::kPause);
  const Campaign again = h_.Command(id, CampaignCommand::kPause);
  const Campaign resumed = h_.Command(id, CampaignCommand::kResume);
  const Campaign canceled = h_.Command(id, CampaignCommand::kCancel, CancelMode::kHangUp);
  const auto restarted = h_.campaigns.CommandCampaign(Request(), id, CampaignCommand::kResume,
                                                      CancelMode::kDrain, "", h_.now);

  EXPECT_EQ(paused.state, CampaignState::kPaused);
  EXPECT_EQ(paused.state_reason, "operator");
  EXPECT_EQ(again.state, CampaignState::kPaused);
  EXPECT_EQ(resumed.state, CampaignState::kRunning);
  EXPECT_EQ(canceled.state, CampaignState::kCanceling);
  EXPECT_EQ(canceled.cancel_mode, CancelMode::kHangUp);
  EXPECT_TRUE(absl::IsFailedPrecondition(restarted.status())) << restarted.status();
}

TEST_P(StoreTest, TheBreakerPausesARunningCampaignOnly) {
  const CampaignId id = h_.Running(1);
  const CampaignId draft = h_.Create(SomeSpec());

  EXPECT_TRUE(h_.dial.PauseCampaign(id, "nobody hears anything", h_.now).ok());
  EXPECT_TRUE(h_.dial.PauseCampaign(draft, "no", h_.now).ok());

  EXPECT_EQ(h_.dial.GetCampaign(id)->state, CampaignState::kPaused);
  EXPECT_EQ(h_.dial.GetCampaign(id)->state_reason, "nobody hears anything");
  EXPECT_EQ(h_.dial.GetCampaign(draft)->state, CampaignState::kDraft);
}

TEST_P(StoreTest, ActiveCampaignsTellWhatThereIsToDo) {
  const CampaignId id = h_.Running(3);
  h_.Create(SomeSpec());
  const std::vector<PlannedAttempt> planned = h_.Claim(id, 2);
  h_.Intend({planned[0]});

  const auto active = h_.dial.ListActiveCampaigns();

  ASSERT_TRUE(active.ok()) << active.status();
  ASSERT_THAT(*active, SizeIs(1));
  EXPECT_EQ(active->front().campaign.id, id);
  EXPECT_EQ(active->front().campaign.spec, SomeSpec());
  EXPECT_EQ(active->front().people, 3);
  EXPECT_EQ(active->front().planned, 1);
  EXPECT_EQ(active->front().live, 1);
  EXPECT_EQ(active->front().next_due, h_.now);
}

TEST_P(StoreTest, ACampaignIsNotCompleteWhileSomebodyWaitsOrIsRung) {
  const CampaignId id = h_.Running(2);
  EXPECT_FALSE(*h_.dial.CompleteIfDone(id, h_.now));
  const std::vector<PlannedAttempt> planned = h_.Dial(id);
  EXPECT_FALSE(*h_.dial.CompleteIfDone(id, h_.now));
  h_.Answered(planned[0].key, '1');
  EXPECT_FALSE(*h_.dial.CompleteIfDone(id, h_.now));
  h_.Answered(planned[1].key, '1');

  EXPECT_TRUE(*h_.dial.CompleteIfDone(id, h_.now));
  EXPECT_FALSE(*h_.dial.CompleteIfDone(id, h_.now));
  EXPECT_EQ(h_.dial.GetCampaign(id)->ended_at, h_.now);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, ACampaignIsNotCompleteWhileAListIsComingIn) {
  const CampaignId id = h_.Running(1);
  h_.Answered(h_.Dial(id)[0].key, '1');
  const auto import = h_.campaigns.BeginImport(Request(), id, h_.now);
  EXPECT_FALSE(*h_.dial.CompleteIfDone(id, h_.now));
  ASSERT_TRUE(h_.campaigns.FinishImport(import->id, h_.now).ok());

  EXPECT_TRUE(*h_.dial.CompleteIfDone(id, h_.now));
}

TEST_P(StoreTest, CancelConcludesWhoeverWaitsAndDrainsWhoeverIsRung) {
  const CampaignId id = h_.Running(4);
  const std::vector<PlannedAttempt> planned = h_.Claim(id, 2);
  h_.Intend({planned[0]});
  h_.Command(id, CampaignCommand::kCancel);

  int concluded = 0;
  for (int count = 1; count > 0; concluded += count) {
    count = *h_.dial.ConcludeRecipients(id, Outcome::kCanceled, 2, h_.now);
  }

  EXPECT_EQ(concluded, 3);
  EXPECT_FALSE(*h_.dial.CompleteIfDone(id, h_.now));
  h_.Answered(planned[0].key, '1');
  EXPECT_TRUE(*h_.dial.CompleteIfDone(id, h_.now));
  const CampaignProgress progress = h_.Progress(id);
  EXPECT_EQ(progress.state, CampaignState::kCanceled);
  EXPECT_THAT(progress.outcomes,
              ElementsAre(Pair(Outcome::kConfirmed, 1), Pair(Outcome::kCanceled, 3)));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, SomebodyWhoDidNotAnswerBeforeTheCancelIsNotRungAgain) {
  const CampaignId id = h_.Running(1);
  const PlannedAttempt attempt = h_.Dial(id)[0];
  h_.Command(id, CampaignCommand::kCancel);
  h_.NoAnswer(attempt.key);

  EXPECT_EQ(*h_.dial.ConcludeRecipients(id, Outcome::kCanceled, 10, h_.now), 0);
  EXPECT_TRUE(*h_.dial.CompleteIfDone(id, h_.now));
  EXPECT_THAT(h_.Progress(id).outcomes, ElementsAre(Pair(Outcome::kCanceled, 1)));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, ACanceledDraftConcludesItsPeopleToo) {
  const CampaignId id = h_.Create(SomeSpec());
  h_.Import(id, {Person("a", 1), Person("b", 2)});
  h_.Command(id, CampaignCommand::kCancel);

  EXPECT_EQ(*h_.dial.ConcludeRecipients(id, Outcome::kCanceled, 10, h_.now), 2);
  EXPECT_EQ(*h_.dial.ConcludeRecipients(id, Outcome::kCanceled, 10, h_.now), 0);
  EXPECT_TRUE(*h_.dial.CompleteIfDone(id, h_.now));
  EXPECT_THAT(h_.Progress(id).outcomes, ElementsAre(Pair(Outcome::kCanceled, 2)));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, AnExpiredCampaignConcludesWhoeverWaits) {
  const CampaignId id = h_.Running(3);
  const std::vector<PlannedAttempt> planned = h_.Dial(id, 1);
  h_.NoAnswer(planned[0].key);
  h_.now += SomeSpec().expires_after;

  EXPECT_EQ(*h_.dial.ConcludeRecipients(id, Outcome::kExpired, 10, h_.now), 3);

  EXPECT_TRUE(*h_.dial.CompleteIfDone(id, h_.now));
  EXPECT_THAT(h_.Progress(id).outcomes, ElementsAre(Pair(Outcome::kExpired, 3)));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, HangUpsAreOwedToLiveCallsOfACampaignCanceledSo) {
  const CampaignId id = h_.Running(3);
  const std::vector<PlannedAttempt> planned = h_.Dial(id, 2);
  EXPECT_THAT(*h_.dial.ListHangUpsOwed(id, 10), IsEmpty());
  h_.Command(id, CampaignCommand::kCancel, CancelMode::kHangUp);
  EXPECT_THAT(*h_.dial.ListHangUpsOwed(id, 10), ElementsAre(planned[0].key, planned[1].key));

  Fact order;
  order.kind = FactKind::kHangUpOrdered;
  order.key = OwnFactKey(order.kind, 0);
  order.at = order.received_at = h_.now;
  h_.Record(planned[0].key, order);

  EXPECT_THAT(*h_.dial.ListHangUpsOwed(id, 10), ElementsAre(planned[1].key));
}

TEST_P(StoreTest, NobodyIsOwedAHangUpByADrain) {
  const CampaignId id = h_.Running(1);
  h_.Dial(id);
  h_.Command(id, CampaignCommand::kCancel, CancelMode::kDrain);

  EXPECT_THAT(*h_.dial.ListHangUpsOwed(id, 10), IsEmpty());
}

}  // namespace
}  // namespace tocsin::testing
