#include "wire/events_ga.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "wire/events_ga_json.h"
#include "wire/ga_values.h"
#include "wire/identifier_json.h"
#include "wire/json_text.h"
#include "wire/read_values.h"
#include "wire/tones.h"

namespace tocsin::wire::ga {
namespace {

using Json = nlohmann::json;

constexpr int kIntMin = std::numeric_limits<int>::min();
constexpr int kIntMax = std::numeric_limits<int>::max();

enum class DetailKind {
  kNone,
  kRoster,
  kTone,
  kRecognized,
  kParty,
  kInvitation,
  kTransfer,
  kFailedSource
};

struct TypeSpelling {
  EventType type;
  std::string_view name;
  DetailKind detail = DetailKind::kNone;
};
// The first name of a type is the one that is sent.
constexpr TypeSpelling kTypes[] = {
    {EventType::kCallConnected, "CallConnected"},
    {EventType::kCallDisconnected, "CallDisconnected"},
    {EventType::kCreateCallFailed, "CreateCallFailed"},
    {EventType::kParticipantsUpdated, "ParticipantsUpdated", DetailKind::kRoster},
    {EventType::kPlayStarted, "PlayStarted"},
    {EventType::kPlayCompleted, "PlayCompleted"},
    {EventType::kPlayFailed, "PlayFailed", DetailKind::kFailedSource},
    {EventType::kPlayCanceled, "PlayCanceled"},
    {EventType::kRecognizeCompleted, "RecognizeCompleted", DetailKind::kRecognized},
    {EventType::kRecognizeFailed, "RecognizeFailed", DetailKind::kFailedSource},
    {EventType::kRecognizeCanceled, "RecognizeCanceled"},
    {EventType::kContinuousToneReceived, "ContinuousDtmfRecognitionToneReceived",
     DetailKind::kTone},
    {EventType::kContinuousToneFailed, "ContinuousDtmfRecognitionToneFailed"},
    {EventType::kContinuousStopped, "ContinuousDtmfRecognitionStopped"},
    {EventType::kSendDtmfTonesCompleted, "SendDtmfTonesCompleted"},
    {EventType::kSendDtmfTonesFailed, "SendDtmfTonesFailed"},
    {EventType::kAddParticipantSucceeded, "AddParticipantSucceeded", DetailKind::kParty},
    {EventType::kAddParticipantFailed, "AddParticipantFailed", DetailKind::kParty},
    {EventType::kRemoveParticipantSucceeded, "RemoveParticipantSucceeded", DetailKind::kParty},
    {EventType::kRemoveParticipantFailed, "RemoveParticipantFailed", DetailKind::kParty},
    {EventType::kCancelAddParticipantSucceeded, "CancelAddParticipantSucceeded",
     DetailKind::kInvitation},
    {EventType::kCancelAddParticipantFailed, "CancelAddParticipantFailed", DetailKind::kInvitation},
    {EventType::kCallTransferAccepted, "CallTransferAccepted", DetailKind::kTransfer},
    {EventType::kCallTransferFailed, "CallTransferFailed"},
    {EventType::kMoveParticipantSucceeded, "MoveParticipantSucceeded", DetailKind::kParty},
    {EventType::kMoveParticipantFailed, "MoveParticipantFailed", DetailKind::kParty},
    {EventType::kAnswerFailed, "AnswerFailed"},
    {EventType::kConnectFailed, "ConnectFailed"},
    {EventType::kHoldFailed, "HoldFailed"},
    {EventType::kRecordingStateChanged, "RecordingStateChanged"},
    {EventType::kStartRecordingFailed, "StartRecordingFailed"},
    {EventType::kTranscriptionStarted, "TranscriptionStarted"},
    {EventType::kTranscriptionStopped, "TranscriptionStopped"},
    {EventType::kTranscriptionUpdated, "TranscriptionUpdated"},
    {EventType::kTranscriptionFailed, "TranscriptionFailed"},
    {EventType::kMediaStreamingStarted, "MediaStreamingStarted"},
    {EventType::kMediaStreamingStopped, "MediaStreamingStopped"},
    {EventType::kMediaStreamingFailed, "MediaStreamingFailed"},
    {EventType::kSendDtmfTonesCompleted, "SendDtmfCompleted"},
    {EventType::kSendDtmfTonesFailed, "SendDtmfFailed"},
};

bool SameName(std::string_view left, std::string_view right) {
  return absl::EqualsIgnoreCase({left.data(), left.size()}, {right.data(), right.size()});
}

const TypeSpelling& SpellingOf(EventType type) {
  for (const TypeSpelling& known : kTypes) {
    if (known.type == type) return known;
  }
  TOCSIN_CHECK(false && "every type is in the table");
  return kTypes[0];
}

absl::StatusOr<std::optional<Cause>> ReadCause(const ObjectReader& outer, std::string_view name) {
  TOCSIN_ASSIGN_OR_RETURN(const auto reader, outer.ObjectOrNone({name}));
  if (!reader) return std::optional<Cause>();
  Cause cause;
  TOCSIN_ASSIGN_OR_RETURN(cause.code, ReadIntegerIn(*reader, {"code"}, kIntMin, kIntMax, 0));
  TOCSIN_ASSIGN_OR_RETURN(cause.message, reader->StringOrEmpty({"message"}));
  return std::optional<Cause>(std::move(cause));
}

absl::StatusOr<std::optional<ResultInformation>> ReadResult(const ObjectReader& data) {
  TOCSIN_ASSIGN_OR_RETURN(const auto reader, data.ObjectOrNone({"resultInformation"}));
  if (!reader) return std::optional<ResultInformation>();
  ResultInformation result;
  TOCSIN_ASSIGN_OR_RETURN(result.code, ReadIntegerIn(*reader, {"code"}, kIntMin, kIntMax, 0));
  TOCSIN_ASSIGN_OR_RETURN(result.subcode, ReadIntegerIn(*reader, {"subCode"}, kIntMin, kIntMax, 0));
  TOCSIN_ASSIGN_OR_RETURN(result.message, reader->StringOrEmpty({"message"}));
  TOCSIN_ASSIGN_OR_RETURN(result.sip, ReadCause(*reader, "sipDetails"));
  TOCSIN_ASSIGN_OR_RETURN(result.q850, ReadCause(*reader, "q850Details"));
  return std::optional<ResultInformation>(std::move(result));
}

absl::StatusOr<Detail> ReadRoster(const ObjectReader& data) {
  Roster roster;
  TOCSIN_ASSIGN_OR_RETURN(roster.sequence_number, data.IntegerOrZero({"sequenceNumber"}));
  TOCSIN_ASSIGN_OR_RETURN(roster.participants, ReadCallParticipants(data, "participants"));
  return roster;
}

// monostate for a tone that we do not know.
absl::StatusOr<Detail> ReadTone(const ObjectReader& data) {
  // An older edition has the members nested.
  TOCSIN_ASSIGN_OR_RETURN(const auto nested, data.ObjectOrNone({"toneInfo"}));
  const ObjectReader& info = nested ? *nested : data;
  ToneReceived received;
  TOCSIN_ASSIGN_OR_RETURN(received.sequence_id, info.IntegerOrZero({"sequenceId"}));
  TOCSIN_ASSIGN_OR_RETURN(const std::string name, info.String({"tone"}));
  const std::optional<char> tone = ToneNamed(name);
  if (!tone) return std::monostate();
  received.tone = *tone;
  return received;
}

absl::StatusOr<std::string> ReadRecognizedTones(const ObjectReader& result) {
  std::string tones;
  TOCSIN_ASSIGN_OR_RETURN(const Json* const array, result.ArrayOrNone({"tones"}));
  if (array == nullptr) return tones;
  for (const Json& element : *array) {
    if (!element.is_string()) {
      return InvalidArgument("{} must be an array of strings", result.Place("tones"));
    }
    // What is no key that we know is passed over: the others still count.
    if (const auto tone = ToneNamed(element.get_ref<const std::string&>())) tones += *tone;
  }
  return tones;
}

absl::StatusOr<Detail> ReadRecognized(const ObjectReader& data) {
  Recognized recognized;
  TOCSIN_ASSIGN_OR_RETURN(recognized.type, data.StringOrEmpty({"recognitionType"}));
  // The preview of 2022 called it by the second name.
  TOCSIN_ASSIGN_OR_RETURN(const auto dtmf, data.ObjectOrNone({"dtmfResult", "collectTonesResult"}));
  if (dtmf) {
    TOCSIN_ASSIGN_OR_RETURN(recognized.tones, ReadRecognizedTones(*dtmf));
  }
  TOCSIN_ASSIGN_OR_RETURN(const auto choice, data.ObjectOrNone({"choiceResult"}));
  if (choice) {
    TOCSIN_ASSIGN_OR_RETURN(recognized.label, choice->StringOrEmpty({"label"}));
    TOCSIN_ASSIGN_OR_RETURN(recognized.words, choice->StringOrEmpty({"recognizedPhrase"}));
    return recognized;
  }
  TOCSIN_ASSIGN_OR_RETURN(const auto speech, data.ObjectOrNone({"speechResult"}));
  if (speech) {
    TOCSIN_ASSIGN_OR_RETURN(recognized.words, speech->StringOrEmpty({"speech"}));
  }
  return recognized;
}

absl::StatusOr<Detail> ReadParticipant(const ObjectReader& data) {
  Party party;
  TOCSIN_ASSIGN_OR_RETURN(const auto participant, data.ObjectOrNone({"participant"}));
  if (participant) {
    TOCSIN_ASSIGN_OR_RETURN(party.participant, ReadIdentifier(*participant));
  }
  return party;
}

absl::StatusOr<std::optional<Identifier>> ReadPartyOrNone(const ObjectReader& data,
                                                          std::string_view name) {
  TOCSIN_ASSIGN_OR_RETURN(const auto reader, data.ObjectOrNone({name}));
  if (!reader) return std::optional<Identifier>();
  TOCSIN_ASSIGN_OR_RETURN(Identifier identifier, ReadIdentifier(*reader));
  return std::optional<Identifier>(std::move(identifier));
}

absl::StatusOr<Detail> ReadDetail(DetailKind kind, const ObjectReader& data) {
  switch (kind) {
    case DetailKind::kNone: break;
    case DetailKind::kRoster: return ReadRoster(data);
    case DetailKind::kTone: return ReadTone(data);
    case DetailKind::kRecognized: return ReadRecognized(data);
    case DetailKind::kParty: return ReadParticipant(data);
    case DetailKind::kInvitation: {
      Invitation invitation;
      TOCSIN_ASSIGN_OR_RETURN(invitation.invitation_id, data.StringOrEmpty({"invitationId"}));
      return invitation;
    }
    case DetailKind::kTransfer: {
      Transfer transfer;
      TOCSIN_ASSIGN_OR_RETURN(transfer.target, ReadPartyOrNone(data, "transferTarget"));
      TOCSIN_ASSIGN_OR_RETURN(transfer.transferee, ReadPartyOrNone(data, "transferee"));
      return transfer;
    }
    case DetailKind::kFailedSource: {
      FailedSource failed;
      if (data.Find({"failedPlaySourceIndex"}) == nullptr) return failed;
      TOCSIN_ASSIGN_OR_RETURN(failed.index,
                              ReadIntegerIn(data, {"failedPlaySourceIndex"}, kIntMin, kIntMax, 0));
      return failed;
    }
  }
  return std::monostate();
}

std::string CauseJson(const Cause& cause) {
  JsonObject object;
  object.AddInteger("code", cause.code);
  object.AddString("message", cause.message);
  return std::move(object).Finish();
}

std::string ResultJson(const ResultInformation& result) {
  JsonObject object;
  object.AddInteger("code", result.code);
  object.AddInteger("subCode", result.subcode);
  object.AddString("message", result.message);
  if (result.sip) object.AddJson("sipDetails", CauseJson(*result.sip));
  if (result.q850) object.AddJson("q850Details", CauseJson(*result.q850));
  return std::move(object).Finish();
}

std::string PartyJson(const Identifier& identifier) {
  return IdentifierJson(identifier, Casing::kGa);
}

// Adds the members of each kind of detail.
struct DetailWriter {
  JsonObject& data;

  void operator()(const std::monostate&) const {}

  void operator()(const Roster& roster) const {
    data.AddInteger("sequenceNumber", roster.sequence_number);
    std::string participants = "[";
    for (const CallParticipant& participant : roster.participants) {
      if (participants.size() > 1) participants += ',';
      participants += CallParticipantJson(participant);
    }
    data.AddJson("participants", participants + "]");
  }

  void operator()(const ToneReceived& received) const {
    data.AddInteger("sequenceId", received.sequence_id);
    data.AddString("tone", ToneNameGa(received.tone));
  }

  void operator()(const Recognized& recognized) const {
    data.AddString("recognitionType", recognized.type);
    if (!recognized.tones.empty() || recognized.type == "dtmf") {
      JsonObject result;
      result.AddJson("tones", TonesJson(recognized.tones));
      data.AddJson("dtmfResult", std::move(result).Finish());
    }
    if (!recognized.label.empty()) {
      JsonObject result;
      result.AddString("label", recognized.label);
      result.AddString("recognizedPhrase", recognized.words);
      data.AddJson("choiceResult", std::move(result).Finish());
    } else if (!recognized.words.empty()) {
      JsonObject result;
      result.AddString("speech", recognized.words);
      data.AddJson("speechResult", std::move(result).Finish());
    }
  }

  // The real client's parser throws where there is no participant.
  void operator()(const Party& party) const {
    if (party.participant == Identifier()) return;
    data.AddJson("participant", PartyJson(party.participant));
  }

  void operator()(const Invitation& invitation) const {
    data.AddString("invitationId", invitation.invitation_id);
  }

  void operator()(const Transfer& transfer) const {
    if (transfer.target) data.AddJson("transferTarget", PartyJson(*transfer.target));
    if (transfer.transferee) data.AddJson("transferee", PartyJson(*transfer.transferee));
  }

  void operator()(const FailedSource& failed) const {
    if (failed.index) data.AddInteger("failedPlaySourceIndex", *failed.index);
  }
};

}  // namespace

std::string_view Name(EventType type) {
  return SpellingOf(type).name;
}

Detail EmptyDetail(EventType type) {
  switch (SpellingOf(type).detail) {
    case DetailKind::kNone: break;
    case DetailKind::kRoster: return Roster();
    case DetailKind::kTone: return ToneReceived();
    case DetailKind::kRecognized: return Recognized();
    case DetailKind::kParty: return Party();
    case DetailKind::kInvitation: return Invitation();
    case DetailKind::kTransfer: return Transfer();
    case DetailKind::kFailedSource: return FailedSource();
  }
  return std::monostate();
}

std::optional<EventType> EventTypeNamed(std::string_view name) {
  for (const TypeSpelling& known : kTypes) {
    if (SameName(known.name, name)) return known.type;
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<CallEvent>> ReadCallEvent(EventType type, const ObjectReader& data,
                                                       std::string call_connection_id) {
  CallEvent event{.type = type, .call_connection_id = std::move(call_connection_id)};
  TOCSIN_ASSIGN_OR_RETURN(event.server_call_id, data.StringOrEmpty({"serverCallId"}));
  TOCSIN_ASSIGN_OR_RETURN(event.correlation_id, data.StringOrEmpty({"correlationId"}));
  TOCSIN_ASSIGN_OR_RETURN(event.operation_context, data.StringOrEmpty({"operationContext"}));
  TOCSIN_ASSIGN_OR_RETURN(event.result, ReadResult(data));
  const DetailKind kind = SpellingOf(type).detail;
  TOCSIN_ASSIGN_OR_RETURN(event.detail, ReadDetail(kind, data));
  if (kind == DetailKind::kTone && std::holds_alternative<std::monostate>(event.detail)) {
    return std::optional<CallEvent>();
  }
  return std::optional<CallEvent>(std::move(event));
}

std::string DataJson(const CallEvent& event) {
  JsonObject data;
  data.AddString("callConnectionId", event.call_connection_id);
  data.AddString("serverCallId", event.server_call_id);
  data.AddString("correlationId", event.correlation_id);
  AddUnlessEmpty(data, "operationContext", event.operation_context);
  if (event.result) data.AddJson("resultInformation", ResultJson(*event.result));
  std::visit(DetailWriter{data}, event.detail);
  return std::move(data).Finish();
}

}  // namespace tocsin::wire::ga
