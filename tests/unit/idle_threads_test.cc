#include "base/idle_threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <thread>

namespace tocsin {
namespace {

// Threads that note who took which piece of work.
class Crew {
 public:
  ~Crew() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      const auto woken = idle_.All();
    }
    threads_.clear();
  }

  // Returns once it is idle.
  void Hire() {
    const int name = static_cast<int>(threads_.size());
    threads_.emplace_back([this, name] { Work(name); });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return static_cast<int>(resting_) == name + 1; });
  }

  void Give(int piece) {
    IdleThreads::Woken woken;
    const std::lock_guard lock(mutex_);
    pieces_.push_back(piece);
    woken = idle_.Next();
  }

  // Returns once so many pieces are done and everybody is idle again.
  std::vector<int> TakenBy(std::size_t pieces) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return takers_.size() == pieces && resting_ == threads_.size(); });
    return takers_;
  }

 private:
  void Work(int name) {
    std::unique_lock lock(mutex_);
    while (true) {
      ++resting_;  // Whoever sees it has the mutex, and so this thread is idle by then.
      changed_.notify_all();
      idle_.Wait(lock, [this] { return stopped_ || !pieces_.empty(); });
      --resting_;
      if (stopped_) return;
      pieces_.pop_front();
      takers_.push_back(name);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  IdleThreads idle_;
  std::deque<int> pieces_;
  std::vector<int> takers_;
  std::size_t resting_ = 0;
  bool stopped_ = false;
  std::vector<std::jthread> threads_;
};

TEST(IdleThreads, WhoeverBecameIdleLastWorksFirst) {
  Crew crew;
  for (int i = 0; i < 3; ++i) crew.Hire();

  crew.Give(1);
  EXPECT_THAT(crew.TakenBy(1), testing::ElementsAre(2));
  crew.Give(2);
  EXPECT_THAT(crew.TakenBy(2), testing::ElementsAre(2, 2));
}

TEST(IdleThreads, NoPieceOfWorkIsLeftLying) {
  constexpr int kGivers = 4, kPieces = 5'000;
  Crew crew;
  for (int i = 0; i < 3; ++i) crew.Hire();
  {
    std::vector<std::jthread> givers;
    for (int g = 0; g < kGivers; ++g) {
      givers.emplace_back([&crew] {
        for (int i = 0; i < kPieces; ++i) crew.Give(i);
      });
    }
  }
  EXPECT_EQ(crew.TakenBy(kGivers * kPieces).size(), static_cast<std::size_t>(kGivers * kPieces));
}

TEST(IdleThreads, WithNobodyIdleNobodyIsWoken) {
  IdleThreads idle;
  EXPECT_TRUE(idle.All().empty());
  const IdleThreads::Woken none = idle.Next();
}

}  // namespace
}  // namespace tocsin
