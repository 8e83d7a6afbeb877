#include "wire/calls_ga.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "wire/ga_values.h"
#include "wire/identifier_json.h"
#include "wire/json_reader.h"
#include "wire/json_text.h"
#include "wire/read_values.h"
#include "wire/tones.h"

namespace tocsin::wire::ga {
namespace {

using Json = nlohmann::json;

constexpr int kSilenceMaxS = 300;
constexpr int kInterToneMaxS = 60;
constexpr int kInvitationMaxS = 180;
// What the real client fills in where its user says nothing.
constexpr int kInitialSilenceS = 5;
constexpr int kInterToneS = 2;

bool SameName(std::string_view left, std::string_view right) {
  return absl::EqualsIgnoreCase({left.data(), left.size()}, {right.data(), right.size()});
}

template <class Value>
struct Spelling {
  Value value;
  std::string_view name;
};

constexpr Spelling<CallState> kStates[] = {
    {CallState::kConnecting, "connecting"},
    {CallState::kConnected, "connected"},
    {CallState::kTransferring, "transferring"},
    {CallState::kTransferAccepted, "transferAccepted"},
    {CallState::kDisconnecting, "disconnecting"},
    {CallState::kDisconnected, "disconnected"},
};

constexpr Spelling<RecognizeInput> kInputs[] = {
    {RecognizeInput::kDtmf, "dtmf"},
    {RecognizeInput::kSpeech, "speech"},
    {RecognizeInput::kSpeechOrDtmf, "speechOrDtmf"},
    {RecognizeInput::kChoices, "choices"},
};

// A kind of source, the member that holds it, and the member in that.
struct SourceSpelling {
  PlaySource::Kind kind;
  std::string_view name;
  std::string_view content;
};
constexpr SourceSpelling kSources[] = {
    {PlaySource::Kind::kFile, "file", "uri"},
    {PlaySource::Kind::kText, "text", "text"},
    {PlaySource::Kind::kSsml, "ssml", "ssmlText"},
};

std::string PartyJson(const Identifier& identifier) {
  return IdentifierJson(identifier, Casing::kGa);
}

std::string PartiesJson(const std::vector<Identifier>& identifiers) {
  return IdentifiersJson(identifiers, Casing::kGa);
}

void AddNumber(JsonObject& object, std::string_view name, std::string_view number) {
  if (!number.empty()) object.AddJson(name, NumberJson(number));
}

// A communication user where the API wants one without kind and raw id.
void AddUser(JsonObject& object, std::string_view name, std::string_view id) {
  if (id.empty()) return;
  JsonObject user;
  user.AddString("id", id);
  object.AddJson(name, std::move(user).Finish());
}

absl::StatusOr<std::string> ReadUser(const ObjectReader& reader, std::string_view name) {
  TOCSIN_ASSIGN_OR_RETURN(const auto user, reader.ObjectOrNone({name}));
  if (!user) return std::string();
  TOCSIN_ASSIGN_OR_RETURN(const auto nested, user->ObjectOrNone({"communicationUser"}));
  return (nested ? *nested : *user).String({"id"});
}

void AddEcho(JsonObject& object, const OperationEcho& echo) {
  AddUnlessEmpty(object, "operationContext", echo.context);
  AddUnlessEmpty(object, "operationCallbackUri", echo.callback_uri);
}

absl::StatusOr<OperationEcho> ReadEcho(const ObjectReader& reader) {
  OperationEcho echo;
  TOCSIN_ASSIGN_OR_RETURN(echo.context, reader.StringOrEmpty({"operationContext"}));
  TOCSIN_ASSIGN_OR_RETURN(echo.callback_uri, ReadUrlOrEmpty(reader, {"operationCallbackUri"}));
  return echo;
}

std::string HeadersJson(const Headers& headers) {
  JsonObject object;
  for (const auto& [name, value] : headers) object.AddString(name, value);
  return std::move(object).Finish();
}

// Both maps are sent even when they are empty, as the real client does.
void AddCallingContext(JsonObject& object, const Headers& sip, const Headers& voip) {
  JsonObject context;
  context.AddJson("voipHeaders", HeadersJson(voip));
  context.AddJson("sipHeaders", HeadersJson(sip));
  object.AddJson("customCallingContext", std::move(context).Finish());
}

absl::StatusOr<Headers> ReadHeaders(const ObjectReader& reader, std::string_view name) {
  Headers headers;
  TOCSIN_RETURN_IF_ERROR(reader.ObjectOrNone({name}).status());
  const Json* const object = reader.Find({name});
  if (object == nullptr) return headers;
  for (const auto& [header, value] : object->items()) {
    if (!value.is_string() || header.find('\0') != std::string::npos ||
        value.get_ref<const std::string&>().find('\0') != std::string::npos) {
      return InvalidArgument("{} must be an object of strings without NUL", reader.Place(name));
    }
    headers.emplace(header, value.get<std::string>());
  }
  return headers;
}

absl::Status ReadCallingContext(const ObjectReader& reader, Headers& sip, Headers& voip) {
  TOCSIN_ASSIGN_OR_RETURN(const auto context, reader.ObjectOrNone({"customCallingContext"}));
  if (!context) return absl::OkStatus();
  TOCSIN_ASSIGN_OR_RETURN(sip, ReadHeaders(*context, "sipHeaders"));
  TOCSIN_ASSIGN_OR_RETURN(voip, ReadHeaders(*context, "voipHeaders"));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Identifier>> ReadParties(const ObjectReader& reader,
                                                    std::string_view name) {
  TOCSIN_ASSIGN_OR_RETURN(const Json* const array, reader.ArrayOrNone({name}));
  if (array == nullptr) return std::vector<Identifier>();
  TOCSIN_ASSIGN_OR_RETURN(auto parties, ReadIdentifiers(reader, *array, name));
  for (const Identifier& party : parties) {
    if (party.value.empty()) {
      return InvalidArgument("{} must have no party without an id", reader.Place(name));
    }
  }
  return parties;
}

std::string PlaySourceJson(const PlaySource& source) {
  const SourceSpelling& spelling = kSources[static_cast<std::size_t>(source.kind)];
  JsonObject inside;
  inside.AddString(spelling.content, source.content);
  AddUnlessEmpty(inside, "sourceLocale", source.source_locale);
  AddUnlessEmpty(inside, "voiceKind", source.voice_kind);
  AddUnlessEmpty(inside, "voiceName", source.voice_name);
  AddUnlessEmpty(inside, "customVoiceEndpointId", source.custom_voice_endpoint_id);
  JsonObject object;
  object.AddString("kind", spelling.name);
  AddUnlessEmpty(object, "playSourceCacheId", source.cache_id);
  object.AddJson(spelling.name, std::move(inside).Finish());
  return std::move(object).Finish();
}

std::string PlaySourcesJson(const std::vector<PlaySource>& sources) {
  std::string json = "[";
  for (const PlaySource& source : sources) {
    if (json.size() > 1) json += ',';
    json += PlaySourceJson(source);
  }
  return json + "]";
}

std::size_t Characters(std::string_view utf8) {
  std::size_t characters = 0;
  for (const char c : utf8) {
    if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) ++characters;
  }
  return characters;
}

absl::Status ReadText(const ObjectReader& inside, PlaySource& source) {
  TOCSIN_ASSIGN_OR_RETURN(source.source_locale, inside.StringOrEmpty({"sourceLocale"}));
  TOCSIN_ASSIGN_OR_RETURN(source.voice_kind, inside.StringOrEmpty({"voiceKind"}));
  TOCSIN_ASSIGN_OR_RETURN(source.voice_name, inside.StringOrEmpty({"voiceName"}));
  if (!source.voice_kind.empty() && source.voice_kind != "male" && source.voice_kind != "female") {
    return InvalidArgument("{} must be male or female", inside.Place("voiceKind"));
  }
  if (Characters(source.content) > kTextMaxCharacters) {
    return InvalidArgument("{} must have at most {} characters; longer ones as ssml",
                           inside.Place("text"), kTextMaxCharacters);
  }
  return absl::OkStatus();
}

absl::StatusOr<PlaySource> ReadPlaySource(const ObjectReader& reader) {
  TOCSIN_ASSIGN_OR_RETURN(const std::string kind, reader.String({"kind"}));
  for (const SourceSpelling& known : kSources) {
    if (!SameName(known.name, kind)) continue;
    PlaySource source{.kind = known.kind};
    TOCSIN_ASSIGN_OR_RETURN(source.cache_id, reader.StringOrEmpty({"playSourceCacheId"}));
    TOCSIN_ASSIGN_OR_RETURN(const auto inside, reader.ObjectOrNone({known.name}));
    if (!inside) return InvalidArgument("{} must be an object", reader.Place(known.name));
    TOCSIN_ASSIGN_OR_RETURN(source.content, known.kind == PlaySource::Kind::kFile
                                                ? ReadUrl(*inside, {known.content})
                                                : inside->String({known.content}));
    if (known.kind == PlaySource::Kind::kFile) return source;
    TOCSIN_ASSIGN_OR_RETURN(source.custom_voice_endpoint_id,
                            inside->StringOrEmpty({"customVoiceEndpointId"}));
    if (known.kind == PlaySource::Kind::kText) {
      TOCSIN_RETURN_IF_ERROR(ReadText(*inside, source));
    }
    return source;
  }
  return InvalidArgument("{} must be file, text or ssml", reader.Place("kind"));
}

absl::StatusOr<std::vector<PlaySource>> ReadPlaySources(const ObjectReader& reader,
                                                        std::string_view name) {
  std::vector<PlaySource> sources;
  TOCSIN_ASSIGN_OR_RETURN(const Json* const array, reader.ArrayOrNone({name}));
  if (array == nullptr) return sources;
  for (int index = 0; const Json& element : *array) {
    TOCSIN_ASSIGN_OR_RETURN(const ObjectReader at, reader.Element(element, name, index++));
    TOCSIN_ASSIGN_OR_RETURN(PlaySource source, ReadPlaySource(at));
    sources.push_back(std::move(source));
  }
  return sources;
}

// A recognition has a list of prompts or a single one, as it likes.
absl::StatusOr<std::vector<PlaySource>> ReadPrompts(const ObjectReader& reader) {
  TOCSIN_ASSIGN_OR_RETURN(std::vector<PlaySource> prompts, ReadPlaySources(reader, "playPrompts"));
  if (!prompts.empty()) return prompts;
  TOCSIN_ASSIGN_OR_RETURN(const auto prompt, reader.ObjectOrNone({"playPrompt"}));
  if (!prompt) return prompts;
  TOCSIN_ASSIGN_OR_RETURN(PlaySource source, ReadPlaySource(*prompt));
  prompts.push_back(std::move(source));
  return prompts;
}

absl::StatusOr<std::string> ReadTones(const ObjectReader& reader, std::string_view name) {
  std::string tones;
  TOCSIN_ASSIGN_OR_RETURN(const Json* const array, reader.ArrayOrNone({name}));
  if (array == nullptr) return tones;
  for (int index = 0; const Json& element : *array) {
    const std::optional<char> tone =
        element.is_string() ? ToneNamedGa(element.get_ref<const std::string&>()) : std::nullopt;
    if (!tone) {
      return InvalidArgument("{}[{}] must be a tone: zero to nine, a to d, pound or asterisk",
                             reader.Place(name), index);
    }
    tones += *tone;
    ++index;
  }
  return tones;
}

absl::StatusOr<RecognizeInput> ReadInput(const ObjectReader& reader) {
  TOCSIN_ASSIGN_OR_RETURN(const std::string name, reader.String({"recognizeInputType"}));
  for (const Spelling<RecognizeInput>& known : kInputs) {
    if (SameName(known.name, name)) return known.value;
  }
  return InvalidArgument("{} must be dtmf, speech, speechOrDtmf or choices",
                         reader.Place("recognizeInputType"));
}

absl::Status ReadDtmfOptions(const ObjectReader& options, RecognizeRequest& request) {
  TOCSIN_ASSIGN_OR_RETURN(const auto dtmf, options.ObjectOrNone({"dtmfOptions"}));
  if (!dtmf) return absl::OkStatus();
  TOCSIN_ASSIGN_OR_RETURN(request.inter_tone_s, ReadIntegerIn(*dtmf, {"interToneTimeoutInSeconds"},
                                                              1, kInterToneMaxS, kInterToneS));
  TOCSIN_ASSIGN_OR_RETURN(request.tones_max, ReadIntegerIn(*dtmf, {"maxTonesToCollect"}, 0,
                                                           std::numeric_limits<int>::max(), 0));
  TOCSIN_ASSIGN_OR_RETURN(request.stop_tones, ReadTones(*dtmf, "stopTones"));
  return absl::OkStatus();
}

absl::Status ReadRecognizeOptions(const ObjectReader& reader, RecognizeRequest& request) {
  TOCSIN_ASSIGN_OR_RETURN(const auto options, reader.ObjectOrNone({"recognizeOptions"}));
  if (!options) return InvalidArgument("{} must be an object", reader.Place("recognizeOptions"));
  TOCSIN_ASSIGN_OR_RETURN(request.target, ReadParty(*options, {"targetParticipant"}));
  TOCSIN_ASSIGN_OR_RETURN(request.interrupt_prompt, options->BoolOrFalse({"interruptPrompt"}));
  TOCSIN_ASSIGN_OR_RETURN(request.initial_silence_s,
                          ReadIntegerIn(*options, {"initialSilenceTimeoutInSeconds"}, 0,
                                        kSilenceMaxS, kInitialSilenceS));
  return ReadDtmfOptions(*options, request);
}

std::string RecognizeOptionsJson(const RecognizeRequest& request) {
  JsonObject dtmf;
  dtmf.AddInteger("interToneTimeoutInSeconds", request.inter_tone_s);
  dtmf.AddInteger("maxTonesToCollect", request.tones_max);
  dtmf.AddJson("stopTones", TonesJson(request.stop_tones));
  JsonObject options;
  options.AddJson("targetParticipant", PartyJson(request.target));
  options.AddBool("interruptPrompt", request.interrupt_prompt);
  options.AddInteger("initialSilenceTimeoutInSeconds", request.initial_silence_s);
  options.AddJson("dtmfOptions", std::move(dtmf).Finish());
  return std::move(options).Finish();
}

std::string CallParticipantsJson(const std::vector<CallParticipant>& participants) {
  std::string json = "[";
  for (const CallParticipant& participant : participants) {
    if (json.size() > 1) json += ',';
    json += CallParticipantJson(participant);
  }
  return json + "]";
}

CallState StateNamed(std::string_view name) {
  for (const Spelling<CallState>& known : kStates) {
    if (SameName(known.name, name)) return known.value;
  }
  return CallState::kUnknown;
}

std::string ErrorJson(const Error& error) {
  JsonObject object;
  object.AddString("code", error.code);
  object.AddString("message", error.message);
  AddUnlessEmpty(object, "target", error.target);
  if (!error.details.empty()) {
    std::string details = "[";
    for (const Error& detail : error.details) {
      if (details.size() > 1) details += ',';
      details += ErrorJson(detail);
    }
    object.AddJson("details", details + "]");
  }
  if (!error.inner.empty()) object.AddJson("innererror", ErrorJson(error.inner[0]));
  return std::move(object).Finish();
}

// Whatever can be read of it; the depth is bounded by the parser.
Error ReadError(const ObjectReader& reader) {
  Error error{.code = reader.StringOrEmpty({"code"}).value_or(""),
              .message = reader.StringOrEmpty({"message"}).value_or(""),
              .target = reader.StringOrEmpty({"target"}).value_or("")};
  const absl::StatusOr<const Json*> details = reader.ArrayOrNone({"details"});
  if (details.ok() && *details != nullptr) {
    for (const Json& element : **details) {
      const absl::StatusOr<ObjectReader> at = reader.Element(element, "details", 0);
      if (at.ok()) error.details.push_back(ReadError(*at));
    }
  }
  const Json* const inner = reader.Find({"innererror"});
  if (inner != nullptr && inner->is_object()) {
    error.inner.push_back(ReadError(*reader.Inside(*inner, "innererror")));
  }
  return error;
}

// Parses `body` and hands its outermost object to `read`.
template <class Value, class Read>
absl::StatusOr<Value> Decode(std::string_view body, std::string_view what, Read read) {
  TOCSIN_ASSIGN_OR_RETURN(const Json json, ParseJson(body, what, kBodyDepthMax));
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader, ObjectReader::Read(json, what));
  Value value;
  TOCSIN_RETURN_IF_ERROR(read(reader, value));
  return value;
}

}  // namespace

std::string Encode(const CreateCallRequest& request) {
  JsonObject object;
  object.AddJson("targets", PartiesJson(request.targets));
  AddNumber(object, "sourceCallerIdNumber", request.caller_number);
  AddUnlessEmpty(object, "sourceDisplayName", request.source_display_name);
  AddUser(object, "source", request.source);
  AddUnlessEmpty(object, "operationContext", request.operation_context);
  object.AddString("callbackUri", request.callback_uri);
  if (!request.cognitive_services_endpoint.empty()) {
    JsonObject options;
    options.AddString("cognitiveServicesEndpoint", request.cognitive_services_endpoint);
    object.AddJson("callIntelligenceOptions", std::move(options).Finish());
  }
  return std::move(object).Finish();
}

std::string Encode(const CallConnectionProperties& properties) {
  JsonObject object;
  object.AddString("callConnectionId", properties.call_connection_id);
  object.AddString("serverCallId", properties.server_call_id);
  object.AddJson("targets", PartiesJson(properties.targets));
  object.AddString("callConnectionState", Name(properties.state));
  object.AddString("callbackUri", properties.callback_uri);
  AddNumber(object, "sourceCallerIdNumber", properties.caller_number);
  AddUnlessEmpty(object, "sourceDisplayName", properties.source_display_name);
  if (properties.source) object.AddJson("source", PartyJson(*properties.source));
  object.AddString("correlationId", properties.correlation_id);
  AddUser(object, "answeredBy", properties.answered_by);
  AddNumber(object, "answeredFor", properties.answered_for);
  return std::move(object).Finish();
}

std::string Encode(const PlayRequest& request) {
  JsonObject options;
  options.AddBool("loop", request.loop);
  JsonObject object;
  object.AddJson("playSources", PlaySourcesJson(request.sources));
  object.AddJson("playTo", PartiesJson(request.play_to));
  object.AddBool("interruptCallMediaOperation", request.interrupts);
  object.AddJson("playOptions", std::move(options).Finish());
  AddEcho(object, request.echo);
  return std::move(object).Finish();
}

std::string Encode(const RecognizeRequest& request) {
  JsonObject object;
  object.AddString("recognizeInputType", kInputs[static_cast<std::size_t>(request.input)].name);
  if (!request.prompts.empty()) object.AddJson("playPrompts", PlaySourcesJson(request.prompts));
  object.AddBool("interruptCallMediaOperation", request.interrupts);
  object.AddJson("recognizeOptions", RecognizeOptionsJson(request));
  AddEcho(object, request.echo);
  return std::move(object).Finish();
}

std::string Encode(const ContinuousDtmfRequest& request) {
  JsonObject object;
  object.AddJson("targetParticipant", PartyJson(request.target));
  AddEcho(object, request.echo);
  return std::move(object).Finish();
}

std::string Encode(const SendDtmfTonesRequest& request) {
  JsonObject object;
  object.AddJson("tones", TonesJson(request.tones));
  object.AddJson("targetParticipant", PartyJson(request.target));
  AddEcho(object, request.echo);
  return std::move(object).Finish();
}

std::string Encode(const AddParticipantRequest& request) {
  JsonObject object;
  object.AddJson("participantToAdd", PartyJson(request.participant));
  AddNumber(object, "sourceCallerIdNumber", request.caller_number);
  AddUnlessEmpty(object, "sourceDisplayName", request.source_display_name);
  if (request.invitation_timeout_s) {
    object.AddInteger("invitationTimeoutInSeconds", *request.invitation_timeout_s);
  }
  AddCallingContext(object, request.sip_headers, request.voip_headers);
  AddEcho(object, request.echo);
  return std::move(object).Finish();
}

std::string Encode(const AddParticipantResponse& response) {
  JsonObject object;
  object.AddJson("participant", CallParticipantJson(response.participant));
  object.AddString("operationContext", response.operation_context);
  object.AddString("invitationId", response.invitation_id);
  return std::move(object).Finish();
}

std::string Encode(const RemoveParticipantRequest& request) {
  JsonObject object;
  object.AddJson("participantToRemove", PartyJson(request.participant));
  AddEcho(object, request.echo);
  return std::move(object).Finish();
}

std::string Encode(const CancelAddParticipantRequest& request) {
  JsonObject object;
  object.AddString("invitationId", request.invitation_id);
  AddEcho(object, request.echo);
  return std::move(object).Finish();
}

std::string Encode(const CancelAddParticipantResponse& response) {
  JsonObject object;
  object.AddString("invitationId", response.invitation_id);
  object.AddString("operationContext", response.operation_context);
  return std::move(object).Finish();
}

std::string Encode(const TransferRequest& request) {
  JsonObject object;
  object.AddJson("targetParticipant", PartyJson(request.target));
  if (request.transferee) object.AddJson("transferee", PartyJson(*request.transferee));
  AddNumber(object, "sourceCallerIdNumber", request.caller_number);
  AddCallingContext(object, request.sip_headers, request.voip_headers);
  AddEcho(object, request.echo);
  return std::move(object).Finish();
}

std::string Encode(const MuteRequest& request) {
  JsonObject object;
  object.AddJson("targetParticipants", PartiesJson(request.targets));
  AddUnlessEmpty(object, "operationContext", request.operation_context);
  return std::move(object).Finish();
}

std::string Encode(const OperationResponse& response) {
  JsonObject object;
  object.AddString("operationContext", response.operation_context);
  return std::move(object).Finish();
}

std::string Encode(const CallParticipant& participant) {
  return CallParticipantJson(participant);
}

std::string Encode(const ParticipantList& list) {
  JsonObject object;
  object.AddJson("value", CallParticipantsJson(list.participants));
  AddUnlessEmpty(object, "nextLink", list.next_link);
  return std::move(object).Finish();
}

std::string Encode(const Error& error) {
  JsonObject object;
  object.AddJson("error", ErrorJson(error));
  return std::move(object).Finish();
}

absl::StatusOr<CreateCallRequest> DecodeCreateCallRequest(std::string_view body) {
  const auto read = [](const ObjectReader& reader, CreateCallRequest& request) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(request.targets, ReadParties(reader, "targets"));
    if (request.targets.empty()) {
      return InvalidArgument("{} must be an array with at least one party",
                             reader.Place("targets"));
    }
    TOCSIN_ASSIGN_OR_RETURN(request.callback_uri, ReadUrl(reader, {"callbackUri"}));
    TOCSIN_ASSIGN_OR_RETURN(request.caller_number, ReadNumber(reader, {"sourceCallerIdNumber"}));
    TOCSIN_ASSIGN_OR_RETURN(request.source_display_name,
                            reader.StringOrEmpty({"sourceDisplayName"}));
    TOCSIN_ASSIGN_OR_RETURN(request.source, ReadUser(reader, "source"));
    TOCSIN_ASSIGN_OR_RETURN(request.operation_context, reader.StringOrEmpty({"operationContext"}));
    TOCSIN_ASSIGN_OR_RETURN(const auto options, reader.ObjectOrNone({"callIntelligenceOptions"}));
    if (options) {
      TOCSIN_ASSIGN_OR_RETURN(request.cognitive_services_endpoint,
                              ReadUrlOrEmpty(*options, {"cognitiveServicesEndpoint"}));
    }
    return absl::OkStatus();
  };
  return Decode<CreateCallRequest>(body, "create call", read);
}

absl::StatusOr<CallConnectionProperties> DecodeCallConnectionProperties(std::string_view body) {
  const auto read = [](const ObjectReader& reader,
                       CallConnectionProperties& properties) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(properties.call_connection_id, reader.String({"callConnectionId"}));
    if (properties.call_connection_id.empty()) {
      return InvalidArgument("{} must not be empty", reader.Place("callConnectionId"));
    }
    TOCSIN_ASSIGN_OR_RETURN(properties.server_call_id, reader.StringOrEmpty({"serverCallId"}));
    TOCSIN_ASSIGN_OR_RETURN(properties.correlation_id, reader.StringOrEmpty({"correlationId"}));
    TOCSIN_ASSIGN_OR_RETURN(const std::string state, reader.StringOrEmpty({"callConnectionState"}));
    properties.state = StateNamed(state);
    TOCSIN_ASSIGN_OR_RETURN(properties.targets, ReadParties(reader, "targets"));
    TOCSIN_ASSIGN_OR_RETURN(properties.callback_uri, reader.StringOrEmpty({"callbackUri"}));
    TOCSIN_ASSIGN_OR_RETURN(properties.caller_number, ReadNumber(reader, {"sourceCallerIdNumber"}));
    TOCSIN_ASSIGN_OR_RETURN(properties.source_display_name,
                            reader.StringOrEmpty({"sourceDisplayName"}));
    if (reader.Find({"source"}) != nullptr) {
      TOCSIN_ASSIGN_OR_RETURN(properties.source, ReadParty(reader, {"source"}));
    }
    TOCSIN_ASSIGN_OR_RETURN(properties.answered_by, ReadUser(reader, "answeredBy"));
    TOCSIN_ASSIGN_OR_RETURN(properties.answered_for, ReadNumber(reader, {"answeredFor"}));
    return absl::OkStatus();
  };
  return Decode<CallConnectionProperties>(body, "call connection", read);
}

absl::StatusOr<PlayRequest> DecodePlayRequest(std::string_view body) {
  const auto read = [](const ObjectReader& reader, PlayRequest& request) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(request.sources, ReadPlaySources(reader, "playSources"));
    if (request.sources.empty()) {
      return InvalidArgument("{} must be an array with at least one source",
                             reader.Place("playSources"));
    }
    TOCSIN_ASSIGN_OR_RETURN(request.play_to, ReadParties(reader, "playTo"));
    TOCSIN_ASSIGN_OR_RETURN(request.interrupts,
                            reader.BoolOrFalse({"interruptCallMediaOperation"}));
    TOCSIN_ASSIGN_OR_RETURN(const auto options, reader.ObjectOrNone({"playOptions"}));
    if (options) {
      TOCSIN_ASSIGN_OR_RETURN(request.loop, options->BoolOrFalse({"loop"}));
    }
    TOCSIN_ASSIGN_OR_RETURN(request.echo, ReadEcho(reader));
    return absl::OkStatus();
  };
  return Decode<PlayRequest>(body, "play", read);
}

absl::StatusOr<RecognizeRequest> DecodeRecognizeRequest(std::string_view body) {
  const auto read = [](const ObjectReader& reader, RecognizeRequest& request) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(request.input, ReadInput(reader));
    TOCSIN_ASSIGN_OR_RETURN(request.prompts, ReadPrompts(reader));
    TOCSIN_ASSIGN_OR_RETURN(request.interrupts,
                            reader.BoolOrFalse({"interruptCallMediaOperation"}));
    TOCSIN_RETURN_IF_ERROR(ReadRecognizeOptions(reader, request));
    TOCSIN_ASSIGN_OR_RETURN(request.echo, ReadEcho(reader));
    return absl::OkStatus();
  };
  return Decode<RecognizeRequest>(body, "recognize", read);
}

absl::StatusOr<ContinuousDtmfRequest> DecodeContinuousDtmfRequest(std::string_view body) {
  const auto read = [](const ObjectReader& reader, ContinuousDtmfRequest& request) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(request.target, ReadParty(reader, {"targetParticipant"}));
    TOCSIN_ASSIGN_OR_RETURN(request.echo, ReadEcho(reader));
    return absl::OkStatus();
  };
  return Decode<ContinuousDtmfRequest>(body, "continuous dtmf", read);
}

absl::StatusOr<SendDtmfTonesRequest> DecodeSendDtmfTonesRequest(std::string_view body) {
  const auto read = [](const ObjectReader& reader, SendDtmfTonesRequest& request) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(request.tones, ReadTones(reader, "tones"));
    if (request.tones.empty() || request.tones.size() > kTonesMax) {
      return InvalidArgument("{} must be 1 to {} tones", reader.Place("tones"), kTonesMax);
    }
    TOCSIN_ASSIGN_OR_RETURN(request.target, ReadParty(reader, {"targetParticipant"}));
    TOCSIN_ASSIGN_OR_RETURN(request.echo, ReadEcho(reader));
    return absl::OkStatus();
  };
  return Decode<SendDtmfTonesRequest>(body, "send dtmf", read);
}

absl::StatusOr<AddParticipantRequest> DecodeAddParticipantRequest(std::string_view body) {
  const auto read = [](const ObjectReader& reader, AddParticipantRequest& request) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(request.participant, ReadParty(reader, {"participantToAdd"}));
    TOCSIN_ASSIGN_OR_RETURN(request.caller_number, ReadNumber(reader, {"sourceCallerIdNumber"}));
    TOCSIN_ASSIGN_OR_RETURN(request.source_display_name,
                            reader.StringOrEmpty({"sourceDisplayName"}));
    if (reader.Find({"invitationTimeoutInSeconds"}) != nullptr) {
      TOCSIN_ASSIGN_OR_RETURN(
          request.invitation_timeout_s,
          ReadIntegerIn(reader, {"invitationTimeoutInSeconds"}, 0, kInvitationMaxS, 0));
    }
    TOCSIN_RETURN_IF_ERROR(ReadCallingContext(reader, request.sip_headers, request.voip_headers));
    TOCSIN_ASSIGN_OR_RETURN(request.echo, ReadEcho(reader));
    return absl::OkStatus();
  };
  return Decode<AddParticipantRequest>(body, "add participant", read);
}

absl::StatusOr<AddParticipantResponse> DecodeAddParticipantResponse(std::string_view body) {
  const auto read = [](const ObjectReader& reader,
                       AddParticipantResponse& response) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(const auto participant, reader.ObjectOrNone({"participant"}));
    if (participant) {
      TOCSIN_ASSIGN_OR_RETURN(response.participant, ReadCallParticipant(*participant));
    }
    TOCSIN_ASSIGN_OR_RETURN(response.invitation_id, reader.StringOrEmpty({"invitationId"}));
    TOCSIN_ASSIGN_OR_RETURN(response.operation_context, reader.StringOrEmpty({"operationContext"}));
    return absl::OkStatus();
  };
  return Decode<AddParticipantResponse>(body, "add participant response", read);
}

absl::StatusOr<RemoveParticipantRequest> DecodeRemoveParticipantRequest(std::string_view body) {
  const auto read = [](const ObjectReader& reader,
                       RemoveParticipantRequest& request) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(request.participant, ReadParty(reader, {"participantToRemove"}));
    TOCSIN_ASSIGN_OR_RETURN(request.echo, ReadEcho(reader));
    return absl::OkStatus();
  };
  return Decode<RemoveParticipantRequest>(body, "remove participant", read);
}

absl::StatusOr<CancelAddParticipantRequest> DecodeCancelAddParticipantRequest(
    std::string_view body) {
  const auto read = [](const ObjectReader& reader,
                       CancelAddParticipantRequest& request) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(request.invitation_id, reader.String({"invitationId"}));
    TOCSIN_ASSIGN_OR_RETURN(request.echo, ReadEcho(reader));
    return absl::OkStatus();
  };
  return Decode<CancelAddParticipantRequest>(body, "cancel add participant", read);
}

absl::StatusOr<CancelAddParticipantResponse> DecodeCancelAddParticipantResponse(
    std::string_view body) {
  const auto read = [](const ObjectReader& reader,
                       CancelAddParticipantResponse& response) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(response.invitation_id, reader.StringOrEmpty({"invitationId"}));
    TOCSIN_ASSIGN_OR_RETURN(response.operation_context, reader.StringOrEmpty({"operationContext"}));
    return absl::OkStatus();
  };
  return Decode<CancelAddParticipantResponse>(body, "cancel add participant response", read);
}

absl::StatusOr<TransferRequest> DecodeTransferRequest(std::string_view body) {
  const auto read = [](const ObjectReader& reader, TransferRequest& request) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(request.target, ReadParty(reader, {"targetParticipant"}));
    if (reader.Find({"transferee"}) != nullptr) {
      TOCSIN_ASSIGN_OR_RETURN(request.transferee, ReadParty(reader, {"transferee"}));
    }
    TOCSIN_ASSIGN_OR_RETURN(request.caller_number, ReadNumber(reader, {"sourceCallerIdNumber"}));
    TOCSIN_RETURN_IF_ERROR(ReadCallingContext(reader, request.sip_headers, request.voip_headers));
    TOCSIN_ASSIGN_OR_RETURN(request.echo, ReadEcho(reader));
    return absl::OkStatus();
  };
  return Decode<TransferRequest>(body, "transfer", read);
}

absl::StatusOr<MuteRequest> DecodeMuteRequest(std::string_view body) {
  const auto read = [](const ObjectReader& reader, MuteRequest& request) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(request.targets, ReadParties(reader, "targetParticipants"));
    if (request.targets.size() != 1) {
      return InvalidArgument("{} must be an array of one party",
                             reader.Place("targetParticipants"));
    }
    TOCSIN_ASSIGN_OR_RETURN(request.operation_context, reader.StringOrEmpty({"operationContext"}));
    return absl::OkStatus();
  };
  return Decode<MuteRequest>(body, "mute", read);
}

absl::StatusOr<OperationResponse> DecodeOperationResponse(std::string_view body) {
  const auto read = [](const ObjectReader& reader, OperationResponse& response) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(response.operation_context, reader.StringOrEmpty({"operationContext"}));
    return absl::OkStatus();
  };
  return Decode<OperationResponse>(body, "operation response", read);
}

absl::StatusOr<CallParticipant> DecodeCallParticipant(std::string_view body) {
  const auto read = [](const ObjectReader& reader, CallParticipant& participant) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(participant, ReadCallParticipant(reader));
    return absl::OkStatus();
  };
  return Decode<CallParticipant>(body, "participant", read);
}

absl::StatusOr<ParticipantList> DecodeParticipantList(std::string_view body) {
  const auto read = [](const ObjectReader& reader, ParticipantList& list) -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(list.participants, ReadCallParticipants(reader, "value"));
    TOCSIN_ASSIGN_OR_RETURN(list.next_link, reader.StringOrEmpty({"nextLink"}));
    return absl::OkStatus();
  };
  return Decode<ParticipantList>(body, "participants", read);
}

Error DecodeError(std::string_view body) {
  const absl::StatusOr<Json> json = ParseJson(body, "error", kBodyDepthMax);
  if (!json.ok() || !json->is_object()) return {};
  const absl::StatusOr<ObjectReader> outer = ObjectReader::Read(*json, "");
  const Json* const wrapped = outer->Find({"error"});
  if (wrapped == nullptr || !wrapped->is_object()) return ReadError(*outer);
  return ReadError(*outer->Inside(*wrapped, "error"));
}

std::string_view Name(CallState state) {
  for (const Spelling<CallState>& known : kStates) {
    if (known.value == state) return known.name;
  }
  return "unknown";
}

}  // namespace tocsin::wire::ga
