#include "wire/identifier_json.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "wire/json_text.h"

namespace tocsin::wire {
namespace {

struct Spelling {
  std::string_view camel;
  std::string_view pascal;

  std::string_view In(Casing casing) const { return casing == Casing::kPascal ? pascal : camel; }
};

constexpr Spelling kRawId{"rawId", "RawId"};
constexpr Spelling kId{"id", "Id"};
constexpr Spelling kIsAnonymous{"isAnonymous", "IsAnonymous"};
constexpr Spelling kAssertedId{"assertedId", "AssertedId"};
constexpr Spelling kCloud{"cloud", "Cloud"};
constexpr Spelling kTenantId{"tenantId", "TenantId"};
constexpr Spelling kResourceId{"resourceId", "ResourceId"};

// The member that holds a kind of party, and the member in it that is its id.
struct KindSpelling {
  Identifier::Kind kind;
  Spelling name;
  Spelling id;
};
constexpr KindSpelling kKinds[] = {
    {Identifier::Kind::kPhoneNumber, {"phoneNumber", "PhoneNumber"}, {"value", "Value"}},
    {Identifier::Kind::kCommunicationUser, {"communicationUser", "CommunicationUser"}, kId},
    {Identifier::Kind::kTeamsUser,
     {"microsoftTeamsUser", "MicrosoftTeamsUser"},
     {"userId", "UserId"}},
    {Identifier::Kind::kTeamsApp, {"microsoftTeamsApp", "MicrosoftTeamsApp"}, {"appId", "AppId"}},
    {Identifier::Kind::kTeamsExtensionUser,
     {"teamsExtensionUser", "TeamsExtensionUser"},
     {"userId", "UserId"}},
};

std::string_view KindName(Identifier::Kind kind) {
  for (const KindSpelling& known : kKinds) {
    if (known.kind == kind) return known.name.camel;
  }
  return "unknown";
}

bool SameName(std::string_view left, std::string_view right) {
  return absl::EqualsIgnoreCase({left.data(), left.size()}, {right.data(), right.size()});
}

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

absl::StatusOr<std::int32_t> ReadInt32(const ObjectReader& reader, std::string_view name) {
  TOCSIN_ASSIGN_OR_RETURN(const std::int64_t value, reader.IntegerOrZero({name}));
  if (value < std::numeric_limits<std::int32_t>::min() ||
      value > std::numeric_limits<std::int32_t>::max()) {
    return InvalidArgument("{} must be an integer of 32 bits", reader.Place(name));
  }
  return static_cast<std::int32_t>(value);
}

// The words that one kind of party has beside its raw id, all but the id's own.
std::string NestedJson(const Identifier& identifier, Spelling id, Casing casing) {
  JsonObject object;
  object.AddString(id.In(casing), identifier.value);
  if (identifier.kind == Identifier::Kind::kPhoneNumber) {
    if (identifier.is_anonymous) object.AddBool(kIsAnonymous.In(casing), true);
    if (!identifier.asserted_id.empty()) {
      object.AddString(kAssertedId.In(casing), identifier.asserted_id);
    }
    return std::move(object).Finish();
  }
  if (identifier.kind == Identifier::Kind::kCommunicationUser) return std::move(object).Finish();
  if (identifier.kind == Identifier::Kind::kTeamsUser) {
    object.AddBool(kIsAnonymous.In(casing), identifier.is_anonymous);
  }
  if (identifier.kind == Identifier::Kind::kTeamsExtensionUser) {
    object.AddString(kTenantId.In(casing), identifier.tenant_id);
    object.AddString(kResourceId.In(casing), identifier.resource_id);
  }
  object.AddString(kCloud.In(casing), Name(identifier.cloud));
  return std::move(object).Finish();
}

absl::StatusOr<Identifier::Cloud> ReadCloud(const ObjectReader& reader, Identifier::Cloud known) {
  TOCSIN_ASSIGN_OR_RETURN(const std::string name, reader.StringOrEmpty({kCloud.camel}));
  if (name.empty()) return known;
  for (const auto cloud :
       {Identifier::Cloud::kPublic, Identifier::Cloud::kDod, Identifier::Cloud::kGcch}) {
    if (SameName(name, Name(cloud))) return cloud;
  }
  return InvalidArgument("{} must be public, dod or gcch", reader.Place(kCloud.camel));
}

// Reads what stands in the member of `model`'s kind over what the raw id said.
absl::StatusOr<Identifier> ReadNested(const ObjectReader& reader, const KindSpelling& model,
                                      Identifier identifier) {
  if (identifier.kind != model.kind) identifier = {.kind = model.kind};
  // The edition of 2021 shows no Teams user but null: take what it may be called.
  const bool may_miss = model.kind == Identifier::Kind::kTeamsUser;
  TOCSIN_ASSIGN_OR_RETURN(std::string value, may_miss
                                                 ? reader.StringOrEmpty({model.id.camel, kId.camel})
                                                 : reader.String({model.id.camel}));
  // Of another number than the raw id's, what the raw id said of it does not hold.
  if (model.kind == Identifier::Kind::kPhoneNumber && value != identifier.value) {
    identifier.is_anonymous = false;
  }
  if (!value.empty() || !may_miss) identifier.value = std::move(value);
  if (model.kind == Identifier::Kind::kCommunicationUser) return identifier;
  if (reader.Find({kIsAnonymous.camel}) != nullptr) {
    TOCSIN_ASSIGN_OR_RETURN(identifier.is_anonymous, reader.BoolOrFalse({kIsAnonymous.camel}));
  }
  if (model.kind == Identifier::Kind::kPhoneNumber) {
    if (ParseRawId(RawId(identifier)).is_anonymous) identifier.is_anonymous = true;
    TOCSIN_ASSIGN_OR_RETURN(identifier.asserted_id, reader.StringOrEmpty({kAssertedId.camel}));
    return identifier;
  }
  TOCSIN_ASSIGN_OR_RETURN(identifier.cloud, ReadCloud(reader, identifier.cloud));
  if (model.kind == Identifier::Kind::kTeamsExtensionUser) {
    TOCSIN_ASSIGN_OR_RETURN(identifier.tenant_id, reader.String({kTenantId.camel}));
    TOCSIN_ASSIGN_OR_RETURN(identifier.resource_id, reader.String({kResourceId.camel}));
  }
  return identifier;
}

}  // namespace

std::string IdentifierJson(const Identifier& identifier, Casing casing) {
  const std::string raw_id = RawId(identifier);
  JsonObject object;
  if (casing == Casing::kGa) object.AddString("kind", KindName(identifier.kind));
  object.AddString(kRawId.In(casing), raw_id);
  for (const KindSpelling& known : kKinds) {
    if (known.kind != identifier.kind) continue;
    object.AddJson(known.name.In(casing), NestedJson(identifier, known.id, casing));
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
  object.AddInteger(casing == Casing::kPascal ? "Code" : "code", info->code);
  object.AddInteger(casing == Casing::kPascal ? "Subcode" : "subcode", info->subcode);
  object.AddString(casing == Casing::kPascal ? "Message" : "message", info->message);
  return std::move(object).Finish();
}

std::string_view StatusName(OperationStatus status, Casing casing) {
  for (const StatusSpelling& known : kStatuses) {
    if (known.status == status) return known.spelling.In(casing);
  }
  return casing == Casing::kPascal ? "Unknown" : "unknown";
}

absl::StatusOr<Identifier> ReadIdentifier(const ObjectReader& reader) {
  // Derived from the rest: senders leave it out as often as not.
  TOCSIN_RETURN_IF_ERROR(reader.StringOrEmpty({"kind"}).status());
  TOCSIN_ASSIGN_OR_RETURN(const std::string raw_id, reader.StringOrEmpty({kRawId.camel}));
  Identifier identifier = ParseRawId(raw_id);
  bool nested = false;
  for (const KindSpelling& known : kKinds) {
    TOCSIN_ASSIGN_OR_RETURN(const auto inside, reader.ObjectOrNone({known.name.camel}));
    if (!inside) continue;
    if (std::exchange(nested, true)) {
      return InvalidArgument("{} must be of one kind, not of several", reader.Place(""));
    }
    TOCSIN_ASSIGN_OR_RETURN(identifier, ReadNested(*inside, known, std::move(identifier)));
  }
  if (!nested && raw_id.empty()) {
    return InvalidArgument("{} must have phoneNumber or communicationUser", reader.Place(""));
  }
  if (!raw_id.empty() && raw_id != RawId(identifier)) identifier.other_raw_id = raw_id;
  return identifier;
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
    if (SameName(known.spelling.camel, text)) return known.status;
  }
  return OperationStatus::kUnknown;
}

}  // namespace tocsin::wire
