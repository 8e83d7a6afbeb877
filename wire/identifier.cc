#include "wire/identifier.h"

#include <optional>

#include "fmt/format.h"

namespace tocsin::wire {
namespace {

using Kind = Identifier::Kind;
using Cloud = Identifier::Cloud;

constexpr std::string_view kPhonePrefix = "4:";
constexpr std::string_view kVisitorPrefix = "8:teamsvisitor:";
constexpr std::string_view kSpoolPrefix = "8:spool:";
constexpr std::string_view kAnonymousNumber = "anonymous";

// How the raw ids of one cloud begin.
struct CloudPrefixes {
  Cloud cloud;
  std::string_view name;
  std::string_view teams_user;
  std::string_view teams_app;
  std::string_view acs_user;
};
constexpr CloudPrefixes kClouds[] = {
    {Cloud::kPublic, "public", "8:orgid:", "28:orgid:", "8:acs:"},
    {Cloud::kDod, "dod", "8:dod:", "28:dod:", "8:dod-acs:"},
    {Cloud::kGcch, "gcch", "8:gcch:", "28:gcch:", "8:gcch-acs:"},
};

const CloudPrefixes& PrefixesOf(Cloud cloud) {
  for (const CloudPrefixes& known : kClouds) {
    if (known.cloud == cloud) return known;
  }
  return kClouds[0];
}

// `text` without `prefix`; nullopt if it begins otherwise, or has a further
// colon, which no id of these kinds has.
std::optional<std::string_view> After(std::string_view prefix, std::string_view text) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  if (text.find(':') != std::string_view::npos) return std::nullopt;
  return text;
}

Identifier PhoneNumberIn(std::string_view number) {
  Identifier identifier = Identifier::PhoneNumber(number);
  identifier.is_anonymous = number == kAnonymousNumber;
  const std::size_t underscore = number.rfind('_');
  if (!identifier.is_anonymous && underscore != std::string_view::npos) {
    identifier.asserted_id = number.substr(underscore + 1);
  }
  return identifier;
}

// <resource>_<user> is a communication user, <resource>_<tenant>_<user> one of
// Teams who has been given a number.
Identifier AcsUserIn(std::string_view raw_id, std::string_view rest, Cloud cloud) {
  const std::size_t first = rest.find('_');
  const std::size_t second = first == std::string_view::npos ? first : rest.find('_', first + 1);
  if (second == std::string_view::npos || rest.find('_', second + 1) != std::string_view::npos) {
    return Identifier::CommunicationUser(raw_id);
  }
  return {.kind = Kind::kTeamsExtensionUser,
          .value = std::string(rest.substr(second + 1)),
          .cloud = cloud,
          .tenant_id = std::string(rest.substr(first + 1, second - first - 1)),
          .resource_id = std::string(rest.substr(0, first))};
}

std::optional<Identifier> ParseInCloud(std::string_view raw_id, const CloudPrefixes& prefixes) {
  if (const auto user = After(prefixes.teams_user, raw_id)) {
    return Identifier{
        .kind = Kind::kTeamsUser, .value = std::string(*user), .cloud = prefixes.cloud};
  }
  if (const auto app = After(prefixes.teams_app, raw_id)) {
    return Identifier{.kind = Kind::kTeamsApp, .value = std::string(*app), .cloud = prefixes.cloud};
  }
  if (const auto rest = After(prefixes.acs_user, raw_id)) {
    return AcsUserIn(raw_id, *rest, prefixes.cloud);
  }
  return std::nullopt;
}

}  // namespace

std::string RawId(const Identifier& identifier) {
  if (!identifier.other_raw_id.empty()) return identifier.other_raw_id;
  const CloudPrefixes& prefixes = PrefixesOf(identifier.cloud);
  switch (identifier.kind) {
    case Kind::kUnknown:
    case Kind::kCommunicationUser: break;
    case Kind::kPhoneNumber: return fmt::format("{}{}", kPhonePrefix, identifier.value);
    case Kind::kTeamsUser:
      return fmt::format("{}{}", identifier.is_anonymous ? kVisitorPrefix : prefixes.teams_user,
                         identifier.value);
    case Kind::kTeamsApp: return fmt::format("{}{}", prefixes.teams_app, identifier.value);
    case Kind::kTeamsExtensionUser:
      return fmt::format("{}{}_{}_{}", prefixes.acs_user, identifier.resource_id,
                         identifier.tenant_id, identifier.value);
  }
  return identifier.value;
}

Identifier ParseRawId(std::string_view raw_id) {
  if (raw_id.starts_with(kPhonePrefix)) return PhoneNumberIn(raw_id.substr(kPhonePrefix.size()));
  if (const auto visitor = After(kVisitorPrefix, raw_id)) {
    return {.kind = Kind::kTeamsUser, .value = std::string(*visitor), .is_anonymous = true};
  }
  if (After(kSpoolPrefix, raw_id)) return Identifier::CommunicationUser(raw_id);
  for (const CloudPrefixes& prefixes : kClouds) {
    if (const auto identifier = ParseInCloud(raw_id, prefixes)) return *identifier;
  }
  return {.kind = Kind::kUnknown, .value = std::string(raw_id)};
}

std::string_view Name(Identifier::Cloud cloud) {
  return PrefixesOf(cloud).name;
}

}  // namespace tocsin::wire
