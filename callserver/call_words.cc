#include "callserver/call_words.h"

#include <utility>

#include "base/check.h"
#include "fmt/format.h"

namespace tocsin::callserver {
namespace {

using wire::ga::CallEvent;
using wire::ga::Cause;
using wire::ga::EventType;

// PSTN subcodes are this and the final SIP status.
constexpr int kSipSubcodes = 560'000;

bool IsGa(const CallNames& call) {
  return call.dialect == wire::Dialect::kGa;
}

bool IsSuccess(const Result& result) {
  return result.code >= 200 && result.code < 300;
}

CallEvent GaEvent(const CallNames& call, EventType type, const std::string& context) {
  return {.type = type,
          .call_connection_id = call.id,
          .server_call_id = call.conversation_id,
          .correlation_id = call.correlation_id,
          .operation_context = context,
          .detail = wire::ga::EmptyDetail(type)};
}

CallEvent GaEvent(const CallNames& call, EventType type, const Echo& echo, const Result& result) {
  CallEvent event = GaEvent(call, type, echo.context);
  event.result = result;
  return event;
}

Words One(CallEvent event) {
  return {wire::EventBody(std::move(event))};
}

// The 2021 editions have neither SIP nor Q.850.
std::optional<wire::ResultInfo> ResultInfo2021(const Result& result) {
  return wire::ResultInfo{result.code, result.subcode, result.message};
}

wire::OperationStatus Status2021(const Result& result) {
  // The provider's own oddity: what was cancelled is "completed".
  return IsSuccess(result) || result.subcode == wire::kSubcodeCancelled
             ? wire::OperationStatus::kCompleted
             : wire::OperationStatus::kFailed;
}

// The far end's final SIP response with the Q.850 cause that gateways give it.
Result FinalResponse(int status, int q850, std::string phrase) {
  return {.code = status,
          .subcode = kSipSubcodes + status,
          .message = fmt::format("The call ended with the SIP status {} ({}).", status, phrase),
          .sip = Cause{status, phrase},
          .q850 = Cause{q850, std::move(phrase)}};
}

Result AnsweredEnd(std::string_view reason) {
  if (reason == "application") {
    return {.code = 200, .subcode = 7000, .message = "The call was ended by the application."};
  }
  if (reason == "transferred") {
    return {.code = 200, .subcode = 0, .message = "The call has been transferred."};
  }
  return {.code = 0,
          .subcode = kSipSubcodes,
          .message = "The call ended normally.",
          .q850 = Cause{16, "Normal call clearing"}};
}

}  // namespace

Result Succeeded() {
  return {.code = 200, .subcode = 0, .message = "Action completed successfully."};
}

Result Cancelled() {
  return {.code = 400,
          .subcode = wire::kSubcodeCancelled,
          .message = "Action falied, the operation was cancelled."};
}

Result EndResult(FarEnd far_end, std::string_view reason, bool answered) {
  if (answered) return AnsweredEnd(reason);
  if (reason == "application") return FinalResponse(487, 16, "Request Terminated");
  if (reason == "in_call") return FinalResponse(486, 17, "Busy Here");
  // That it looks like a declined call is the point.
  if (reason == "caller_limit") return FinalResponse(603, 21, "Decline");
  switch (far_end) {
    case FarEnd::kBusy: return FinalResponse(486, 17, "Busy Here");
    case FarEnd::kDead: return FinalResponse(404, 1, "Not Found");
    case FarEnd::kUnreachable: return FinalResponse(480, 20, "Temporarily Unavailable");
    case FarEnd::kDeclined: return FinalResponse(603, 21, "Decline");
    case FarEnd::kCongestion: return FinalResponse(503, 34, "Service Unavailable");
    case FarEnd::kHuman:
    case FarEnd::kMachine:
    case FarEnd::kFax:
    case FarEnd::kAnnouncement:
    case FarEnd::kNoAnswer: break;
  }
  return {.code = 487,
          .subcode = 10'004,
          .message = "The call was not accepted in time.",
          .sip = Cause{487, "Request Terminated"},
          .q850 = Cause{19, "No answer from user"}};
}

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

Words StateWords(const CallNames& call, wire::CallState state) {
  if (!IsGa(call)) {
    return {wire::CallStateChanged{
        .call_leg_id = call.id, .conversation_id = call.conversation_id, .state = state}};
  }
  if (state != wire::CallState::kEstablished) return {};
  return One(GaEvent(call, EventType::kCallConnected, call.operation_context));
}

Words EndWords(const CallNames& call, const Result& result, bool answered) {
  if (!IsGa(call)) return {};
  const Echo echo{.context = call.operation_context};
  Words words;
  // The provider does not say whether both follow: the harder case for whoever
  // listens is that they do.
  if (!answered) {
    words.emplace_back(GaEvent(call, EventType::kCreateCallFailed, echo, result));
  }
  words.emplace_back(GaEvent(call, EventType::kCallDisconnected, echo, result));
  return words;
}

Words RosterWords(const CallNames& call, const std::vector<Seat>& seats, std::int64_t sequence) {
  if (!IsGa(call)) {
    wire::ParticipantsUpdated roster{.call_leg_id = call.id};
    for (const Seat& seat : seats) {
      roster.participants.push_back({seat.identifier, seat.participant_id, seat.is_muted});
    }
    return {std::move(roster)};
  }
  wire::ga::Roster roster{.sequence_number = sequence};
  for (const Seat& seat : seats) {
    roster.participants.push_back({.identifier = seat.identifier, .is_muted = seat.is_muted});
  }
  CallEvent event = GaEvent(call, EventType::kParticipantsUpdated, "");
  event.detail = std::move(roster);
  return One(std::move(event));
}

Words ToneWords(const CallNames& call, const Echo& echo, std::int64_t sequence, char tone) {
  if (!IsGa(call)) {
    return {wire::DtmfReceived{.call_leg_id = call.id, .sequence_id = sequence, .tone = tone}};
  }
  CallEvent event = GaEvent(call, EventType::kContinuousToneReceived, echo, Succeeded());
  event.detail = wire::ga::ToneReceived{sequence, tone};
  return One(std::move(event));
}

Words TonesStoppedWords(const CallNames& call, const Echo& echo) {
  if (!IsGa(call)) return {};
  return One(GaEvent(call, EventType::kContinuousStopped, echo, Succeeded()));
}

Words PlayStartedWords(const CallNames& call, const Echo& echo) {
  if (!IsGa(call)) return {};
  return One(GaEvent(call, EventType::kPlayStarted, echo, Succeeded()));
}

Words PlayEndedWords(const CallNames& call, const Echo& echo, const Result& result,
                     std::optional<int> failed_source) {
  if (!IsGa(call)) {
    return {wire::PlayAudioResult{.call_leg_id = call.id,
                                  .operation_context = echo.context,
                                  .status = Status2021(result),
                                  .result_info = ResultInfo2021(result)}};
  }
  if (IsSuccess(result)) return One(GaEvent(call, EventType::kPlayCompleted, echo, result));
  if (result.subcode == wire::kSubcodeCancelled) {
    return One(GaEvent(call, EventType::kPlayCanceled, echo, result));
  }
  CallEvent event = GaEvent(call, EventType::kPlayFailed, echo, result);
  event.detail = wire::ga::FailedSource{failed_source};
  return One(std::move(event));
}

Words RecognizeEndedWords(const CallNames& call, const Echo& echo, const Result& result,
                          const std::string& tones, std::optional<int> failed_source) {
  if (result.subcode == wire::kSubcodeCancelled) {
    return One(GaEvent(call, EventType::kRecognizeCanceled, echo, result));
  }
  // Keys that came before a timeout are still an answer.
  if (IsSuccess(result) || !tones.empty()) {
    CallEvent event = GaEvent(call, EventType::kRecognizeCompleted, echo, result);
    event.detail = wire::ga::Recognized{.type = "dtmf", .tones = tones};
    return One(std::move(event));
  }
  CallEvent event = GaEvent(call, EventType::kRecognizeFailed, echo, result);
  event.detail = wire::ga::FailedSource{failed_source};
  return One(std::move(event));
}

Words TonesSentWords(const CallNames& call, const Echo& echo) {
  return One(GaEvent(call, EventType::kSendDtmfTonesCompleted, echo, Succeeded()));
}

Words PartyAddedWords(const CallNames& call, const Echo& echo, const Result& result,
                      const wire::Identifier& party) {
  if (!IsGa(call)) {
    wire::InviteParticipantResult event{.call_leg_id = call.id,
                                        .operation_context = echo.context,
                                        .status = Status2021(result),
                                        .participants = {party}};
    if (!IsSuccess(result)) event.result_info = ResultInfo2021(result);
    return {std::move(event)};
  }
  CallEvent event = GaEvent(
      call,
      IsSuccess(result) ? EventType::kAddParticipantSucceeded : EventType::kAddParticipantFailed,
      echo, result);
  event.detail = wire::ga::Party{party};
  return One(std::move(event));
}

Words PartyRemovedWords(const CallNames& call, const Echo& echo, const Result& result,
                        const wire::Identifier& party) {
  // In 2021 the roster alone tells.
  if (!IsGa(call)) return {};
  CallEvent event = GaEvent(call,
                            IsSuccess(result) ? EventType::kRemoveParticipantSucceeded
                                              : EventType::kRemoveParticipantFailed,
                            echo, result);
  event.detail = wire::ga::Party{party};
  return One(std::move(event));
}

Words InvitationCancelledWords(const CallNames& call, const Echo& echo, const Result& result,
                               const std::string& invitation_id) {
  CallEvent event = GaEvent(call,
                            IsSuccess(result) ? EventType::kCancelAddParticipantSucceeded
                                              : EventType::kCancelAddParticipantFailed,
                            echo, result);
  event.detail = wire::ga::Invitation{invitation_id};
  return One(std::move(event));
}

Words TransferWords(const CallNames& call, const Echo& echo, const Result& result,
                    const wire::Identifier& target, const wire::Identifier& transferee) {
  if (!IsSuccess(result)) return One(GaEvent(call, EventType::kCallTransferFailed, echo, result));
  CallEvent event = GaEvent(call, EventType::kCallTransferAccepted, echo, result);
  event.detail = wire::ga::Transfer{target, transferee};
  return One(std::move(event));
}

}  // namespace tocsin::callserver
