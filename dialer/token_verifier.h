#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "core/trunk.h"
#include "dialer/alarm.h"
#include "dialer/callback_refusal.h"
#include "wire/json_web_token.h"

namespace tocsin::dialer {

// The keys of the issuer that a trunk expects its tokens from, asked for where
// the trunk says. kUnavailable and kInvalidArgument say what is wrong; a set
// without a key that we could use counts as none.
using FetchUrl = std::function<absl::StatusOr<std::string>(const std::string& url)>;
absl::StatusOr<wire::TokenKeys> FetchTokenKeys(const TokenExpectation& expected,
                                               const FetchUrl& fetch);

struct TokenCounters {
  std::uint64_t fetches = 0;  // Of a key set, that gave one.
  std::uint64_t fetch_failures = 0;
};

// Verifies the tokens on callbacks of GA trunks.
//
// A thread fetches the key sets ahead: when a trunk is first heard of, and from
// time to time. A callback is held up only by a key that is not known, which
// asks for the set at once, though not more often than now and then; what
// cannot be decided meanwhile is to be sent again. While an issuer does not
// answer, the keys that it gave last hold.
//
// Thread-safe.
class TokenVerifier {
 public:
  static constexpr int kWaitingMax = 32;

  struct Options {
    absl::Duration refresh = absl::Hours(1);
    // Between two fetches of a set, whoever asks for it.
    absl::Duration fetch_apart = absl::Seconds(1);
    // Instead, after one that failed: doubled with each that follows. Until it
    // succeeds, nothing that a trunk tells may be believed.
    absl::Duration retry_first = absl::Milliseconds(250);
    absl::Duration retry_max = absl::Seconds(10);
    // A callback's wait for a fetch, and how many wait at once.
    absl::Duration wait_max = absl::Seconds(5);
    int waiting_max = kWaitingMax;
  };
  using ListTrunks = std::function<absl::StatusOr<std::vector<Trunk>>()>;

  // `list_trunks` and `fetch` may block. `clock` must live longer.
  TokenVerifier(Options options, ListTrunks list_trunks, FetchUrl fetch, const Clock& clock);
  ~TokenVerifier();

  // Unset if the Authorization header of a callback holds a token that is good
  // for this trunk now.
  std::optional<CallbackRefusal> Check(TrunkId trunk, std::string_view authorization) {
    return Judge(trunk, authorization, Patience::kWaits);
  }

  // The same of what is known: kTokenUndecided where Check() would wait.
  std::optional<CallbackRefusal> CheckAtOnce(TrunkId trunk, std::string_view authorization) {
    return Judge(trunk, authorization, Patience::kNone);
  }

  // False while there is no key at all for a trunk of GA: whatever its calls tell
  // would have to come again.
  bool Hears(TrunkId trunk) const;

  // To be called when the trunks in the store may have changed.
  void TrunksChanged();

  TokenCounters counters() const;

  // Ends the thread, after the fetch in progress. May be called twice.
  void Stop();

 private:
  enum class Patience { kNone, kWaits };
  // The keys of one place.
  struct KeySet {
    TokenExpectation expected;                    // Any trunk's that has its keys there.
    std::shared_ptr<const wire::TokenKeys> keys;  // Null: none yet.
    std::uint64_t tries = 0;
    int failures = 0;  // Of the last tries, in a row.
    SteadyTime tried_at{};
    SteadyTime due{};  // The next fetch.
  };
  struct Trusted {
    TokenExpectation expected;
    std::shared_ptr<KeySet> set;
  };

  void Run(const std::stop_token& stop);
  void ReadTrunks();
  void TakeTrunks(const std::vector<Trunk>& trunks);
  void Fetch(KeySet& set, const TokenExpectation& expected);
  std::shared_ptr<KeySet> NextDue() const;
  SteadyTime NextTry(const KeySet& set) const;
  std::optional<CallbackRefusal> Judge(TrunkId trunk, std::string_view authorization,
                                       Patience patience);
  absl::StatusOr<Trusted> Find(TrunkId trunk, std::unique_lock<std::mutex>& lock,
                               Patience patience);
  bool WaitForFetch(KeySet& set, std::unique_lock<std::mutex>& lock);
  bool Wait(std::unique_lock<std::mutex>& lock, const std::function<bool()>& done);

  const Options options_;
  const ListTrunks list_trunks_;
  const FetchUrl fetch_;
  const Clock& clock_;
  Alarm alarm_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<TrunkId, Trusted> trunks_;
  std::map<std::string, std::shared_ptr<KeySet>> sets_;  // By where and whose.
  SteadyTime trunks_due_{};                              // When they are to be read.
  std::uint64_t trunk_reads_ = 0;
  bool trunks_known_ = false;  // The last time they were read.
  SteadyTime trunks_read_at_{};
  int waiting_ = 0;
  std::atomic<std::uint64_t> fetches_{0};
  std::atomic<std::uint64_t> fetch_failures_{0};
  std::jthread thread_;  // Last: it uses all of the above.
};

}  // namespace tocsin::dialer
