#include "wire/events.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "wire/digest.h"
#include "wire/events_ga_json.h"
#include "wire/identifier_json.h"
#include "wire/json_reader.h"
#include "wire/json_text.h"
#include "wire/tones.h"

namespace tocsin::wire {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPrefix = "Microsoft.Communication.";
constexpr std::size_t kEventKeyMaxLength = 128;
constexpr char kTimeFormat[] = "%Y-%m-%dT%H:%M:%E*S%Ez";

bool SameName(std::string_view left, std::string_view right) {
  return absl::EqualsIgnoreCase({left.data(), left.size()}, {right.data(), right.size()});
}

struct StateSpelling {
  CallState state;
  std::string_view name;
};
// The first name of a state is the one that is sent. The others are those of
// the edition that came after, where a leg is called a connection.
constexpr StateSpelling kStates[] = {
    {CallState::kIdle, "Idle"},
    {CallState::kIncoming, "Incoming"},
    {CallState::kEstablishing, "Establishing"},
    {CallState::kEstablished, "Established"},
    {CallState::kHold, "Hold"},
    {CallState::kUnhold, "Unhold"},
    {CallState::kTransferring, "Transferring"},
    {CallState::kRedirecting, "Redirecting"},
    {CallState::kTerminating, "Terminating"},
    {CallState::kTerminated, "Terminated"},
    {CallState::kEstablishing, "Connecting"},
    {CallState::kEstablished, "Connected"},
    {CallState::kTerminating, "Disconnecting"},
    {CallState::kTerminated, "Disconnected"},
};

CallState StateNamed(std::string_view name) {
  for (const StateSpelling& known : kStates) {
    if (SameName(known.name, name)) return known.state;
  }
  return CallState::kUnknown;
}

std::string_view StateName(CallState state) {
  for (const StateSpelling& known : kStates) {
    if (known.state == state) return known.name;
  }
  return "Unknown";
}

std::optional<absl::Time> ParseEventTime(const Json* json) {
  absl::Time time;
  if (json == nullptr || !json->is_string() ||
      !absl::ParseTime(kTimeFormat, json->get_ref<const std::string&>(), &time, nullptr)) {
    return std::nullopt;
  }
  // A date that no call of ours can have is as good as none; so is
  // "infinite-future", which the parser takes in any format.
  const auto year = absl::ToCivilYear(time, absl::UTCTimeZone()).year();
  if (year < 2000 || year > 2200) return std::nullopt;
  return time;
}

// "callLeg/{id}/callState" -> id.
std::string CallLegIdInSubject(const ObjectReader& envelope) {
  const absl::StatusOr<std::string> subject = envelope.StringOrEmpty({"subject"});
  constexpr std::string_view kStart = "callLeg/";
  if (!subject.ok() || !SameName(std::string_view(*subject).substr(0, kStart.size()), kStart)) {
    return {};
  }
  const std::size_t end = subject->find('/', kStart.size());
  if (end == std::string::npos) return {};
  return subject->substr(kStart.size(), end - kStart.size());
}

absl::StatusOr<std::string> ReadCallLegId(const ObjectReader& envelope, const ObjectReader& data) {
  TOCSIN_ASSIGN_OR_RETURN(std::string id, data.StringOrEmpty({"CallLegId", "CallConnectionId"}));
  if (id.empty()) id = CallLegIdInSubject(envelope);
  if (id.empty()) {
    return InvalidArgument("{} must be the id of the call leg", data.Place("CallLegId"));
  }
  return id;
}

absl::StatusOr<EventBody> ReadStateChange(const ObjectReader& data, std::string call_leg_id) {
  CallStateChanged change{.call_leg_id = std::move(call_leg_id)};
  TOCSIN_ASSIGN_OR_RETURN(change.conversation_id,
                          data.StringOrEmpty({"ConversationId", "ServerCallId"}));
  TOCSIN_ASSIGN_OR_RETURN(const std::string state,
                          data.String({"CallState", "CallConnectionState"}));
  change.state = StateNamed(state);
  return change;
}

absl::StatusOr<EventBody> ReadDtmf(const ObjectReader& data, std::string call_leg_id) {
  DtmfReceived dtmf{.call_leg_id = std::move(call_leg_id)};
  // Later editions have the members flat.
  TOCSIN_ASSIGN_OR_RETURN(const auto nested, data.ObjectOrNone({"ToneInfo"}));
  const ObjectReader& info = nested ? *nested : data;
  TOCSIN_ASSIGN_OR_RETURN(dtmf.sequence_id, info.IntegerOrZero({"SequenceId"}));
  TOCSIN_ASSIGN_OR_RETURN(const std::string name, info.String({"Tone"}));
  const std::optional<char> tone = ToneNamed(name);
  if (!tone) return UnknownEvent{.call_leg_id = std::move(dtmf.call_leg_id)};
  dtmf.tone = *tone;
  return dtmf;
}

absl::StatusOr<EventBody> ReadPlayResult(const ObjectReader& data, std::string call_leg_id) {
  PlayAudioResult result{.call_leg_id = std::move(call_leg_id)};
  TOCSIN_ASSIGN_OR_RETURN(result.operation_context, data.StringOrEmpty({"OperationContext"}));
  TOCSIN_ASSIGN_OR_RETURN(result.status, ReadStatus(data));
  TOCSIN_ASSIGN_OR_RETURN(result.result_info, ReadResultInfo(data));
  if (result.status == OperationStatus::kUnknown && !result.result_info) {
    return InvalidArgument("{} must be notStarted, running, completed or failed",
                           data.Place("Status"));
  }
  return result;
}

absl::StatusOr<EventBody> ReadInviteResult(const ObjectReader& data, std::string call_leg_id) {
  InviteParticipantResult result{.call_leg_id = std::move(call_leg_id)};
  TOCSIN_ASSIGN_OR_RETURN(result.operation_context, data.StringOrEmpty({"OperationContext"}));
  TOCSIN_ASSIGN_OR_RETURN(result.status, ReadStatus(data));
  TOCSIN_ASSIGN_OR_RETURN(result.result_info, ReadResultInfo(data));
  TOCSIN_ASSIGN_OR_RETURN(const Json* const participants, data.ArrayOrNone({"Participants"}));
  if (participants != nullptr) {
    TOCSIN_ASSIGN_OR_RETURN(result.participants,
                            ReadIdentifiers(data, *participants, "Participants"));
  }
  return result;
}

absl::StatusOr<EventBody> ReadRoster(const ObjectReader& data, std::string call_leg_id) {
  ParticipantsUpdated roster{.call_leg_id = std::move(call_leg_id)};
  TOCSIN_ASSIGN_OR_RETURN(const Json* const participants, data.ArrayOrNone({"Participants"}));
  if (participants == nullptr) return roster;
  for (int index = 0; const Json& element : *participants) {
    const int at = index++;
    if (element.is_null()) continue;
    TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader, data.Element(element, "Participants", at));
    Participant participant;
    TOCSIN_ASSIGN_OR_RETURN(const auto identifier, reader.ObjectOrNone({"Identifier"}));
    if (identifier) {
      TOCSIN_ASSIGN_OR_RETURN(participant.identifier, ReadIdentifier(*identifier));
    }
    TOCSIN_ASSIGN_OR_RETURN(participant.participant_id, reader.StringOrEmpty({"ParticipantId"}));
    TOCSIN_ASSIGN_OR_RETURN(participant.is_muted, reader.BoolOrFalse({"IsMuted"}));
    roster.participants.push_back(std::move(participant));
  }
  return roster;
}

using BodyReader = absl::StatusOr<EventBody> (*)(const ObjectReader& data, std::string call_leg_id);

struct KnownType {
  std::string_view name;  // Without the prefix.
  BodyReader read;
};
// The first name of a kind is the one that is sent.
constexpr KnownType kTypes[] = {
    {"CallLegStateChanged", ReadStateChange},
    {"CallConnectionStateChanged", ReadStateChange},
    {"DtmfReceived", ReadDtmf},
    {"ToneReceived", ReadDtmf},
    {"PlayAudioResult", ReadPlayResult},
    {"InviteParticipantResult", ReadInviteResult},
    {"InviteParticipantsResult", ReadInviteResult},
    {"AddParticipantResult", ReadInviteResult},
    {"ParticipantsUpdated", ReadRoster},
};

BodyReader ReaderNamed(std::string_view name) {
  for (const KnownType& known : kTypes) {
    if (SameName(name, known.name)) return known.read;
  }
  return nullptr;
}

// Without the prefix; empty if it has another.
std::string_view ShortName(std::string_view type) {
  if (!SameName(type.substr(0, kPrefix.size()), kPrefix)) return {};
  return type.substr(kPrefix.size());
}

// The one name that several dialects use. Only GA correlates and counts.
bool IsRosterOf2021(ga::EventType type, const ObjectReader& data) {
  return type == ga::EventType::kParticipantsUpdated &&
         data.Find({"correlationId", "sequenceNumber"}) == nullptr;
}

absl::StatusOr<EventBody> ReadGa(ga::EventType type, const ObjectReader& data,
                                 std::string call_connection_id) {
  UnknownEvent unknown{.call_leg_id = call_connection_id};
  TOCSIN_ASSIGN_OR_RETURN(auto event, ga::ReadCallEvent(type, data, std::move(call_connection_id)));
  if (!event) return unknown;
  return *std::move(event);
}

absl::StatusOr<EventBody> ReadBody(const ObjectReader& envelope, std::string_view type) {
  const std::string_view name = ShortName(type);
  const BodyReader read = ReaderNamed(name);
  const std::optional<ga::EventType> ga_type = ga::EventTypeNamed(name);
  const Json* const json = envelope.Find({"data"});
  if (read == nullptr && !ga_type) {
    UnknownEvent unknown{.call_leg_id = CallLegIdInSubject(envelope)};
    if (json == nullptr || !json->is_object()) return unknown;
    TOCSIN_ASSIGN_OR_RETURN(const ObjectReader data, envelope.Inside(*json, "data"));
    const absl::StatusOr<std::string> id = ReadCallLegId(envelope, data);
    if (id.ok()) unknown.call_leg_id = *id;
    return unknown;
  }
  if (json == nullptr) return InvalidArgument("{} must be an object", envelope.Place("data"));
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader data, envelope.Inside(*json, "data"));
  TOCSIN_ASSIGN_OR_RETURN(std::string call_leg_id, ReadCallLegId(envelope, data));
  if (ga_type && !IsRosterOf2021(*ga_type, data)) {
    return ReadGa(*ga_type, data, std::move(call_leg_id));
  }
  return read(data, std::move(call_leg_id));
}

absl::StatusOr<Event> ReadEvent(const Json& json, const ObjectReader& envelope) {
  Event event;
  TOCSIN_ASSIGN_OR_RETURN(event.id, envelope.StringOrEmpty({"id"}));
  TOCSIN_ASSIGN_OR_RETURN(event.type, envelope.String({"eventType", "type"}));
  event.occurred_at = ParseEventTime(envelope.Find({"eventTime", "time"}));
  TOCSIN_ASSIGN_OR_RETURN(event.body, ReadBody(envelope, event.type));
  event.canonical = json.dump();
  return event;
}

std::string SubjectOf(const Event& event, std::string_view what) {
  return fmt::format("callLeg/{}/{}", CallLegId(event), what);
}

struct Encoded {
  std::string subject;
  std::string data;
};

Encoded EncodeBody(const Event& event, const CallStateChanged& body) {
  JsonObject data;
  if (body.conversation_id.empty()) {
    data.AddNull("ConversationId");
  } else {
    data.AddString("ConversationId", body.conversation_id);
  }
  data.AddString("CallLegId", body.call_leg_id);
  data.AddString("CallState", StateName(body.state));
  return {SubjectOf(event, "callState"), std::move(data).Finish()};
}

Encoded EncodeBody(const Event& event, const DtmfReceived& body) {
  JsonObject tone;
  tone.AddInteger("SequenceId", body.sequence_id);
  tone.AddString("Tone", ToneName2021(body.tone));
  JsonObject data;
  data.AddJson("ToneInfo", std::move(tone).Finish());
  data.AddString("CallLegId", body.call_leg_id);
  return {SubjectOf(event, "dtmf"), std::move(data).Finish()};
}

Encoded EncodeBody(const Event& event, const PlayAudioResult& body) {
  JsonObject data;
  data.AddJson("ResultInfo", ResultInfoJson(body.result_info, Casing::kPascal));
  data.AddString("OperationContext", body.operation_context);
  data.AddString("Status", StatusName(body.status, Casing::kPascal));
  data.AddString("CallLegId", body.call_leg_id);
  return {SubjectOf(event, "playAudio"), std::move(data).Finish()};
}

Encoded EncodeBody(const Event& event, const InviteParticipantResult& body) {
  JsonObject data;
  data.AddJson("ResultInfo", ResultInfoJson(body.result_info, Casing::kPascal));
  data.AddString("OperationContext", body.operation_context);
  data.AddString("Status", StatusName(body.status, Casing::kPascal));
  data.AddString("CallLegId", body.call_leg_id);
  data.AddJson("Participants", IdentifiersJson(body.participants, Casing::kPascal));
  return {SubjectOf(event, "inviteParticipantResult"), std::move(data).Finish()};
}

Encoded EncodeBody(const Event& event, const ParticipantsUpdated& body) {
  std::string participants = "[";
  for (const Participant& participant : body.participants) {
    if (participants.size() > 1) participants += ',';
    JsonObject object;
    if (participant.identifier == Identifier()) {
      object.AddNull("Identifier");
    } else {
      object.AddJson("Identifier", IdentifierJson(participant.identifier, Casing::kPascal));
    }
    object.AddString("ParticipantId", participant.participant_id);
    object.AddBool("IsMuted", participant.is_muted);
    participants += std::move(object).Finish();
  }
  JsonObject data;
  data.AddString("CallLegId", body.call_leg_id);
  data.AddJson("Participants", participants + "]");
  return {SubjectOf(event, "participantsUpdated"), std::move(data).Finish()};
}

Encoded EncodeBody(const Event& event, const ga::CallEvent& body) {
  return {fmt::format("calling/callConnections/{}", CallLegId(event)), ga::DataJson(body)};
}

Encoded EncodeBody(const Event&, const UnknownEvent&) {
  TOCSIN_CHECK(false && "an unknown event is only ever received");
  return {};
}

std::string EventGridEnvelope(const Event& event, const Encoded& encoded) {
  JsonObject envelope;
  if (event.id.empty()) {
    envelope.AddNull("id");
  } else {
    envelope.AddString("id", event.id);
  }
  envelope.AddNull("topic");
  envelope.AddString("subject", encoded.subject);
  envelope.AddJson("data", encoded.data);
  envelope.AddString("eventType", EventType(event.body));
  if (event.occurred_at) {
    envelope.AddString("eventTime", absl::FormatTime("%Y-%m-%dT%H:%M:%E7SZ", *event.occurred_at,
                                                     absl::UTCTimeZone()));
  } else {
    envelope.AddNull("eventTime");
  }
  envelope.AddNull("metadataVersion");
  envelope.AddNull("dataVersion");
  return std::move(envelope).Finish();
}

// The real client's parser looks at the first element of the array only.
std::string CloudEnvelope(const Event& event, const Encoded& encoded) {
  JsonObject envelope;
  envelope.AddString("id", event.id);
  envelope.AddString("source", encoded.subject);
  envelope.AddString("type", EventType(event.body));
  envelope.AddString("specversion", "1.0");
  if (event.occurred_at) {
    envelope.AddString("time", absl::FormatTime("%Y-%m-%dT%H:%M:%E7S+00:00", *event.occurred_at,
                                                absl::UTCTimeZone()));
  }
  envelope.AddString("datacontenttype", "application/json");
  envelope.AddString("subject", encoded.subject);
  envelope.AddJson("data", encoded.data);
  return "[" + std::move(envelope).Finish() + "]";
}

}  // namespace

PlayOutcome OutcomeOf(const PlayAudioResult& result) {
  if (result.result_info) {
    if (result.result_info->subcode == kSubcodeCancelled) return PlayOutcome::kCancelled;
    if (result.result_info->code >= 300) return PlayOutcome::kFailed;
  }
  switch (result.status) {
    case OperationStatus::kNotStarted:
    case OperationStatus::kRunning: return PlayOutcome::kRunning;
    case OperationStatus::kFailed: return PlayOutcome::kFailed;
    case OperationStatus::kCompleted:
    case OperationStatus::kUnknown: return PlayOutcome::kCompleted;
  }
  return PlayOutcome::kFailed;
}

const std::string& CallLegId(const Event& event) {
  return std::visit(
      [](const auto& body) -> const std::string& {
        if constexpr (std::is_same_v<decltype(body), const ga::CallEvent&>) {
          return body.call_connection_id;
        } else {
          return body.call_leg_id;
        }
      },
      event.body);
}

absl::StatusOr<std::vector<Event>> DecodeEvents(std::string_view body, const EventLimits& limits) {
  if (body.size() > limits.body_max_bytes) {
    return InvalidArgument("events: longer than {} bytes", limits.body_max_bytes);
  }
  TOCSIN_ASSIGN_OR_RETURN(const Json json, ParseJson(body, "events", limits.depth_max));
  std::vector<Event> events;
  if (!json.is_array()) {
    TOCSIN_ASSIGN_OR_RETURN(const ObjectReader envelope, ObjectReader::Read(json, "event"));
    TOCSIN_ASSIGN_OR_RETURN(Event event, ReadEvent(json, envelope));
    events.push_back(std::move(event));
    return events;
  }
  if (json.size() > limits.events_max) {
    return InvalidArgument("events: more than {} in one body", limits.events_max);
  }
  events.reserve(json.size());
  for (int index = 0; const Json& element : json) {
    const std::string place = fmt::format("events[{}]", index++);
    TOCSIN_ASSIGN_OR_RETURN(const ObjectReader envelope, ObjectReader::Read(element, place));
    TOCSIN_ASSIGN_OR_RETURN(Event event, ReadEvent(element, envelope));
    events.push_back(std::move(event));
  }
  return events;
}

std::string EventType(const EventBody& body) {
  struct Namer {
    std::string_view operator()(const CallStateChanged&) const { return "CallLegStateChanged"; }
    std::string_view operator()(const DtmfReceived&) const { return "DtmfReceived"; }
    std::string_view operator()(const PlayAudioResult&) const { return "PlayAudioResult"; }
    std::string_view operator()(const InviteParticipantResult&) const {
      return "InviteParticipantResult";
    }
    std::string_view operator()(const ParticipantsUpdated&) const { return "ParticipantsUpdated"; }
    std::string_view operator()(const ga::CallEvent& event) const { return ga::Name(event.type); }
    std::string_view operator()(const UnknownEvent&) const { return ""; }
  };
  const std::string_view name = std::visit(Namer{}, body);
  return name.empty() ? std::string() : fmt::format("{}{}", kPrefix, name);
}

std::string EncodeEvent(const Event& event) {
  const Encoded encoded =
      std::visit([&event](const auto& body) { return EncodeBody(event, body); }, event.body);
  if (std::holds_alternative<ga::CallEvent>(event.body)) return CloudEnvelope(event, encoded);
  return EventGridEnvelope(event, encoded);
}

std::string EventKey(const Event& event) {
  constexpr std::string_view kId = "id:";
  if (!event.id.empty() && kId.size() + event.id.size() <= kEventKeyMaxLength) {
    return fmt::format("{}{}", kId, event.id);
  }
  return fmt::format("sha256:{}", Hex(Sha256(event.canonical)));
}

}  // namespace tocsin::wire
