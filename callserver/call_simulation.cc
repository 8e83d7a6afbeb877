#include "callserver/call_simulation.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "base/check.h"
#include "fmt/format.h"
#include "wire/digest.h"

namespace tocsin::callserver {
namespace {

constexpr std::string_view kNoSuchCall = "8522";
constexpr std::string_view kNotEstablished = "8501";
constexpr std::string_view kTooManyCalls = "8530";
// How long those who were put through to each other talk.
constexpr absl::Duration kTalksOn = absl::Seconds(60);

// What lasts until somebody else ends it.
void NeverEnd(CallPlan& plan) {
  if (!Answers(plan.far_end)) plan.rings = absl::InfiniteDuration();
  plan.talks = plan.patience = plan.stays_after_key = absl::InfiniteDuration();
}

}  // namespace

CallLimits LimitsOf(const PopulationParameters& population) {
  return {.caller_number_max = population.provider.caller_number_calls_max,
          .calls_max = population.provider.calls_max};
}

CallSimulation::CallSimulation(const Options& options, CallHistory history)
    : options_(options),
      call_limit_(Real(absl::Seconds(options.population.provider.call_limit_s))),
      setup_(Real(absl::Seconds(options.population.provider.setup_s))),
      teardown_(Real(absl::Seconds(options.population.provider.teardown_s))),
      ring_limit_(Real(absl::Seconds(options.population.provider.ring_limit_s))),
      limits_(LimitsOf(options.population)),
      history_(std::move(history)) {
  history_.SetTimeScale(options.time_scale);
}

Effects CallSimulation::Step(absl::Time now, const SimulationInput& happened, AskedIn asked_in) {
  TOCSIN_CHECK(now >= now_);
  now_ = now;
  asked_in_ = asked_in;
  effects_ = Effects();
  // What was due before comes first: a key pressed a moment before a hang-up.
  Take(input::Tick());
  std::visit([this](const auto& taken) { Take(taken); }, happened);
  return std::move(effects_);
}

absl::Time CallSimulation::next_wake() const {
  return wakes_.empty() ? absl::InfiniteFuture() : wakes_.top().at;
}

std::string CallSimulation::CallOfConversation(const std::string& conversation_id) const {
  const auto it = conversations_.find(conversation_id);
  return it == conversations_.end() ? std::string() : it->second;
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

void CallSimulation::Take(const input::GetCall& request) {
  const Call* const call = Find(request.call_leg_id);
  if (call != nullptr) effects_.answer = PropertiesOf(*call);
}

void CallSimulation::Take(const input::HangUp& request) {
  Call* const call = Find(request.call_leg_id);
  if (call == nullptr) return;
  Note(*call, HangUpAsked{});
  if (call->phase == Phase::kEnding) return;
  if (!request.for_everyone && call->phase == Phase::kConnected && SeatedGuests(*call) > 0) {
    Leave(*call, "application");
  } else {
    End(*call, "application");
  }
  Schedule(*call);
}

CallSimulation::Call* CallSimulation::Find(const std::string& call_leg_id) {
  const auto it = slots_.find(call_leg_id);
  if (it != slots_.end()) {
    Call& call = calls_.at(it->second);
    const AskedIn its_own =
        call.names.dialect == wire::Dialect::kGa ? AskedIn::kGa : AskedIn::k2021;
    if (asked_in_ == AskedIn::kAny || asked_in_ == its_own) return &call;
  }
  Refuse(404, kNoSuchCall, "There is no such call, or it has ended.");
  return nullptr;
}

CallSimulation::Call* CallSimulation::FindConnected(const std::string& call_leg_id) {
  Call* const call = Find(call_leg_id);
  if (call == nullptr || call->phase == Phase::kConnected) return call;
  Refuse(400, kNotEstablished, "The call is not established.");
  return nullptr;
}

void CallSimulation::Place(const input::CreateCall& request) {
  if (limits_.calls_max > 0 && static_cast<double>(calls_.size()) >= limits_.calls_max) {
    NoteCreate(request, "", 429);
    return Refuse(429, kTooManyCalls, "Too many calls are active.");
  }
  const std::uint64_t slot = next_slot_++;
  Call& call = calls_[slot];
  call.slot = slot;
  call.names = {
      .dialect = request.dialect, .id = NewId(), .operation_context = request.operation_context};
  if (request.dialect == wire::Dialect::kGa) {
    call.names.conversation_id = wire::Base64("https://conversation.local/" + NewId());
    call.names.correlation_id = NewId();
  }
  call.request = request;
  call.seat.identifier = wire::Identifier::PhoneNumber(request.number);
  call.number_hash = StickyHash(options_.seed, request.number);
  slots_.emplace(call.names.id, slot);

  Line& line = lines_[call.number_hash];
  call.plan = Plan(call, line);
  ++line.live;
  ++caller_calls_[request.caller_number];

  call.establishing_at = now_ + setup_;
  // A network that does not take a call does not hold it either.
  call.request.never_ends = request.never_ends && call.refused_because.empty();
  if (call.request.never_ends) {
    NeverEnd(call.plan);
  } else {
    call.limit_at = now_ + call_limit_;
  }
  NoteCreate(call.request, call.names.id, request.answered_status);
  if (request.dialect == wire::Dialect::kGa) {
    effects_.answer = PropertiesOf(call);
  } else {
    effects_.answer = wire::CreateCallResponse{.call_leg_id = call.names.id};
  }
  Schedule(call);
}

void CallSimulation::NoteCreate(const input::CreateCall& request, const std::string& call_leg_id,
                                int status) {
  effects_.ledger.push_back({.at = request.arrived_at,
                             .call_leg_id = call_leg_id,
                             .entry = CreateArrived{.status = status,
                                                    .number = request.number,
                                                    .caller_number = request.caller_number,
                                                    .callback_uri = request.callback_uri.substr(
                                                        0, request.callback_uri.find('?')),
                                                    .attempt = request.attempt,
                                                    .fault = request.fault,
                                                    .never_ends = request.never_ends}});
}

CallPlan CallSimulation::Plan(Call& call, Line& line) {
  const PopulationParameters& population = options_.population;
  const input::CreateCall& request = call.request;
  // Every call counts, so that a ledger of them is all that there is to remember.
  const Circumstances circumstances =
      history_.Add(request.arrived_at, request.number, request.caller_number);
  if (limits_.caller_number_max > 0 &&
      caller_calls_[request.caller_number] >= limits_.caller_number_max) {
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
    case Phase::kLeft:
      if (call.leaves_at > now_) return false;
      FreeLine(call, "far_end");
      Forget(call.slot);
      return true;
    case Phase::kConnected: break;
  }
  return DoNextConnected(call);
}

// In the order in which it is due: a step that comes late takes several.
bool CallSimulation::DoNextConnected(Call& call) {
  const absl::Time guest = NextGuestAt(call);
  const absl::Time leaves = std::min(call.leaves_at, call.patience_until);
  const absl::Time first = std::min(
      {call.presses_at, call.play_ends_at, call.listens_until, guest, leaves, call.limit_at});
  if (first > now_) return false;
  if (call.presses_at == first) {
    PressKey(call);
  } else if (call.play_ends_at == first) {
    PromptsEnded(call);
  } else if (call.listens_until == first) {
    StopListening(call);
  } else if (guest == first) {
    DecideGuest(call);
  } else {
    End(call, leaves == first ? "far_end" : "call_limit");
  }
  return true;
}

void CallSimulation::StartRinging(Call& call) {
  call.phase = Phase::kRinging;
  const absl::Duration rings = Real(call.plan.rings);
  call.rings_until = now_ + (call.request.never_ends ? rings : std::min(rings, ring_limit_));
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
  call.was_answered = true;
  call.answered_at = now_;
  if (call.names.conversation_id.empty()) {
    call.names.conversation_id = wire::Base64Url(NewId());
    conversations_.emplace(call.names.conversation_id, call.names.id);
  }
  if (call.seat.participant_id.empty()) call.seat.participant_id = NewId();
  // Whoever is going to press a key stays until then, unless nothing is said.
  if (call.plan.key == 0) call.leaves_at = now_ + Real(call.plan.talks);
  call.patience_until = now_ + Real(call.plan.patience);
  TellState(call, wire::CallState::kEstablished);
  TellRoster(call);
}

void CallSimulation::PressKey(Call& call) {
  call.presses_at = absl::InfiniteFuture();
  call.keys += call.plan.key;
  call.leaves_at = now_ + Real(call.plan.stays_after_key);
  Note(call, KeyPressed{.key = call.plan.key,
                        .play_ms = call.last_play_started_at == absl::InfinitePast()
                                       ? -1
                                       : SimulatedMs(now_ - call.last_play_started_at)});
  TellTone(call, call.plan.key);
  Collect(call, call.plan.key);
}

// Nobody is on the telephone any more.
void CallSimulation::FreeLine(Call& call, std::string_view reason) {
  FreeGuests(call);
  --lines_[call.number_hash].live;
  const auto caller = caller_calls_.find(call.request.caller_number);
  if (--caller->second == 0) caller_calls_.erase(caller);
  Note(call, CallEnded{.far_end = std::string(Name(call.plan.far_end)),
                       .reason = std::string(reason),
                       .answered = call.was_answered,
                       .talk_ms = call.was_answered ? SimulatedMs(now_ - call.answered_at) : 0,
                       .keys = call.keys});
}

// The line is free from here on; the provider says so a moment later.
void CallSimulation::End(Call& call, std::string_view reason) {
  StopMedia(call);
  if (call.host != 0) {
    LeaveHost(call);
  } else {
    EndJoined(call);
    FreeLine(call, reason);
  }
  call.phase = Phase::kEnding;
  call.end_result = EndResult(call.plan.far_end, reason, call.was_answered);
  if (!call.was_answered) {
    call.terminated_at = now_;
    return;
  }
  if (call.tones_wanted) Tell(call, TonesStoppedWords(call.names, *call.tones_wanted));
  call.terminated_at = now_ + teardown_;
  TellState(call, wire::CallState::kTerminating);
}

// The application goes; those on the telephone stay connected to each other.
void CallSimulation::Leave(Call& call, std::string_view reason) {
  StopMedia(call);
  EndJoined(call);
  if (call.tones_wanted) Tell(call, TonesStoppedWords(call.names, *call.tones_wanted));
  EndConversation(call);
  call.phase = Phase::kLeft;
  call.leaves_at = now_ + Real(kTalksOn);
  TellState(call, wire::CallState::kTerminating);
  TellState(call, wire::CallState::kTerminated);
  Tell(call, EndWords(call.names, EndResult(call.plan.far_end, reason, /*answered=*/true),
                      /*answered=*/true));
  slots_.erase(call.names.id);
}

void CallSimulation::Terminate(Call& call) {
  TellState(call, wire::CallState::kTerminated);
  Tell(call, EndWords(call.names, call.end_result, call.was_answered));
  Forget(call.slot);
}

wire::ga::CallConnectionProperties CallSimulation::PropertiesOf(const Call& call) const {
  using State = wire::ga::CallState;
  const bool transfers = std::any_of(call.guests.begin(), call.guests.end(),
                                     [](const Guest& guest) { return guest.is_transfer_target; });
  const State state = call.phase == Phase::kEnding      ? State::kDisconnecting
                      : call.phase != Phase::kConnected ? State::kConnecting
                      : transfers                       ? State::kTransferring
                                                        : State::kConnected;
  wire::ga::CallConnectionProperties properties{
      .call_connection_id = call.names.id,
      .server_call_id = call.names.conversation_id,
      .correlation_id = call.names.correlation_id,
      .state = state,
      .targets = {call.seat.identifier},
      .callback_uri = call.request.callback_uri,
      .caller_number = call.request.caller_number,
      .source_display_name = call.request.source_display_name};
  if (!call.request.source.empty()) {
    properties.source = wire::Identifier::CommunicationUser(call.request.source);
  }
  return properties;
}

void CallSimulation::Schedule(Call& call) {
  absl::Time at = absl::InfiniteFuture();
  switch (call.phase) {
    case Phase::kPlaced: at = call.establishing_at; break;
    case Phase::kRinging: at = call.rings_until; break;
    case Phase::kEnding: at = call.terminated_at; break;
    case Phase::kConnected:
      at = std::min({call.presses_at, call.play_ends_at, call.listens_until, NextGuestAt(call),
                     call.leaves_at, call.patience_until, call.limit_at});
      break;
    case Phase::kLeft: at = call.leaves_at; break;
  }
  if (at == call.wake_at) return;
  call.wake_at = at;
  if (at != absl::InfiniteFuture()) wakes_.push({at, call.slot});
}

void CallSimulation::Forget(std::uint64_t slot) {
  const auto it = calls_.find(slot);
  EndConversation(it->second);
  slots_.erase(it->second.names.id);
  calls_.erase(it);
}

void CallSimulation::Tell(const Call& call, Words words, const std::string& callback_uri) {
  for (wire::EventBody& body : words) {
    wire::Event event{.occurred_at = now_, .body = std::move(body)};
    // 2021 gives its events no ids; a CloudEvent has one.
    if (call.names.dialect == wire::Dialect::kGa) event.id = NewId();
    effects_.callbacks.push_back(
        {.callback_uri = callback_uri.empty() ? call.request.callback_uri : callback_uri,
         .event = std::move(event)});
  }
}

void CallSimulation::TellState(const Call& call, wire::CallState state) {
  Note(call, StateReached{std::string(StateWord(state))});
  Tell(call, StateWords(call.names, state));
}

void CallSimulation::Note(const Call& call, LedgerEntry entry) {
  effects_.ledger.push_back({.at = now_, .call_leg_id = call.names.id, .entry = std::move(entry)});
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
