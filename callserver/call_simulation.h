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
#include "callserver/call_words.h"
#include "callserver/ledger_line.h"
#include "callserver/population.h"
#include "core/ids.h"
#include "wire/calls_2021.h"
#include "wire/calls_ga.h"
#include "wire/events.h"

// All calls of the call server, as one value that is stepped: no threads, no
// clock, no sockets. The server runs it on the real clock, tests on their own.
namespace tocsin::callserver {

// What can happen to it. Calls are named by call leg or call connection id.
namespace input {
struct Tick {};  // Time has passed.
struct CreateCall {
  wire::Dialect dialect = wire::Dialect::k2021_05;
  std::string number;
  std::string caller_number;
  std::string callback_uri;
  std::optional<AttemptKey> attempt;
  // What 2021 asks for when it calls. GA sends rosters always and keys when
  // asked to.
  bool wants_dtmf = false;
  bool wants_participants_updated = false;
  std::string operation_context;  // GA; likewise the next three.
  std::string source_display_name;
  std::string source;      // Id of a communication user.
  bool can_speak = false;  // Texts may be played.
  absl::Time arrived_at;   // Not after `now`.
  // For the ledger: a fault may change the answer.
  int answered_status = 200;
  std::string fault;
  bool never_ends = false;  // Until the application hangs up.
};
// A further leg into the conversation of a call, for the application alone: it
// rings nobody. 2021.
struct Join {
  std::string conversation_id;
  wire::JoinRequest request;
};
struct GetCall {
  std::string call_leg_id;
};
struct HangUp {
  std::string call_leg_id;
  bool for_everyone = false;  // Else the others go on without the application.
};

// One thing to be heard.
struct Prompt {
  std::string key;                 // Under which the provider keeps it.
  std::string uri;                 // Empty: spoken, and its length is known.
  std::optional<AudioFile> audio;  // Unset: not known yet, and will be told by AudioFetched.
};
// As 2021 asks for it.
struct PlayAudio {
  std::string call_leg_id;
  wire::PlayAudioRequest request;
  std::optional<AudioFile> audio;
};
// As GA does.
struct Play {
  std::string call_leg_id;
  wire::ga::PlayRequest request;
  std::vector<Prompt> prompts;  // Of the request's sources.
};
struct Recognize {
  std::string call_leg_id;
  wire::ga::RecognizeRequest request;
  std::vector<Prompt> prompts;
};
struct AudioFetched {
  std::string key;  // That of a prompt that wanted it.
  AudioFile audio;
};
struct CancelMedia {
  std::string call_leg_id;
  std::string operation_context;
};
struct WatchTones {  // Continuous DTMF.
  std::string call_leg_id;
  wire::ga::ContinuousDtmfRequest request;
  bool start = true;
};
struct SendTones {
  std::string call_leg_id;
  wire::ga::SendDtmfTonesRequest request;
};

struct AddParty {
  std::string call_leg_id;
  wire::ga::AddParticipantRequest request;
};
struct CancelAddParty {
  std::string call_leg_id;
  wire::ga::CancelAddParticipantRequest request;
};
struct RemoveParty {
  std::string call_leg_id;
  wire::ga::RemoveParticipantRequest request;
};
// As 2021 does, by the id from a roster.
struct RemoveParticipant {
  std::string call_leg_id;
  std::string participant_id;
};
struct Transfer {
  std::string call_leg_id;
  wire::ga::TransferRequest request;
};
struct Mute {
  std::string call_leg_id;
  wire::ga::MuteRequest request;
};
struct ListParties {
  std::string call_leg_id;
};
struct GetParty {
  std::string call_leg_id;
  std::string raw_id;
};
}  // namespace input

using SimulationInput =
    std::variant<input::Tick, input::CreateCall, input::Join, input::GetCall, input::HangUp,
                 input::PlayAudio, input::Play, input::Recognize, input::AudioFetched,
                 input::CancelMedia, input::WatchTones, input::SendTones, input::AddParty,
                 input::CancelAddParty, input::RemoveParty, input::RemoveParticipant,
                 input::Transfer, input::Mute, input::ListParties, input::GetParty>;

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

// A file that has to be fetched.
struct WantedAudio {
  std::string key;
  std::string uri;

  friend bool operator==(const WantedAudio&, const WantedAudio&) = default;
};

// To a request; empty for one that is answered without a body, and for what is
// no request.
using Answer =
    std::variant<std::monostate, Refusal, wire::CreateCallResponse, wire::OperationResult,
                 wire::ga::CallConnectionProperties, wire::ga::AddParticipantResponse,
                 wire::ga::CancelAddParticipantResponse, wire::ga::OperationResponse,
                 wire::ga::ParticipantList, wire::ga::CallParticipant>;

// What has to be done about it, in this order: write the ledger, then answer,
// post and fetch.
struct Effects {
  std::vector<LedgerLine> ledger;
  Answer answer;
  std::vector<Callback> callbacks;  // Of one call: in their order.
  std::vector<WantedAudio> audio_wanted;
};

// How many calls there may be at once; 0: no limit.
struct CallLimits {
  double caller_number_max = 0;  // On one caller number. Beyond it a call ends unanswered.
  double calls_max = 0;          // In all. Beyond it a create-call is refused.
};

CallLimits LimitsOf(const PopulationParameters& population);

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

  // In whose words something is asked. A call is known to those alone who ask in
  // the words that it was created in.
  enum class AskedIn { kAny, k2021, kGa };

  // `history`: of the calls before, if it goes on where another stopped.
  explicit CallSimulation(const Options& options, CallHistory history = {});

  // Instead of those of the population.
  void SetLimits(const CallLimits& limits) { limits_ = limits; }

  // Takes in what happened at `now`, and everything that was due until then.
  // `now` must not go backwards. Callbacks carry the time of `now`.
  Effects Step(absl::Time now, const SimulationInput& happened, AskedIn asked_in = AskedIn::kAny);

  // When to step with a Tick if nothing else happens; infinite if no call lives.
  absl::Time next_wake() const;

  // The call leg of a 2021 conversation; empty if there is none.
  std::string CallOfConversation(const std::string& conversation_id) const;

  std::size_t live_calls() const { return calls_.size(); }

 private:
  // kLeft: the application has left, and the others talk on.
  enum class Phase { kPlaced, kRinging, kConnected, kEnding, kLeft };

  // How keys are collected, once the prompts are through or interrupted.
  struct Recognition {
    bool interrupt_prompt = false;
    absl::Duration initial_silence;
    absl::Duration inter_tone;
    std::size_t tones_max = 0;  // 0: no limit.
    std::string stop_tones;
    std::string tones;  // Collected so far.
  };

  // What a call plays or listens for; one thing at a time.
  struct Media {
    Echo echo;
    std::vector<input::Prompt> prompts;
    bool loop = false;
    std::optional<Recognition> recognition;  // Unset: it only plays.
    bool waits = false;                      // For the audio of a prompt.
    bool plays = false;                      // The prompts are being heard.
    absl::Time started_at;
    absl::Duration length;  // Of all prompts; real.
  };

  // Somebody who was asked into a call.
  struct Guest {
    Seat seat;
    Echo echo;
    std::string invitation_id;
    bool is_transfer_target = false;
    std::optional<wire::Identifier> transferee;
    CallPlan plan;
    std::uint64_t number_hash = 0;  // 0: no telephone.
    bool joined = false;
    bool times_out = false;
    absl::Time decides_at = absl::InfiniteFuture();
  };

  // Moments that are infinitely far away are not going to come.
  struct Call {
    std::uint64_t slot = 0;
    CallNames names;
    input::CreateCall request;
    std::uint64_t number_hash = 0;
    CallPlan plan;
    std::string refused_because;  // "in_call", "caller_limit"; usually empty.
    Phase phase = Phase::kPlaced;
    absl::Time answered_at = absl::InfiniteFuture();
    Result end_result;  // Once it is ending.
    bool was_answered = false;

    absl::Time establishing_at;
    absl::Time rings_until = absl::InfiniteFuture();
    absl::Time leaves_at = absl::InfiniteFuture();       // Has had enough.
    absl::Time patience_until = absl::InfiniteFuture();  // Of silence.
    absl::Time limit_at = absl::InfiniteFuture();
    absl::Time presses_at = absl::InfiniteFuture();
    absl::Time terminated_at = absl::InfiniteFuture();

    std::optional<Media> media;
    absl::Time play_ends_at = absl::InfiniteFuture();
    absl::Time listens_until = absl::InfiniteFuture();
    absl::Time last_play_started_at = absl::InfinitePast();
    std::optional<Echo> tones_wanted;  // Continuous DTMF of GA.
    std::string keys;                  // Pressed so far.

    // Slots: of the call that this leg has joined, and of the legs that have
    // joined this call. 0: it is a call of its own.
    std::uint64_t host = 0;
    std::vector<std::uint64_t> joined;

    Seat seat;  // Of the person who was called.
    std::vector<Guest> guests;
    std::int64_t rosters = 0;

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

  // call_simulation.cc: the life of a call.
  void Take(const input::Tick& tick);
  void Take(const input::CreateCall& request);
  void Take(const input::GetCall& request);
  void Take(const input::HangUp& request);
  Call* Find(const std::string& call_leg_id);
  Call* FindConnected(const std::string& call_leg_id);
  void Place(const input::CreateCall& request);
  void NoteCreate(const input::CreateCall& request, const std::string& call_leg_id, int status);
  CallPlan Plan(Call& call, Line& line);
  void DoWhatIsDue(Call& call);
  bool DoNext(Call& call);
  bool DoNextConnected(Call& call);
  void StartRinging(Call& call);
  void StopRinging(Call& call);
  void Connect(Call& call);
  void PressKey(Call& call);
  void FreeLine(Call& call, std::string_view reason);
  void End(Call& call, std::string_view reason);
  void Leave(Call& call, std::string_view reason);
  void Terminate(Call& call);
  wire::ga::CallConnectionProperties PropertiesOf(const Call& call) const;
  void Schedule(Call& call);
  void Forget(std::uint64_t slot);

  // call_media.cc: what a call hears, and what is heard of it.
  void Take(const input::PlayAudio& request);
  void Take(const input::Play& request);
  void Take(const input::Recognize& request);
  void Take(const input::AudioFetched& fetched);
  void Take(const input::CancelMedia& request);
  void Take(const input::WatchTones& request);
  void Take(const input::SendTones& request);
  bool MayBegin(Call& call, bool recognizes, bool interrupts);
  void Begin(Call& call, Media media);
  void StartPrompts(Call& call);
  void HearPrompts(Call& call, absl::Duration audio_length);
  void EndPrompts(Call& call, const Result& result);
  void PromptsEnded(Call& call);
  void Collect(Call& call, char tone);
  void StopListening(Call& call);
  void EndMedia(Call& call, const Result& result, std::optional<int> failed_source = {});
  void StopMedia(Call& call);

  // call_parties.cc: who else is in a call.
  void Take(const input::Join& request);
  void Take(const input::AddParty& request);
  void Take(const input::CancelAddParty& request);
  void Take(const input::RemoveParty& request);
  void Take(const input::RemoveParticipant& request);
  void Take(const input::Transfer& request);
  void Take(const input::Mute& request);
  void Take(const input::ListParties& request);
  void Take(const input::GetParty& request);
  std::vector<Seat> SeatsOf(const Call& call) const;
  Seat* FindSeat(Call& call, const std::string& raw_id);
  bool IsPresent(Call& call, const wire::Identifier& party);
  Guest& Ring(Call& call, const wire::Identifier& party, absl::Duration timeout);
  bool DecideGuest(Call& call);
  void Seated(Call& call, Guest& guest);
  void NotSeated(Call& call, std::size_t index, const Result& result);
  void RemoveGuest(Call& call, std::size_t index);
  void FreeGuests(Call& call);
  std::size_t SeatedGuests(const Call& call) const;
  absl::Time NextGuestAt(const Call& call) const;
  void TellRoster(Call& call);
  void TellTone(const Call& call, char tone);
  void EndConversation(const Call& call);
  Call* FindHost(const std::string& call_leg_id);
  void LeaveHost(Call& call);
  void EndJoined(Call& call);

  void Tell(const Call& call, Words words, const std::string& callback_uri = {});
  void TellState(const Call& call, wire::CallState state);
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
  CallLimits limits_;

  absl::flat_hash_map<std::uint64_t, Call> calls_;              // By slot.
  std::unordered_map<std::string, std::uint64_t> slots_;        // By call leg id.
  std::unordered_map<std::string, std::string> conversations_;  // Call leg by conversation id.
  absl::flat_hash_map<std::uint64_t, Line> lines_;              // By hash of the number.
  absl::flat_hash_map<std::string, int> caller_calls_;          // Live, by caller number.
  CallHistory history_;
  std::priority_queue<Wake> wakes_;
  // Calls whose media wait for a file, by its key.
  absl::flat_hash_map<std::string, std::vector<std::uint64_t>> waiting_for_audio_;
  std::uint64_t next_slot_ = 1;
  std::uint64_t ids_made_ = 0;

  // Of the step that is being taken.
  absl::Time now_ = absl::InfinitePast();
  AskedIn asked_in_ = AskedIn::kAny;
  Effects effects_;
};

}  // namespace tocsin::callserver
