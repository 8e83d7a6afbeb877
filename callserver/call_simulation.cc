#include "callserver/call_simulation.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "base/check.h"
#include "fmt/format.h"
#include "wire/digest.h"

namespace tocsin::callserver {
namespace {

// The result codes of the provider.
constexpr std::int32_t kOk = 200;
constexpr std::int32_t kBadRequest = 400;
constexpr std::string_view kNoSuchCall = "8522";
constexpr std::string_view kNotEstablished = "8501";
constexpr std::string_view kMediaActive = "8500";
constexpr std::string_view kCancelledMessage = "Action falied, the operation was cancelled.";

std::string_view StateWord(wire::CallState state) {
  switch (state) {
    case wire::CallState::kEstablishing: return "Establishing";
    case wire::CallState::kEstablished: return "Established";
    case wire::CallState::kTerminating: return "Terminating";
    case wire::CallState::kTerminated: return "Terminated";
    case wire::CallState::kUnknown:
    case wire::CallState::kIdle:
    case wire::CallState::kIncoming:
    case wire::CallState::kHold:
    case wire::CallState::kUnhold:
    case wire::CallState::kTransferring:
    case wire::CallState::kRedirecting: break;
  }
  TOCSIN_CHECK(false && "the simulation has four states");
  return {};
}

}  // namespace

std::string AudioKey(const wire::PlayAudioRequest& request) {
  return request.resource_id.empty() ? request.audio_file_uri : request.resource_id;
}

CallSimulation::CallSimulation(const Options& options, CallHistory history)
    : options_(options),
      call_limit_(Real(absl::Seconds(options.population.provider.call_limit_s))),
      setup_(Real(absl::Seconds(options.population.provider.setup_s))),
      teardown_(Real(absl::Seconds(options.population.provider.teardown_s))),
      ring_limit_(Real(absl::Seconds(options.population.provider.ring_limit_s))),
      history_(std::move(history)) {
  history_.SetTimeScale(options.time_scale);
}

Effects CallSimulation::Step(absl::Time now, const SimulationInput& happened) {
  TOCSIN_CHECK(now >= now_);
  now_ = now;
  effects_ = Effects();
  // What was due before comes first: a key pressed a moment before a hang-up.
  Take(input::Tick());
  std::visit([this](const auto& taken) { Take(taken); }, happened);
  return std::move(effects_);
}

absl::Time CallSimulation::next_wake() const {
  return wakes_.empty() ? absl::InfiniteFuture() : wakes_.top().at;
}

void CallSimulation::Take(const input::Tick&) {
  while (!wakes_.empty() && wakes_.top().at <= now_) {
    const Wake wake = wakes_.top();
    wakes_.pop();
    const auto it = calls_.find(wake.slot);
    // A call that was rescheduled or forgotten leaves its old entries behind.
    if (it != calls_.end() && it->second.wake_at == wake.at) DoWhatIsDue(it->second);
  }
}

void CallSimulation::Take(const input::CreateCall& request) {
  Place(request);
}

void CallSimulation::Take(const input::PlayAudio& request) {
  Call* const call = Find(request.call_leg_id);
  if (call == nullptr) return;
  if (call->phase != Phase::kConnected) {
    return Refuse(kBadRequest, kNotEstablished, "The call is not established.");
  }
  if (call->play) {
    return Refuse(kBadRequest, kMediaActive,
                  "A media operation is already active; cancel it first.");
  }
  call->play = Play{.operation_context = request.request.operation_context,
                    .waits_for = AudioKey(request.request),
                    .loop = request.request.loop};
  effects_.answer = wire::OperationResult{.id = NewId(),
                                          .status = wire::OperationStatus::kRunning,
                                          .operation_context = call->play->operation_context};
  if (request.audio) {
    StartPlay(*call, *request.audio);
    Schedule(*call);
    return;
  }
  std::vector<std::uint64_t>& waiting = waiting_for_audio_[call->play->waits_for];
  if (waiting.empty()) effects_.audio_wanted = call->play->waits_for;
  waiting.push_back(call->slot);
}

void CallSimulation::Take(const input::AudioFetched& fetched) {
  const auto waiting = waiting_for_audio_.extract(fetched.key);
  if (waiting.empty()) return;
  for (const std::uint64_t slot : waiting.mapped()) {
    const auto it = calls_.find(slot);
    if (it == calls_.end() || !it->second.play || it->second.play->waits_for != fetched.key)
      continue;
    StartPlay(it->second, fetched.audio);
    Schedule(it->second);
  }
}

void CallSimulation::Take(const input::CancelMedia& request) {
  Call* const call = Find(request.call_leg_id);
  if (call == nullptr) return;
  if (call->phase != Phase::kConnected) {
    return Refuse(kBadRequest, kNotEstablished, "The call is not established.");
  }
  effects_.answer = wire::OperationResult{.id = NewId(),
                                          .status = wire::OperationStatus::kCompleted,
                                          .operation_context = request.operation_context};
  if (call->play) EndPlay(*call, kBadRequest, wire::kSubcodeCancelled, kCancelledMessage);
  Schedule(*call);
}

void CallSimulation::Take(const input::HangUp& request) {
  Call* const call = Find(request.call_leg_id);
  if (call == nullptr) return;
  Note(*call, HangUpAsked{});
  if (call->phase != Phase::kEnding) End(*call, "application");
  Schedule(*call);
}

CallSimulation::Call* CallSimulation::Find(const std::string& call_leg_id) {
  const auto it = slots_.find(call_leg_id);
  if (it != slots_.end()) return &calls_.at(it->second);
  Refuse(404, kNoSuchCall, "There is no such call, or it has ended.");
  return nullptr;
}

void CallSimulation::Place(const input::CreateCall& request) {
  const std::uint64_t slot = next_slot_++;
  Call& call = calls_[slot];
  call.slot = slot;
  call.id = NewId();
  call.request = request;
  call.number_hash = StickyHash(options_.seed, request.number);
  slots_.emplace(call.id, slot);

  Line& line = lines_[call.number_hash];
  call.plan = Plan(call, line);
  ++line.live;
  ++caller_calls_[request.caller_number];

  call.establishing_at = now_ + setup_;
  call.limit_at = now_ + call_limit_;
  effects_.ledger.push_back({.at = request.arrived_at,
                             .call_leg_id = call.id,
                             .entry = CreateArrived{.status = request.answered_status,
                                                    .number = request.number,
                                                    .caller_number = request.caller_number,
                                                    .callback_uri = request.callback_uri.substr(
                                                        0, request.callback_uri.find('?')),
                                                    .attempt = request.attempt}});
  effects_.answer = wire::CreateCallResponse{.call_leg_id = call.id};
  Schedule(call);
}

CallPlan CallSimulation::Plan(Call& call, Line& line) {
  const PopulationParameters& population = options_.population;
  const input::CreateCall& request = call.request;
  // Every call counts, so that a ledger of them is all that there is to remember.
  const Circumstances circumstances =
      history_.Add(request.arrived_at, request.number, request.caller_number);
  const double caller_max = population.provider.caller_number_calls_max;
  if (caller_max > 0 && caller_calls_[request.caller_number] >= caller_max) {
    call.refused_because = "caller_limit";
    return BlockedPlan(population);
  }
  if (line.live > 0) {
    call.refused_because = "in_call";
    return BusyPlan(population);
  }
  if (now_ < line.busy_until) return BusyPlan(population);
  CallPlan plan = PlanCall(population, options_.seed, request.number, circumstances);
  if (plan.far_end == FarEnd::kBusy) line.busy_until = now_ + Real(plan.rings + plan.busy_for);
  return plan;
}

void CallSimulation::DoWhatIsDue(Call& call) {
  const std::uint64_t slot = call.slot;
  while (DoNext(call)) {
    if (!calls_.contains(slot)) return;
  }
  Schedule(call);
}

// Does the first thing that is due; false if none is. The call may be gone
// afterwards.
bool CallSimulation::DoNext(Call& call) {
  switch (call.phase) {
    case Phase::kPlaced:
      if (call.establishing_at > now_) return false;
      StartRinging(call);
      return true;
    case Phase::kRinging:
      if (call.rings_until > now_) return false;
      StopRinging(call);
      return true;
    case Phase::kEnding:
      if (call.terminated_at > now_) return false;
      Terminate(call);
      return true;
    case Phase::kConnected: break;
  }
  // In the order in which they are due: a step that comes late takes several.
  const absl::Time leaves = std::min(call.leaves_at, call.patience_until);
  const absl::Time first = std::min({call.presses_at, call.play_ends_at, leaves, call.limit_at});
  if (first > now_) return false;
  if (call.presses_at == first) {
    PressKey(call);
  } else if (call.play_ends_at == first) {
    EndPlay(call, kOk, 0, "Action completed successfully.");
  } else {
    End(call, leaves == first ? "far_end" : "call_limit");
  }
  return true;
}

void CallSimulation::StartRinging(Call& call) {
  call.phase = Phase::kRinging;
  call.rings_until = now_ + std::min(Real(call.plan.rings), ring_limit_);
  TellState(call, wire::CallState::kEstablishing);
}

void CallSimulation::StopRinging(Call& call) {
  if (Answers(call.plan.far_end)) return Connect(call);
  End(call, !call.refused_because.empty()            ? std::string_view(call.refused_because)
            : call.plan.far_end == FarEnd::kNoAnswer ? "ring_limit"
                                                     : "far_end");
}

void CallSimulation::Connect(Call& call) {
  call.phase = Phase::kConnected;
  call.answered_at = now_;
  call.conversation_id = wire::Base64Url(NewId());
  // Whoever is going to press a key stays until then, unless nothing is said.
  if (call.plan.key == 0) call.leaves_at = now_ + Real(call.plan.talks);
  call.patience_until = now_ + Real(call.plan.patience);
  TellState(call, wire::CallState::kEstablished);
  if (call.request.wants_participants_updated) TellRoster(call);
}

void CallSimulation::StartPlay(Call& call, const AudioFile& audio) {
  Play& play = *call.play;
  play.waits_for.clear();
  play.started_at = now_;
  play.length = Real(audio.length);
  if (audio.failure != 0) return EndPlay(call, kBadRequest, audio.failure, audio.message);
  call.last_play_started_at = now_;
  call.play_ends_at = play.loop ? absl::InfiniteFuture() : now_ + play.length;
  call.patience_until = absl::InfiniteFuture();
  Note(call, PlayStarted{.operation_context = play.operation_context,
                         .audio_ms = absl::ToInt64Milliseconds(audio.length),
                         .loop = play.loop});
  Listen(call, play.length);
}

// Decides when the person who hears this audio presses the key.
void CallSimulation::Listen(Call& call, absl::Duration audio_length) {
  const bool confirms = call.keys.size() == 1 && call.plan.presses_again;
  const bool is_first = call.keys.empty() && call.presses_at == absl::InfiniteFuture();
  if (call.plan.key != 0 && (is_first || confirms)) {
    call.presses_at = now_ + audio_length * call.plan.presses_at + Real(call.plan.press_delay);
  }
  // Whoever has pressed hears out what is said to that.
  if (!call.keys.empty()) {
    call.leaves_at =
        std::max(call.leaves_at, now_ + audio_length + Real(call.plan.stays_after_key));
  }
}

void CallSimulation::EndPlay(Call& call, std::int32_t code, std::int32_t subcode,
                             std::string_view message) {
  const Play play = *std::exchange(call.play, std::nullopt);
  call.play_ends_at = absl::InfiniteFuture();
  call.patience_until = now_ + Real(call.plan.patience);
  const absl::Duration heard =
      play.waits_for.empty() ? now_ - play.started_at : absl::ZeroDuration();
  // Who did not get to hear which key to press waits for the next audio.
  if (heard < play.length * call.plan.presses_at && call.presses_at > now_) {
    call.presses_at = absl::InfiniteFuture();
  }
  Note(call, PlayEnded{.operation_context = play.operation_context,
                       .code = code,
                       .subcode = subcode,
                       .heard_ms = SimulatedMs(heard)});
  // The provider's own oddity: a cancelled play is "completed".
  const bool failed = code != kOk && subcode != wire::kSubcodeCancelled;
  Tell(call,
       wire::PlayAudioResult{
           .call_leg_id = call.id,
           .operation_context = play.operation_context,
           .status = failed ? wire::OperationStatus::kFailed : wire::OperationStatus::kCompleted,
           .result_info = wire::ResultInfo{code, subcode, std::string(message)}});
}

void CallSimulation::PressKey(Call& call) {
  call.presses_at = absl::InfiniteFuture();
  call.keys += call.plan.key;
  call.leaves_at = now_ + Real(call.plan.stays_after_key);
  Note(call, KeyPressed{.key = call.plan.key,
                        .play_ms = call.last_play_started_at == absl::InfinitePast()
                                       ? -1
                                       : SimulatedMs(now_ - call.last_play_started_at)});
  if (!call.request.wants_dtmf) return;
  Tell(call, wire::DtmfReceived{.call_leg_id = call.id,
                                .sequence_id = static_cast<std::int64_t>(call.keys.size()),
                                .tone = call.plan.key});
}

// The line is free from here on; the provider says so a moment later.
void CallSimulation::End(Call& call, std::string_view reason) {
  const bool answered = call.phase == Phase::kConnected;
  if (call.play) EndPlay(call, kBadRequest, wire::kSubcodeCancelled, kCancelledMessage);
  call.phase = Phase::kEnding;
  --lines_[call.number_hash].live;
  const auto caller = caller_calls_.find(call.request.caller_number);
  if (--caller->second == 0) caller_calls_.erase(caller);
  Note(call, CallEnded{.far_end = std::string(Name(call.plan.far_end)),
                       .reason = std::string(reason),
                       .answered = answered,
                       .talk_ms = answered ? SimulatedMs(now_ - call.answered_at) : 0,
                       .keys = call.keys});
  if (!answered) {
    call.terminated_at = now_;
    return;
  }
  call.terminated_at = now_ + teardown_;
  TellState(call, wire::CallState::kTerminating);
}

void CallSimulation::Terminate(Call& call) {
  TellState(call, wire::CallState::kTerminated);
  Forget(call.slot);
}

void CallSimulation::Schedule(Call& call) {
  absl::Time at = absl::InfiniteFuture();
  switch (call.phase) {
    case Phase::kPlaced: at = call.establishing_at; break;
    case Phase::kRinging: at = call.rings_until; break;
    case Phase::kEnding: at = call.terminated_at; break;
    case Phase::kConnected:
      at = std::min(
          {call.presses_at, call.play_ends_at, call.leaves_at, call.patience_until, call.limit_at});
      break;
  }
  if (at == call.wake_at) return;
  call.wake_at = at;
  if (at != absl::InfiniteFuture()) wakes_.push({at, call.slot});
}

void CallSimulation::Forget(std::uint64_t slot) {
  const auto it = calls_.find(slot);
  slots_.erase(it->second.id);
  calls_.erase(it);
}

void CallSimulation::Tell(const Call& call, wire::EventBody body) {
  effects_.callbacks.push_back({.callback_uri = call.request.callback_uri,
                                .event = {.occurred_at = now_, .body = std::move(body)}});
}

void CallSimulation::TellState(const Call& call, wire::CallState state) {
  Note(call, StateReached{std::string(StateWord(state))});
  Tell(call, wire::CallStateChanged{
                 .call_leg_id = call.id, .conversation_id = call.conversation_id, .state = state});
}

void CallSimulation::TellRoster(const Call& call) {
  wire::ParticipantsUpdated roster{.call_leg_id = call.id};
  roster.participants.push_back({.identifier = wire::Identifier::PhoneNumber(call.request.number),
                                 .participant_id = NewId()});
  Tell(call, std::move(roster));
}

void CallSimulation::Note(const Call& call, LedgerEntry entry) {
  effects_.ledger.push_back({.at = now_, .call_leg_id = call.id, .entry = std::move(entry)});
}

void CallSimulation::Refuse(int status, std::string_view code, std::string_view message) {
  effects_.answer = Refusal{.status = status, .error = {std::string(code), std::string(message)}};
}

// Looks like a GUID; unique as long as id_seed is.
std::string CallSimulation::NewId() {
  const std::string counter = std::to_string(++ids_made_);
  const std::uint64_t high = StickyHash(options_.id_seed, counter);
  const std::uint64_t low = StickyHash(~options_.id_seed, counter);
  return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", high >> 32U, (high >> 16U) & 0xFFFFU,
                     high & 0xFFFU, (low >> 48U) & 0xFFFU, low & 0xFFFF'FFFF'FFFFU);
}

std::int64_t CallSimulation::SimulatedMs(absl::Duration real) const {
  return absl::ToInt64Milliseconds(real * options_.time_scale);
}

}  // namespace tocsin::callserver
