#pragma once
#include <cstdint>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "callserver/audio_file.h"
#include "callserver/call_history.h"
#include "callserver/ledger_line.h"
#include "callserver/population.h"
#include "core/ids.h"
#include "wire/calls_2021.h"
#include "wire/events.h"

// All calls of the call server, as one value that is stepped: no threads, no
// clock, no sockets. The server runs it on the real clock, tests on their own.
namespace tocsin::callserver {

// What can happen to it.
namespace input {
struct Tick {};  // Time has passed.
struct CreateCall {
  std::string number;
  std::string caller_number;
  std::string callback_uri;
  std::optional<AttemptKey> attempt;
  bool wants_dtmf = false;
  bool wants_participants_updated = false;
  absl::Time arrived_at;      // Not after `now`.
  int answered_status = 200;  // For the ledger: a fault may change the answer.
};
struct PlayAudio {
  std::string call_leg_id;
  wire::PlayAudioRequest request;
  std::optional<AudioFile> audio;  // Unset: not known yet, and will be told by AudioFetched.
};
struct AudioFetched {
  std::string key;  // AudioKey() of the request that wanted it.
  AudioFile audio;
};
struct CancelMedia {
  std::string call_leg_id;
  std::string operation_context;
};
struct HangUp {
  std::string call_leg_id;
};
}  // namespace input

using SimulationInput = std::variant<input::Tick, input::CreateCall, input::PlayAudio,
                                     input::AudioFetched, input::CancelMedia, input::HangUp>;

// A request that cannot be carried out.
struct Refusal {
  int status = 400;
  wire::ErrorBody error;
};

// An event on its way to the application.
struct Callback {
  std::string callback_uri;
  wire::Event event;
};

// What has to be done about it, in this order: write the ledger, then answer,
// post and fetch.
struct Effects {
  std::vector<LedgerLine> ledger;
  // To the request that was the input; empty for a hang-up that was taken and
  // for what is not a request.
  std::variant<std::monostate, wire::CreateCallResponse, wire::OperationResult, Refusal> answer;
  std::vector<Callback> callbacks;          // Of one call: in their order.
  std::optional<std::string> audio_wanted;  // An AudioKey() to fetch.
};

// Under which key the provider keeps an audio file.
std::string AudioKey(const wire::PlayAudioRequest& request);

class CallSimulation {
 public:
  struct Options {
    PopulationParameters population;
    std::uint64_t seed = 1;     // Of the population.
    std::uint64_t id_seed = 1;  // Of call ids: must differ between processes.
    double time_scale = 1;      // All lengths are divided by it.
  };

  // `history`: of the calls before, if it goes on where another stopped.
  explicit CallSimulation(const Options& options, CallHistory history = {});

  // Takes in what happened at `now`, and everything that was due until then.
  // `now` must not go backwards. Callbacks carry the time of `now`.
  Effects Step(absl::Time now, const SimulationInput& happened);

  // When to step with a Tick if nothing else happens; infinite if no call lives.
  absl::Time next_wake() const;

  std::size_t live_calls() const { return calls_.size(); }

 private:
  enum class Phase { kPlaced, kRinging, kConnected, kEnding };

  struct Play {
    std::string operation_context;
    std::string waits_for;  // An AudioKey(); empty once it runs.
    bool loop = false;
    absl::Time started_at;
    absl::Duration length;  // Real.
  };

  // Moments that are infinitely far away are not going to come.
  struct Call {
    std::uint64_t slot = 0;
    std::string id;
    input::CreateCall request;
    std::uint64_t number_hash = 0;
    CallPlan plan;
    std::string refused_because;  // "in_call", "caller_limit"; usually empty.
    Phase phase = Phase::kPlaced;
    absl::Time answered_at = absl::InfiniteFuture();
    std::string conversation_id;

    absl::Time establishing_at;
    absl::Time rings_until = absl::InfiniteFuture();
    absl::Time leaves_at = absl::InfiniteFuture();       // Has had enough.
    absl::Time patience_until = absl::InfiniteFuture();  // Of silence.
    absl::Time limit_at = absl::InfiniteFuture();
    absl::Time presses_at = absl::InfiniteFuture();
    absl::Time terminated_at = absl::InfiniteFuture();

    std::optional<Play> play;
    absl::Time play_ends_at = absl::InfiniteFuture();
    absl::Time last_play_started_at = absl::InfinitePast();
    std::string keys;  // Pressed so far.

    absl::Time wake_at = absl::InfiniteFuture();  // Its valid entry in the heap.
  };

  struct Line {  // What is remembered about a number, besides its history.
    std::uint32_t live = 0;
    absl::Time busy_until = absl::InfinitePast();
  };

  struct Wake {
    absl::Time at;
    std::uint64_t slot;
    friend bool operator<(const Wake& left, const Wake& right) { return left.at > right.at; }
  };

  void Take(const input::Tick& tick);
  void Take(const input::CreateCall& request);
  void Take(const input::PlayAudio& request);
  void Take(const input::AudioFetched& fetched);
  void Take(const input::CancelMedia& request);
  void Take(const input::HangUp& request);

  Call* Find(const std::string& call_leg_id);
  void Place(const input::CreateCall& request);
  CallPlan Plan(Call& call, Line& line);
  void DoWhatIsDue(Call& call);
  bool DoNext(Call& call);
  void StartRinging(Call& call);
  void StopRinging(Call& call);
  void Connect(Call& call);
  void StartPlay(Call& call, const AudioFile& audio);
  void Listen(Call& call, absl::Duration audio_length);
  void EndPlay(Call& call, std::int32_t code, std::int32_t subcode, std::string_view message);
  void PressKey(Call& call);
  void End(Call& call, std::string_view reason);
  void Terminate(Call& call);

  void Schedule(Call& call);
  void Forget(std::uint64_t slot);
  void Tell(const Call& call, wire::EventBody body);
  void TellState(const Call& call, wire::CallState state);
  void TellRoster(const Call& call);
  void Note(const Call& call, LedgerEntry entry);
  void Refuse(int status, std::string_view code, std::string_view message);
  std::string NewId();

  absl::Duration Real(absl::Duration simulated) const { return simulated / options_.time_scale; }
  std::int64_t SimulatedMs(absl::Duration real) const;

  const Options options_;
  const absl::Duration call_limit_;
  const absl::Duration setup_;
  const absl::Duration teardown_;
  const absl::Duration ring_limit_;

  absl::flat_hash_map<std::uint64_t, Call> calls_;        // By slot.
  std::unordered_map<std::string, std::uint64_t> slots_;  // By call leg id.
  absl::flat_hash_map<std::uint64_t, Line> lines_;        // By hash of the number.
  absl::flat_hash_map<std::string, int> caller_calls_;    // Live, by caller number.
  CallHistory history_;
  std::priority_queue<Wake> wakes_;
  // Calls whose play waits for a file, by AudioKey().
  absl::flat_hash_map<std::string, std::vector<std::uint64_t>> waiting_for_audio_;
  std::uint64_t next_slot_ = 1;
  std::uint64_t ids_made_ = 0;

  // Of the step that is being taken.
  absl::Time now_ = absl::InfinitePast();
  Effects effects_;
};

}  // namespace tocsin::callserver
