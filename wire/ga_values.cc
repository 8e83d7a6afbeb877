#include "wire/ga_values.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/status_macros.h"
#include "wire/identifier_json.h"
#include "wire/json_text.h"
#include "wire/tones.h"

namespace tocsin::wire::ga {

std::string TonesJson(std::string_view tones) {
  std::string json = "[";
  for (const char tone : tones) {
    if (json.size() > 1) json += ',';
    AppendJsonString(json, ToneNameGa(tone));
  }
  return json + "]";
}

std::string CallParticipantJson(const CallParticipant& participant) {
  JsonObject object;
  if (!(participant.identifier == Identifier())) {
    object.AddJson("identifier", IdentifierJson(participant.identifier, Casing::kGa));
  }
  object.AddBool("isMuted", participant.is_muted);
  object.AddBool("isOnHold", participant.is_on_hold);
  return std::move(object).Finish();
}

absl::StatusOr<CallParticipant> ReadCallParticipant(const ObjectReader& reader) {
  CallParticipant participant;
  TOCSIN_ASSIGN_OR_RETURN(const auto identifier, reader.ObjectOrNone({"identifier"}));
  if (identifier) {
    TOCSIN_ASSIGN_OR_RETURN(participant.identifier, ReadIdentifier(*identifier));
  }
  TOCSIN_ASSIGN_OR_RETURN(participant.is_muted, reader.BoolOrFalse({"isMuted"}));
  TOCSIN_ASSIGN_OR_RETURN(participant.is_on_hold, reader.BoolOrFalse({"isOnHold"}));
  return participant;
}

absl::StatusOr<std::vector<CallParticipant>> ReadCallParticipants(const ObjectReader& reader,
                                                                  std::string_view name) {
  std::vector<CallParticipant> participants;
  TOCSIN_ASSIGN_OR_RETURN(const nlohmann::json* const array, reader.ArrayOrNone({name}));
  if (array == nullptr) return participants;
  for (int index = 0; const nlohmann::json& element : *array) {
    const int at = index++;
    if (element.is_null()) continue;
    TOCSIN_ASSIGN_OR_RETURN(const ObjectReader inside, reader.Element(element, name, at));
    TOCSIN_ASSIGN_OR_RETURN(CallParticipant participant, ReadCallParticipant(inside));
    participants.push_back(std::move(participant));
  }
  return participants;
}

}  // namespace tocsin::wire::ga
