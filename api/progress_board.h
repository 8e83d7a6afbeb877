#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "core/store.h"

namespace tocsin {

// Where campaigns stand, for everybody who watches: one reading of the store
// serves all watchers of a campaign, however many. It is read anew when somebody
// begins to watch, soon after a change that was told of, and from time to time in
// any case: calls that begin are not told of, and a feed may be away.
//
// Thread-safe. Has no thread: one of a campaign's watchers reads for the others.
class ProgressBoard {
 public:
  struct Options {
    // OnChange() is called when something is committed. If not, the store is
    // asked every `apart`.
    bool told_of_changes = false;
    // Between two readings of a campaign, at least and at most.
    absl::Duration apart = absl::Milliseconds(250);
    absl::Duration apart_max = absl::Milliseconds(900);
  };
  struct Reading {
    CampaignProgress progress;
    absl::Time at;
  };

  // The arguments must outlive it. Once `stopping` is requested, whoever waits is
  // told kUnavailable.
  ProgressBoard(const Options& options, CampaignStore& store, const Clock& clock,
                std::stop_token stopping);
  ProgressBoard(const ProgressBoard&) = delete;
  ProgressBoard& operator=(const ProgressBoard&) = delete;

  // Something has changed, of whatever campaign. Does not block.
  void OnChange();

 private:
  // What is known of one campaign. A reading is known by its number, from 1.
  struct Sheet {
    int watchers = 0;
    bool wanted = false;      // Somebody has come who has seen nothing yet.
    bool stale = false;       // Something has changed since it was read.
    bool being_read = false;  // By one of the watchers, or as soon as it is time.
    std::uint64_t begun = 0;
    std::uint64_t done = 0;
    absl::StatusOr<Reading> last = absl::UnavailableError("not read yet");
    SteadyTime read_at;
  };

 public:
  // One watcher, on one thread; must not outlive the board.
  class Watch {
   public:
    Watch(ProgressBoard& board, CampaignId campaign);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // Waits for a reading that it has not told yet, the first time for one that
    // is begun after the call. Errors are those of the store, and kUnavailable.
    absl::StatusOr<Reading> Next();

   private:
    ProgressBoard& board_;
    const CampaignId campaign_;
    Sheet& sheet_;
    bool is_new_ = true;
    std::uint64_t told_ = 0;
  };

 private:
  Sheet& Enter(CampaignId campaign);
  void Leave(CampaignId campaign);
  // The three below REQUIRE mutex_.
  SteadyTime DueAt(const Sheet& sheet) const;
  void WakeSleepers();
  // Sleeps until the sheet is due and reads it; nothing is read after a stop.
  void ReadWhenDue(CampaignId campaign, Sheet& sheet, std::unique_lock<std::mutex>& lock);

  const Options options_;
  CampaignStore& store_;
  const Clock& clock_;
  const std::stop_token stopping_;

  std::mutex mutex_;  // Guards all below; not held while the store is asked.
  std::condition_variable_any read_;
  std::map<CampaignId, Sheet> sheets_;  // Of campaigns that are watched.
  std::stop_source woken_;              // Ends the sleep of those who read.

  // Last, so that it is gone before what it touches.
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace tocsin
