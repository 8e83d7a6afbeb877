// Who else is in a call: invitations, transfers and rosters of CallSimulation.
#include <algorithm>
#include <utility>

#include "callserver/call_simulation.h"
#include "fmt/format.h"

namespace tocsin::callserver {
namespace {

constexpr std::string_view kNotPresent = "8522";
constexpr std::string_view kConflict = "8519";
constexpr std::string_view kUnsupported = "8520";
// What a communication user, who sits at a screen, needs to accept.
constexpr absl::Duration kUserAccepts = absl::Seconds(1);
constexpr absl::Duration kInvitationDefault = absl::Seconds(60);

Result NotThere() {
  return {.code = 400, .subcode = 8558, .message = "There is no such participant in the call."};
}

Result NoInvitation() {
  return {.code = 400, .subcode = 8523, .message = "There is no such invitation, or it is over."};
}

wire::ga::CallParticipant ParticipantOf(const Seat& seat) {
  return {.identifier = seat.identifier, .is_muted = seat.is_muted};
}

}  // namespace

void CallSimulation::Take(const input::Join& request) {
  const auto conversation = conversations_.find(request.conversation_id);
  if (conversation == conversations_.end() ||
      calls_.at(slots_.at(conversation->second)).phase != Phase::kConnected) {
    return Refuse(404, kNotPresent, "There is no such conversation, or it has ended.");
  }
  const std::uint64_t host_slot = slots_.at(conversation->second);
  const std::uint64_t slot = next_slot_++;
  Call& leg = calls_[slot];
  Call& host = calls_.at(host_slot);
  host.joined.push_back(slot);
  leg.slot = slot;
  leg.host = host_slot;
  leg.names = {
      .dialect = host.names.dialect, .id = NewId(), .conversation_id = host.names.conversation_id};
  leg.request.callback_uri = request.request.callback_uri;
  leg.request.wants_dtmf = request.request.wants_dtmf;
  leg.request.wants_participants_updated = request.request.wants_participants_updated;
  leg.seat = host.seat;
  // Whoever is in the conversation takes it at once, and goes when the call does.
  leg.plan.far_end = FarEnd::kHuman;
  leg.plan.talks = leg.plan.patience = absl::InfiniteDuration();
  leg.establishing_at = now_;
  slots_.emplace(leg.names.id, slot);
  effects_.answer = wire::CreateCallResponse{.call_leg_id = leg.names.id};
  Schedule(leg);
}

void CallSimulation::Take(const input::AddParty& request) {
  Call* const call = FindHost(request.call_leg_id);
  if (call == nullptr) return;
  const wire::ga::AddParticipantRequest& wanted = request.request;
  if (FindSeat(*call, RawId(wanted.participant)) != nullptr) {
    return Refuse(409, kConflict, "That participant is in the call already.");
  }
  const int asked_s = wanted.invitation_timeout_s.value_or(0);
  const absl::Duration timeout = asked_s > 0 ? absl::Seconds(asked_s) : kInvitationDefault;
  Guest& guest = Ring(*call, wanted.participant, timeout);
  guest.echo = wanted.echo;
  if (call->names.dialect == wire::Dialect::kGa) {
    effects_.answer = wire::ga::AddParticipantResponse{.participant = ParticipantOf(guest.seat),
                                                       .invitation_id = guest.invitation_id,
                                                       .operation_context = wanted.echo.context};
  }
  Schedule(*call);
}

void CallSimulation::Take(const input::CancelAddParty& request) {
  Call* const call = FindConnected(request.call_leg_id);
  if (call == nullptr) return;
  const std::string& invitation_id = request.request.invitation_id;
  const Echo& echo = request.request.echo;
  effects_.answer = wire::ga::CancelAddParticipantResponse{invitation_id, echo.context};
  Result result = NoInvitation();
  for (std::size_t i = 0; i < call->guests.size(); ++i) {
    if (call->guests[i].joined || call->guests[i].invitation_id != invitation_id) continue;
    RemoveGuest(*call, i);
    result = Succeeded();
    break;
  }
  Tell(*call, InvitationCancelledWords(call->names, echo, result, invitation_id),
       echo.callback_uri);
  Schedule(*call);
}

void CallSimulation::Take(const input::RemoveParty& request) {
  Call* const call = FindConnected(request.call_leg_id);
  if (call == nullptr) return;
  const wire::Identifier& party = request.request.participant;
  const Echo& echo = request.request.echo;
  effects_.answer = wire::ga::OperationResponse{echo.context};
  const std::string raw_id = RawId(party);
  const auto told = [&](const Result& result) {
    Tell(*call, PartyRemovedWords(call->names, echo, result, party), echo.callback_uri);
  };
  if (raw_id == RawId(call->seat.identifier)) {
    told(Succeeded());
    // Without the person there is nothing left to be in a call with.
    End(*call, "application");
    return Schedule(*call);
  }
  for (std::size_t i = 0; i < call->guests.size(); ++i) {
    if (!call->guests[i].joined || RawId(call->guests[i].seat.identifier) != raw_id) continue;
    RemoveGuest(*call, i);
    told(Succeeded());
    TellRoster(*call);
    return Schedule(*call);
  }
  told(NotThere());
}

void CallSimulation::Take(const input::RemoveParticipant& request) {
  Call* const call = FindHost(request.call_leg_id);
  if (call == nullptr) return;
  if (request.participant_id == call->seat.participant_id) {
    End(*call, "application");
    return Schedule(*call);
  }
  for (std::size_t i = 0; i < call->guests.size(); ++i) {
    if (!call->guests[i].joined || call->guests[i].seat.participant_id != request.participant_id) {
      continue;
    }
    RemoveGuest(*call, i);
    TellRoster(*call);
    return Schedule(*call);
  }
  Refuse(404, kNotPresent, "There is no such participant in the call.");
}

void CallSimulation::Take(const input::Transfer& request) {
  Call* const call = FindConnected(request.call_leg_id);
  if (call == nullptr) return;
  const wire::ga::TransferRequest& wanted = request.request;
  if (wanted.transferee && !IsPresent(*call, *wanted.transferee)) return;
  if (PropertiesOf(*call).state == wire::ga::CallState::kTransferring) {
    return Refuse(409, kConflict, "The call is being transferred already.");
  }
  Guest& guest = Ring(*call, wanted.target, kInvitationDefault);
  guest.echo = wanted.echo;
  guest.is_transfer_target = true;
  guest.transferee = wanted.transferee;
  effects_.answer = wire::ga::OperationResponse{wanted.echo.context};
  Schedule(*call);
}

void CallSimulation::Take(const input::Mute& request) {
  Call* const call = FindConnected(request.call_leg_id);
  if (call == nullptr) return;
  const wire::Identifier& target = request.request.targets.front();
  if (!IsPresent(*call, target)) return;
  FindSeat(*call, RawId(target))->is_muted = true;
  effects_.answer = wire::ga::OperationResponse{request.request.operation_context};
  TellRoster(*call);
}

void CallSimulation::Take(const input::ListParties& request) {
  Call* const call = Find(request.call_leg_id);
  if (call == nullptr) return;
  wire::ga::ParticipantList list;
  for (const Seat& seat : SeatsOf(*call)) list.participants.push_back(ParticipantOf(seat));
  effects_.answer = std::move(list);
}

void CallSimulation::Take(const input::GetParty& request) {
  Call* const call = Find(request.call_leg_id);
  if (call == nullptr) return;
  const Seat* const seat = FindSeat(*call, request.raw_id);
  if (seat == nullptr) {
    return Refuse(404, kNotPresent, "There is no such participant in the call.");
  }
  effects_.answer = ParticipantOf(*seat);
}

// Those who are in the call now.
std::vector<Seat> CallSimulation::SeatsOf(const Call& call) const {
  if (call.host != 0) return SeatsOf(calls_.at(call.host));
  std::vector<Seat> seats;
  if (call.phase != Phase::kConnected) return seats;
  seats.push_back(call.seat);
  for (const Guest& guest : call.guests) {
    if (guest.joined) seats.push_back(guest.seat);
  }
  return seats;
}

Seat* CallSimulation::FindSeat(Call& call, const std::string& raw_id) {
  if (call.phase != Phase::kConnected) return nullptr;
  if (RawId(call.seat.identifier) == raw_id) return &call.seat;
  for (Guest& guest : call.guests) {
    if (guest.joined && RawId(guest.seat.identifier) == raw_id) return &guest.seat;
  }
  return nullptr;
}

// Refuses what is asked about somebody who is not in the call.
bool CallSimulation::IsPresent(Call& call, const wire::Identifier& party) {
  if (FindSeat(call, RawId(party)) != nullptr) return true;
  Refuse(404, kNotPresent, "There is no such participant in the call.");
  return false;
}

// Lets somebody ring, and decides how that will go.
CallSimulation::Guest& CallSimulation::Ring(Call& call, const wire::Identifier& party,
                                            absl::Duration timeout) {
  Guest guest{.seat = {.identifier = party, .participant_id = NewId()}, .invitation_id = NewId()};
  if (party.kind == wire::Identifier::Kind::kPhoneNumber) {
    guest.number_hash = StickyHash(options_.seed, party.value);
    Line& line = lines_[guest.number_hash];
    // Counts as nobody's call: the history is of what was created.
    guest.plan = line.live > 0 || now_ < line.busy_until
                     ? BusyPlan(options_.population)
                     : PlanCall(options_.population, options_.seed, party.value, Circumstances());
    ++line.live;
  } else {
    guest.plan.far_end = FarEnd::kHuman;
    guest.plan.rings = kUserAccepts;
  }
  guest.times_out = guest.plan.rings >= timeout;
  guest.decides_at = now_ + Real(std::min(guest.plan.rings, timeout));
  // Who hears it ring for them waits for that, and then as long as after a key.
  if (!call.keys.empty()) {
    const absl::Time waits_until = guest.decides_at + Real(call.plan.stays_after_key);
    call.leaves_at = std::max(call.leaves_at, waits_until);
    call.patience_until = std::max(call.patience_until, waits_until);
  }
  return call.guests.emplace_back(std::move(guest));
}

// Whether somebody who was ringing does so no more. The call may be gone
// afterwards.
bool CallSimulation::DecideGuest(Call& call) {
  for (std::size_t i = 0; i < call.guests.size(); ++i) {
    Guest& guest = call.guests[i];
    if (guest.decides_at > now_) continue;
    guest.decides_at = absl::InfiniteFuture();
    if (!guest.times_out && Answers(guest.plan.far_end)) {
      Seated(call, guest);
    } else {
      const FarEnd far_end = guest.times_out ? FarEnd::kNoAnswer : guest.plan.far_end;
      NotSeated(call, i, EndResult(far_end, "", /*answered=*/false));
    }
    return true;
  }
  return false;
}

void CallSimulation::Seated(Call& call, Guest& guest) {
  guest.joined = true;
  if (!guest.is_transfer_target) {
    Tell(call, PartyAddedWords(call.names, guest.echo, Succeeded(), guest.seat.identifier),
         guest.echo.callback_uri);
    return TellRoster(call);
  }
  Tell(call,
       TransferWords(call.names, guest.echo, Succeeded(), guest.seat.identifier,
                     guest.transferee.value_or(call.seat.identifier)),
       guest.echo.callback_uri);
  Leave(call, "transferred");
}

void CallSimulation::NotSeated(Call& call, std::size_t index, const Result& result) {
  const Guest guest = call.guests[index];
  RemoveGuest(call, index);
  Tell(call,
       guest.is_transfer_target
           ? TransferWords(call.names, guest.echo, result, guest.seat.identifier,
                           guest.transferee.value_or(call.seat.identifier))
           : PartyAddedWords(call.names, guest.echo, result, guest.seat.identifier),
       guest.echo.callback_uri);
}

void CallSimulation::RemoveGuest(Call& call, std::size_t index) {
  const Guest& guest = call.guests[index];
  if (guest.number_hash != 0) --lines_[guest.number_hash].live;
  call.guests.erase(call.guests.begin() + static_cast<std::ptrdiff_t>(index));
}

// The call is over for everybody; who still rang is told about.
void CallSimulation::FreeGuests(Call& call) {
  while (!call.guests.empty()) {
    const std::size_t last = call.guests.size() - 1;
    if (call.guests[last].joined || call.phase == Phase::kLeft) {
      RemoveGuest(call, last);
    } else {
      NotSeated(call, last, Cancelled());
    }
  }
}

std::size_t CallSimulation::SeatedGuests(const Call& call) const {
  return static_cast<std::size_t>(std::count_if(call.guests.begin(), call.guests.end(),
                                                [](const Guest& guest) { return guest.joined; }));
}

absl::Time CallSimulation::NextGuestAt(const Call& call) const {
  absl::Time at = absl::InfiniteFuture();
  for (const Guest& guest : call.guests) at = std::min(at, guest.decides_at);
  return at;
}

void CallSimulation::TellRoster(Call& call) {
  const bool wanted =
      call.names.dialect == wire::Dialect::kGa || call.request.wants_participants_updated;
  if (wanted) Tell(call, RosterWords(call.names, SeatsOf(call), ++call.rosters));
  for (const std::uint64_t slot : call.joined) {
    Call& leg = calls_.at(slot);
    if (leg.phase == Phase::kConnected) TellRoster(leg);
  }
}

// A key that the person has pressed, to every leg that wants to know.
void CallSimulation::TellTone(const Call& call, char tone) {
  const auto sequence = static_cast<std::int64_t>(call.keys.size());
  const bool is_ga = call.names.dialect == wire::Dialect::kGa;
  if (is_ga ? call.tones_wanted.has_value() : call.request.wants_dtmf) {
    const Echo echo = call.tones_wanted.value_or(Echo());
    Tell(call, ToneWords(call.names, echo, sequence, tone), echo.callback_uri);
  }
  for (const std::uint64_t slot : call.joined) {
    const Call& leg = calls_.at(slot);
    if (leg.phase != Phase::kConnected || !leg.request.wants_dtmf) continue;
    Tell(leg, ToneWords(leg.names, {}, sequence, tone));
  }
}

// Nobody may join it any more. A leg that joined it does not end it.
void CallSimulation::EndConversation(const Call& call) {
  const auto it = conversations_.find(call.names.conversation_id);
  if (it != conversations_.end() && it->second == call.names.id) conversations_.erase(it);
}

// A connected call that has parties of its own.
CallSimulation::Call* CallSimulation::FindHost(const std::string& call_leg_id) {
  Call* const call = FindConnected(call_leg_id);
  if (call == nullptr || call->host == 0) return call;
  Refuse(400, kUnsupported, "A leg that joined has no parties; name the conversation instead.");
  return nullptr;
}

// A leg that goes, from a call that stays.
void CallSimulation::LeaveHost(Call& call) {
  std::erase(calls_.at(call.host).joined, call.slot);
  call.host = 0;
}

// The call is over, and with it every leg that joined it.
void CallSimulation::EndJoined(Call& call) {
  while (!call.joined.empty()) {
    Call& leg = calls_.at(call.joined.back());
    End(leg, "far_end");  // Takes it off the list.
    Schedule(leg);
  }
}

}  // namespace tocsin::callserver
