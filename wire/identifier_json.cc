#include "wire/identifier_json.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "wire/json_text.h"

namespace tocsin::wire {
namespace {

struct Spelling {
  std::string_view camel;
  std::string_view pascal;

  std::string_view In(Casing casing) const { return casing == Casing::kCamel ? camel : pascal; }
};

constexpr Spelling kRawId{"rawId", "RawId"};
constexpr Spelling kPhoneNumber{"phoneNumber", "PhoneNumber"};
constexpr Spelling kCommunicationUser{"communicationUser", "CommunicationUser"};
constexpr Spelling kTeamsUser{"microsoftTeamsUser", "MicrosoftTeamsUser"};
constexpr Spelling kValue{"value", "Value"};
constexpr Spelling kId{"id", "Id"};
constexpr Spelling kUserId{"userId", "UserId"};

struct StatusSpelling {
  OperationStatus status;
  Spelling spelling;
};
constexpr StatusSpelling kStatuses[] = {
    {OperationStatus::kNotStarted, {"notStarted", "NotStarted"}},
    {OperationStatus::kRunning, {"running", "Running"}},
    {OperationStatus::kCompleted, {"completed", "Completed"}},
    {OperationStatus::kFailed, {"failed", "Failed"}},
};

std::string OneMember(Spelling name, std::string_view value, Casing casing) {
  JsonObject object;
  object.AddString(name.In(casing), value);
  return std::move(object).Finish();
}

absl::StatusOr<std::int32_t> ReadInt32(const ObjectReader& reader, std::string_view name) {
  TOCSIN_ASSIGN_OR_RETURN(const std::int64_t value, reader.IntegerOrZero({name}));
  if (value < std::numeric_limits<std::int32_t>::min() ||
      value > std::numeric_limits<std::int32_t>::max()) {
    return InvalidArgument("{} must be an integer of 32 bits", reader.Place(name));
  }
  return static_cast<std::int32_t>(value);
}

// A party given by its raw id alone.
Identifier FromRawId(std::string_view raw_id) {
  if (raw_id.starts_with("4:")) return Identifier::PhoneNumber(raw_id.substr(2));
  if (raw_id.starts_with("8:acs:")) return Identifier::CommunicationUser(raw_id);
  return {Identifier::Kind::kUnknown, std::string(raw_id)};
}

}  // namespace

std::string IdentifierJson(const Identifier& identifier, Casing casing) {
  JsonObject object;
  switch (identifier.kind) {
    case Identifier::Kind::kPhoneNumber:
      object.AddString(kRawId.In(casing), "4:" + identifier.value);
      object.AddJson(kPhoneNumber.In(casing), OneMember(kValue, identifier.value, casing));
      break;
    case Identifier::Kind::kCommunicationUser:
      object.AddString(kRawId.In(casing), identifier.value);
      object.AddJson(kCommunicationUser.In(casing), OneMember(kId, identifier.value, casing));
      break;
    case Identifier::Kind::kTeamsUser:
      object.AddString(kRawId.In(casing), identifier.value);
      object.AddJson(kTeamsUser.In(casing), OneMember(kUserId, identifier.value, casing));
      break;
    case Identifier::Kind::kUnknown: object.AddString(kRawId.In(casing), identifier.value); break;
  }
  return std::move(object).Finish();
}

std::string IdentifiersJson(const std::vector<Identifier>& identifiers, Casing casing) {
  std::string json = "[";
  for (const Identifier& identifier : identifiers) {
    if (json.size() > 1) json += ',';
    json += IdentifierJson(identifier, casing);
  }
  return json + "]";
}

std::string ResultInfoJson(const std::optional<ResultInfo>& info, Casing casing) {
  if (!info) return "null";
  JsonObject object;
  object.AddInteger(casing == Casing::kCamel ? "code" : "Code", info->code);
  object.AddInteger(casing == Casing::kCamel ? "subcode" : "Subcode", info->subcode);
  object.AddString(casing == Casing::kCamel ? "message" : "Message", info->message);
  return std::move(object).Finish();
}

std::string_view StatusName(OperationStatus status, Casing casing) {
  for (const StatusSpelling& known : kStatuses) {
    if (known.status == status) return known.spelling.In(casing);
  }
  return casing == Casing::kCamel ? "unknown" : "Unknown";
}

absl::StatusOr<Identifier> ReadIdentifier(const ObjectReader& reader) {
  TOCSIN_ASSIGN_OR_RETURN(const auto phone, reader.ObjectOrNone({kPhoneNumber.camel}));
  if (phone) {
    TOCSIN_ASSIGN_OR_RETURN(const std::string value, phone->String({kValue.camel}));
    return Identifier::PhoneNumber(value);
  }
  TOCSIN_ASSIGN_OR_RETURN(const auto user, reader.ObjectOrNone({kCommunicationUser.camel}));
  if (user) {
    TOCSIN_ASSIGN_OR_RETURN(const std::string id, user->String({kId.camel}));
    return Identifier::CommunicationUser(id);
  }
  TOCSIN_ASSIGN_OR_RETURN(const std::string raw_id, reader.StringOrEmpty({kRawId.camel}));
  TOCSIN_ASSIGN_OR_RETURN(const auto teams, reader.ObjectOrNone({kTeamsUser.camel}));
  if (teams) {
    TOCSIN_ASSIGN_OR_RETURN(std::string id, teams->StringOrEmpty({kUserId.camel, kId.camel}));
    return Identifier{Identifier::Kind::kTeamsUser, id.empty() ? raw_id : std::move(id)};
  }
  if (raw_id.empty()) {
    return InvalidArgument("{} must have phoneNumber or communicationUser", reader.Place(""));
  }
  return FromRawId(raw_id);
}

absl::StatusOr<std::vector<Identifier>> ReadIdentifiers(const ObjectReader& outer,
                                                        const nlohmann::json& json,
                                                        std::string_view name) {
  std::vector<Identifier> identifiers;
  for (int index = 0; const nlohmann::json& element : json) {
    const int at = index++;
    if (element.is_null()) continue;
    TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader, outer.Element(element, name, at));
    TOCSIN_ASSIGN_OR_RETURN(Identifier identifier, ReadIdentifier(reader));
    identifiers.push_back(std::move(identifier));
  }
  return identifiers;
}

absl::StatusOr<std::optional<ResultInfo>> ReadResultInfo(const ObjectReader& outer) {
  TOCSIN_ASSIGN_OR_RETURN(const auto reader,
                          outer.ObjectOrNone({"resultInfo", "resultInformation"}));
  if (!reader) return std::optional<ResultInfo>();
  ResultInfo info;
  TOCSIN_ASSIGN_OR_RETURN(info.code, ReadInt32(*reader, "code"));
  TOCSIN_ASSIGN_OR_RETURN(info.subcode, ReadInt32(*reader, "subcode"));
  TOCSIN_ASSIGN_OR_RETURN(info.message, reader->StringOrEmpty({"message"}));
  return std::optional<ResultInfo>(std::move(info));
}

absl::StatusOr<OperationStatus> ReadStatus(const ObjectReader& outer) {
  TOCSIN_ASSIGN_OR_RETURN(const std::string text, outer.StringOrEmpty({"status"}));
  for (const StatusSpelling& known : kStatuses) {
    const std::string_view name = known.spelling.camel;
    if (absl::EqualsIgnoreCase({name.data(), name.size()}, text)) return known.status;
  }
  return OperationStatus::kUnknown;
}

}  // namespace tocsin::wire
