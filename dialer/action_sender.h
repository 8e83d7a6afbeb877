#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/idle_threads.h"
#include "core/fact_sink.h"
#include "core/store.h"
#include "dialer/connection_pool.h"
#include "dialer/protocol.h"
#include "dialer/provider_request.h"
#include "dialer/text_prompts.h"
#include "dialer/wake_heap.h"

namespace tocsin::dialer {

// A trunk as the sender knows it.
struct KnownTrunk {
  Trunk trunk;
  TrunkAddress address;

  const Protocol& protocol() const { return ProtocolFor(address.dialect, address.spelling); }
};

// What a campaign's calls play, and to whom they can be put through.
struct CallScript {
  Campaign campaign;      // As it was created: its state is of some time ago.
  std::string audio_uri;  // Where the provider fetches the recording; empty: there is none.
  std::string cache_key;  // Under which the provider may keep it.
};

// What the sender knows by heart: trunks for a few seconds, campaigns' flows
// (which never change) as long as there is room. Thread-safe; blocks on the
// database when it has to ask.
class DialDirectory {
 public:
  DialDirectory(DialStore& store, const Clock& clock, std::string prompt_base_url)
      : store_(store), clock_(clock), prompt_base_url_(std::move(prompt_base_url)) {}

  // kNotFound.
  absl::StatusOr<std::shared_ptr<const KnownTrunk>> FindTrunk(TrunkId id);
  // kNotFound.
  absl::StatusOr<std::shared_ptr<const CallScript>> Script(CampaignId id);
  // kNotFound.
  absl::StatusOr<SpokenMessage> Text(CampaignId campaign, TextId text);

 private:
  DialStore& store_;
  const Clock& clock_;
  const std::string prompt_base_url_;
  std::mutex mutex_;
  std::map<TrunkId, std::shared_ptr<const KnownTrunk>> trunks_;
  SteadyTime trunks_read_at_{};
  std::unordered_map<CampaignId, std::shared_ptr<const CallScript>> scripts_;
  std::map<std::pair<CampaignId, TextId>, SpokenMessage> texts_;
};

struct ActionCounters {
  std::uint64_t accepted = 0;
  std::uint64_t deaf = 0;  // Plays into calls whose keys cannot be heard.
  std::uint64_t refused = 0;
  std::uint64_t tries_failed = 0;  // Will be tried again, or left to the sweeper.
  std::uint64_t left_to_sweeper = 0;
  std::uint64_t waiting = 0;  // Calls with actions to carry out, now.
};

// Carries out actions: plays, cancels, hang-ups, transfers. Those of one call go one
// after another, those of different calls at once. Each is sent at least once: what
// got no clear answer is tried again a few times and then left to the
// reconciler's sweep. The answer becomes a fact.
//
// A transfer rings somebody, so DialGuard is asked before it, and it is sent once:
// without a clear answer it is not tried again, unless nothing of it left this
// machine, or the dialect does what is asked for twice under one id once.
//
// Thread-safe.
class ActionSender {
 public:
  struct Options {
    int workers = 32;
    int tries_max = 4;
    absl::Duration backoff_min = absl::Milliseconds(200);
    // Calls waiting at once; those beyond are left to the sweeper.
    std::size_t waiting_max = 50'000;
    std::string prompt_base_url;  // Recordings of ours are at <base>/prompts/<name>.
    // Of texts that are rendered on our side; null: there are none.
    const TextPrompts* texts = nullptr;
  };

  ActionSender(Options options, DialStore& store, ConnectionPool& pool, Credentials& credentials,
               FactSink& sink, const Clock& clock);
  ~ActionSender();

  // Does not block. An action of the same ordinal that still waits is not sent
  // twice.
  void CarryOut(const LiveCall& call, const std::vector<Action>& actions);

  ActionCounters counters() const;

  // Waits for the requests in flight and leaves the rest to the sweeper of the
  // next start. May be called twice.
  void Stop();

 private:
  struct Order {
    Action action;
    LiveCall call;
    int tries = 0;
  };
  // A call's actions, in the order in which they were decided. The first is
  // being sent or waits to be tried again while the call is not in ready_.
  struct Line {
    std::deque<Order> orders;
    int carried = 0;  // Ordinal being sent now; 0: none.
  };

  IdleThreads::Woken Enqueue(const LiveCall& call, const std::vector<Action>& actions);
  Order TakeNext();
  void Work();
  // What came of a request.
  struct Reply {
    std::optional<HttpAnswer> answer;  // If it says anything clear: done, or refused.
    bool untouched = false;            // Nobody has done anything about it.
  };

  bool Try(const Order& order);
  bool Listen(const Protocol& protocol, const TrunkAddress& trunk, const Order& order,
              std::string& deaf);
  absl::StatusOr<ProviderRequest> RequestOf(const KnownTrunk& trunk, const Order& order,
                                            absl::Time now);
  absl::StatusOr<ProviderRequest> SpeechOf(const KnownTrunk& trunk, const CallAction& action,
                                           TextId text);
  absl::StatusOr<ProviderRequest> TransferOf(const KnownTrunk& trunk, const CallAction& action,
                                             const Order& order);
  Reply Send(const TrunkAddress& trunk, ProviderRequest request, absl::Time now);
  void Report(const Order& order, absl::Time sent_at, int status, ProviderError error);
  void Settle(Order order, bool settled);

  const Options options_;
  DialStore& store_;
  DialDirectory directory_;
  ConnectionPool& pool_;
  Credentials& credentials_;
  FactSink& sink_;
  const Clock& clock_;
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> deaf_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> tries_failed_{0};
  std::atomic<std::uint64_t> left_to_sweeper_{0};
  mutable std::mutex mutex_;
  IdleThreads idle_;
  std::unordered_map<AttemptKey, Line> lines_;
  std::deque<AttemptKey> ready_;
  bool stopped_ = false;
  WakeHeap again_;  // Calls whose first action is to be tried again.
  std::vector<std::jthread> workers_;
};

}  // namespace tocsin::dialer
