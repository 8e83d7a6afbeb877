#include "wire/calls_2021.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "wire/identifier_json.h"
#include "wire/json_reader.h"
#include "wire/json_text.h"
#include "wire/read_values.h"

namespace tocsin::wire {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kWantParticipantsUpdated = "participantsUpdated";
constexpr std::string_view kWantDtmf = "dtmfReceived";

bool SameName(std::string_view left, std::string_view right) {
  return absl::EqualsIgnoreCase({left.data(), left.size()}, {right.data(), right.size()});
}

// The two editions and their own description disagree on the name.
absl::StatusOr<std::string> ReadCallerNumber(const ObjectReader& reader) {
  return ReadNumber(reader, {"sourceAlternateIdentity", "alternateCallerId"});
}

// An array of names, each looked for in `json`; what it does not know it
// passes over.
absl::StatusOr<bool> Lists(const ObjectReader& reader, std::string_view name,
                           std::string_view wanted) {
  TOCSIN_ASSIGN_OR_RETURN(const Json* const array, reader.ArrayOrNone({name}));
  if (array == nullptr) return false;
  for (const Json& element : *array) {
    if (element.is_null()) continue;
    if (!element.is_string()) {
      return InvalidArgument("{} must be an array of strings", reader.Place(name));
    }
    if (SameName(element.get_ref<const std::string&>(), wanted)) return true;
  }
  return false;
}

// Of a create call or a join.
template <class Request>
std::string WantedEventsJson(const Request& request) {
  std::string json = "[";
  if (request.wants_participants_updated) AppendJsonString(json, kWantParticipantsUpdated);
  if (request.wants_dtmf) {
    if (json.size() > 1) json += ',';
    AppendJsonString(json, kWantDtmf);
  }
  return json + "]";
}

template <class Request>
absl::Status ReadWantedEvents(const ObjectReader& reader, Request& request) {
  TOCSIN_ASSIGN_OR_RETURN(request.wants_participants_updated,
                          Lists(reader, "requestedCallEvents", kWantParticipantsUpdated));
  TOCSIN_ASSIGN_OR_RETURN(request.wants_dtmf, Lists(reader, "requestedCallEvents", kWantDtmf));
  // Every call has audio, whatever is asked for.
  TOCSIN_RETURN_IF_ERROR(Lists(reader, "requestedModalities", "audio").status());
  return absl::OkStatus();
}

}  // namespace

std::string Encode(const CreateCallRequest& request, Edition edition) {
  JsonObject object;
  if (request.source) object.AddJson("source", IdentifierJson(*request.source, Casing::kCamel));
  object.AddJson("targets", IdentifiersJson(request.targets, Casing::kCamel));
  if (!request.caller_number.empty()) {
    object.AddJson(edition == Edition::kSwagger ? "sourceAlternateIdentity" : "alternateCallerId",
                   NumberJson(request.caller_number));
  }
  if (!request.subject.empty()) object.AddString("subject", request.subject);
  object.AddString("callbackUri", request.callback_uri);
  object.AddJson("requestedModalities", R"(["audio"])");
  object.AddJson("requestedCallEvents", WantedEventsJson(request));
  return std::move(object).Finish();
}

std::string Encode(const CreateCallResponse& response) {
  JsonObject object;
  object.AddString("callLegId", response.call_leg_id);
  return std::move(object).Finish();
}

std::string Encode(const PlayAudioRequest& request, Edition edition) {
  JsonObject object;
  object.AddString("audioFileUri", request.audio_file_uri);
  object.AddBool("loop", request.loop);
  object.AddString("operationContext", request.operation_context);
  object.AddString(edition == Edition::kSwagger ? "audioFileId" : "resourceId",
                   request.resource_id);
  AddUnlessEmpty(object, "callbackUri", request.callback_uri);
  return std::move(object).Finish();
}

std::string Encode(const CancelMediaRequest& request) {
  JsonObject object;
  object.AddString("operationContext", request.operation_context);
  return std::move(object).Finish();
}

std::string Encode(const InviteParticipantsRequest& request) {
  JsonObject object;
  if (!request.caller_number.empty()) {
    object.AddJson("alternateCallerId", NumberJson(request.caller_number));
  }
  object.AddJson("participants", IdentifiersJson(request.participants, Casing::kCamel));
  object.AddString("operationContext", request.operation_context);
  AddUnlessEmpty(object, "callbackUri", request.callback_uri);
  return std::move(object).Finish();
}

std::string Encode(const JoinRequest& request) {
  JsonObject object;
  if (request.source) object.AddJson("source", IdentifierJson(*request.source, Casing::kCamel));
  AddUnlessEmpty(object, "subject", request.subject);
  object.AddString("callbackUri", request.callback_uri);
  object.AddJson("requestedModalities", R"(["audio"])");
  object.AddJson("requestedCallEvents", WantedEventsJson(request));
  return std::move(object).Finish();
}

std::string Encode(const OperationResult& result) {
  JsonObject object;
  object.AddString("id", result.id);
  object.AddString("status", StatusName(result.status, Casing::kCamel));
  object.AddString("operationContext", result.operation_context);
  object.AddJson("resultInfo", ResultInfoJson(result.result_info, Casing::kCamel));
  return std::move(object).Finish();
}

std::string Encode(const ErrorBody& error) {
  JsonObject object;
  object.AddString("code", error.code);
  object.AddString("message", error.message);
  return std::move(object).Finish();
}

absl::StatusOr<CreateCallRequest> DecodeCreateCallRequest(std::string_view body) {
  TOCSIN_ASSIGN_OR_RETURN(const Json json, ParseJson(body, "create call", kBodyDepthMax));
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader, ObjectReader::Read(json, "create call"));
  CreateCallRequest request;
  TOCSIN_ASSIGN_OR_RETURN(const auto source, reader.ObjectOrNone({"source"}));
  if (source) {
    TOCSIN_ASSIGN_OR_RETURN(request.source, ReadIdentifier(*source));
  }
  TOCSIN_ASSIGN_OR_RETURN(const Json* const targets, reader.ArrayOrNone({"targets"}));
  if (targets != nullptr) {
    TOCSIN_ASSIGN_OR_RETURN(request.targets, ReadIdentifiers(reader, *targets, "targets"));
  }
  if (request.targets.empty()) {
    return InvalidArgument("{} must be an array with at least one party", reader.Place("targets"));
  }
  TOCSIN_ASSIGN_OR_RETURN(request.caller_number, ReadCallerNumber(reader));
  TOCSIN_ASSIGN_OR_RETURN(request.subject, reader.StringOrEmpty({"subject"}));
  TOCSIN_ASSIGN_OR_RETURN(request.callback_uri, ReadUrl(reader, {"callbackUri"}));
  TOCSIN_RETURN_IF_ERROR(ReadWantedEvents(reader, request));
  return request;
}

absl::StatusOr<CreateCallResponse> DecodeCreateCallResponse(std::string_view body) {
  TOCSIN_ASSIGN_OR_RETURN(const Json json, ParseJson(body, "create call response", kBodyDepthMax));
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader,
                          ObjectReader::Read(json, "create call response"));
  CreateCallResponse response;
  TOCSIN_ASSIGN_OR_RETURN(response.call_leg_id, reader.String({"callLegId", "callConnectionId"}));
  if (response.call_leg_id.empty()) {
    return InvalidArgument("{} must not be empty", reader.Place("callLegId"));
  }
  return response;
}

absl::StatusOr<PlayAudioRequest> DecodePlayAudioRequest(std::string_view body) {
  TOCSIN_ASSIGN_OR_RETURN(const Json json, ParseJson(body, "play audio", kBodyDepthMax));
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader, ObjectReader::Read(json, "play audio"));
  PlayAudioRequest request;
  TOCSIN_ASSIGN_OR_RETURN(request.audio_file_uri, ReadUrl(reader, {"audioFileUri"}));
  TOCSIN_ASSIGN_OR_RETURN(request.loop, reader.BoolOrFalse({"loop"}));
  TOCSIN_ASSIGN_OR_RETURN(request.operation_context, reader.StringOrEmpty({"operationContext"}));
  TOCSIN_ASSIGN_OR_RETURN(request.resource_id, reader.StringOrEmpty({"resourceId", "audioFileId"}));
  TOCSIN_ASSIGN_OR_RETURN(request.callback_uri, ReadUrlOrEmpty(reader, {"callbackUri"}));
  return request;
}

absl::StatusOr<CancelMediaRequest> DecodeCancelMediaRequest(std::string_view body) {
  CancelMediaRequest request;
  if (body.empty()) return request;
  TOCSIN_ASSIGN_OR_RETURN(const Json json, ParseJson(body, "cancel media", kBodyDepthMax));
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader, ObjectReader::Read(json, "cancel media"));
  TOCSIN_ASSIGN_OR_RETURN(request.operation_context, reader.StringOrEmpty({"operationContext"}));
  return request;
}

absl::StatusOr<InviteParticipantsRequest> DecodeInviteParticipantsRequest(std::string_view body) {
  TOCSIN_ASSIGN_OR_RETURN(const Json json, ParseJson(body, "invite", kBodyDepthMax));
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader, ObjectReader::Read(json, "invite"));
  InviteParticipantsRequest request;
  TOCSIN_ASSIGN_OR_RETURN(request.caller_number, ReadCallerNumber(reader));
  TOCSIN_ASSIGN_OR_RETURN(const Json* const participants, reader.ArrayOrNone({"participants"}));
  if (participants != nullptr) {
    TOCSIN_ASSIGN_OR_RETURN(request.participants,
                            ReadIdentifiers(reader, *participants, "participants"));
  }
  if (request.participants.empty()) {
    return InvalidArgument("{} must be an array with at least one party",
                           reader.Place("participants"));
  }
  TOCSIN_ASSIGN_OR_RETURN(request.operation_context, reader.StringOrEmpty({"operationContext"}));
  TOCSIN_ASSIGN_OR_RETURN(request.callback_uri, ReadUrlOrEmpty(reader, {"callbackUri"}));
  return request;
}

absl::StatusOr<JoinRequest> DecodeJoinRequest(std::string_view body) {
  TOCSIN_ASSIGN_OR_RETURN(const Json json, ParseJson(body, "join", kBodyDepthMax));
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader, ObjectReader::Read(json, "join"));
  JoinRequest request;
  TOCSIN_ASSIGN_OR_RETURN(const auto source, reader.ObjectOrNone({"source"}));
  if (source) {
    TOCSIN_ASSIGN_OR_RETURN(request.source, ReadIdentifier(*source));
  }
  TOCSIN_ASSIGN_OR_RETURN(request.subject, reader.StringOrEmpty({"subject"}));
  TOCSIN_ASSIGN_OR_RETURN(request.callback_uri, ReadUrl(reader, {"callbackUri"}));
  TOCSIN_RETURN_IF_ERROR(ReadWantedEvents(reader, request));
  return request;
}

absl::StatusOr<OperationResult> DecodeOperationResult(std::string_view body) {
  TOCSIN_ASSIGN_OR_RETURN(const Json json, ParseJson(body, "operation result", kBodyDepthMax));
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader, ObjectReader::Read(json, "operation result"));
  OperationResult result;
  TOCSIN_ASSIGN_OR_RETURN(result.id, reader.StringOrEmpty({"id", "operationId"}));
  TOCSIN_ASSIGN_OR_RETURN(result.status, ReadStatus(reader));
  TOCSIN_ASSIGN_OR_RETURN(result.operation_context, reader.StringOrEmpty({"operationContext"}));
  TOCSIN_ASSIGN_OR_RETURN(result.result_info, ReadResultInfo(reader));
  return result;
}

ErrorBody DecodeErrorBody(std::string_view body) {
  const absl::StatusOr<Json> json = ParseJson(body, "error", kBodyDepthMax);
  if (!json.ok() || !json->is_object()) return {};
  const absl::StatusOr<ObjectReader> outer = ObjectReader::Read(*json, "");
  const Json* const wrapped = outer->Find({"error"});
  const absl::StatusOr<ObjectReader> reader =
      wrapped != nullptr && wrapped->is_object() ? outer->Inside(*wrapped, "error") : outer;
  return {.code = reader->StringOrEmpty({"code"}).value_or(""),
          .message = reader->StringOrEmpty({"message"}).value_or("")};
}

}  // namespace tocsin::wire
