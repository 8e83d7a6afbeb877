#include "api/progress_board.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/faulty_campaign_store.h"
#include "tests/support/in_memory_store.h"

namespace tocsin {
namespace {

class ProgressBoardTest : public testing::Test {
 protected:
  ProgressBoardTest() {
    Trunk trunk;
    trunk.name = "local";
    trunk.endpoint = "http://127.0.0.1:1";
    trunk.caller_numbers = {*PhoneNumber::Parse("+12085550100")};
    EXPECT_TRUE(memory_.SaveTrunk(trunk, clock_.Now()).ok());
    CampaignSpec spec;
    spec.trunk = "local";
    const auto campaign = memory_.CreateCampaign({}, spec, clock_.Now());
    EXPECT_TRUE(campaign.ok()) << campaign.status();
    campaign_ = campaign->id;
  }
  ~ProgressBoardTest() override { stop_.request_stop(); }

  ProgressBoard& Board(bool told_of_changes) {
    board_.emplace(ProgressBoard::Options{.told_of_changes = told_of_changes}, store_, clock_,
                   stop_.get_token());
    return *board_;
  }
  int readings() const { return store_.calls("GetProgress"); }

  FakeClock clock_{absl::FromUnixSeconds(1'790'000'000)};
  InMemoryStore memory_;
  FaultyCampaignStore store_{memory_};
  CampaignId campaign_;
  std::stop_source stop_;
  std::optional<ProgressBoard> board_;
};

TEST_F(ProgressBoardTest, OneReadingServesAllWhoWatch) {
  ProgressBoard& board = Board(false);
  std::vector<std::unique_ptr<ProgressBoard::Watch>> watches;
  for (int i = 0; i < 8; ++i) {
    watches.push_back(std::make_unique<ProgressBoard::Watch>(board, campaign_));
    ASSERT_TRUE(watches.back()->Next().ok());
  }
  // Whoever came before the last is owed the last one's reading.
  for (std::size_t i = 0; i < 7; ++i) ASSERT_TRUE(watches[i]->Next().ok());
  const int before = readings();

  std::vector<std::future<absl::Status>> told;
  told.reserve(watches.size());
  for (auto& watch : watches) {
    told.push_back(std::async(std::launch::async, [&] { return watch->Next().status(); }));
  }
  clock_.Advance(absl::Milliseconds(250));

  for (auto& answer : told) EXPECT_TRUE(answer.get().ok());
  EXPECT_EQ(readings(), before + 1);
}

TEST_F(ProgressBoardTest, WhoBeginsToWatchSeesWhatIsTrueNow) {
  ProgressBoard& board = Board(true);
  ProgressBoard::Watch early(board, campaign_);
  EXPECT_EQ(early.Next()->progress.state, CampaignState::kDraft);
  ASSERT_TRUE(
      memory_.CommandCampaign({}, campaign_, CampaignCommand::kCancel, CancelMode::kDrain, "", {})
          .ok());

  ProgressBoard::Watch late(board, campaign_);

  EXPECT_NE(late.Next()->progress.state, CampaignState::kDraft);
}

TEST_F(ProgressBoardTest, AChangeIsReadSoonAndSilenceNowAndThen) {
  ProgressBoard& board = Board(true);
  ProgressBoard::Watch watch(board, campaign_);
  const absl::Time began = clock_.Now();
  ASSERT_TRUE(watch.Next().ok());

  auto changed = std::async(std::launch::async, [&] { return watch.Next()->at; });
  board.OnChange();
  board.OnChange();
  clock_.Advance(absl::Milliseconds(250));
  EXPECT_EQ(changed.get(), began + absl::Milliseconds(250));

  auto silent = std::async(std::launch::async, [&] { return watch.Next()->at; });
  clock_.Advance(absl::Milliseconds(899));
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(silent.get(), began + absl::Milliseconds(1150));
  EXPECT_EQ(readings(), 3);
}

TEST_F(ProgressBoardTest, AnErrorOfTheStoreIsToldAndTheNextReadingIsTried) {
  ProgressBoard& board = Board(false);
  ProgressBoard::Watch watch(board, campaign_);
  store_.FailNext("GetProgress", {{absl::UnavailableError("away")}});
  EXPECT_EQ(watch.Next().status().code(), absl::StatusCode::kUnavailable);

  clock_.Advance(absl::Milliseconds(250));
  EXPECT_TRUE(watch.Next().ok());
}

TEST_F(ProgressBoardTest, AStopEndsEveryWait) {
  ProgressBoard& board = Board(true);
  ProgressBoard::Watch one(board, campaign_), other(board, campaign_);
  ASSERT_TRUE(one.Next().ok() && other.Next().ok());
  auto waiting = std::async(std::launch::async, [&] {
    while (one.Next().ok()) {
    }
  });
  auto waiting_too = std::async(std::launch::async, [&] {
    while (other.Next().ok()) {
    }
  });

  stop_.request_stop();

  waiting.get();
  waiting_too.get();
}

}  // namespace
}  // namespace tocsin
