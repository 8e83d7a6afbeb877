#include "wire/read_values.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "wire/identifier_json.h"

namespace tocsin::wire {
namespace {

bool SameName(std::string_view left, std::string_view right) {
  return absl::EqualsIgnoreCase({left.data(), left.size()}, {right.data(), right.size()});
}

}  // namespace

bool IsHttpUrl(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.size() > scheme.size() && SameName(text.substr(0, scheme.size()), scheme)) {
      // A space or line break would end up in a request line.
      for (const char c : text) {
        if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F) return false;
      }
      return true;
    }
  }
  return false;
}

absl::StatusOr<std::string> ReadUrl(const ObjectReader& reader, Names names) {
  TOCSIN_ASSIGN_OR_RETURN(std::string url, reader.String(names));
  if (!IsHttpUrl(url)) {
    return InvalidArgument("{} must be an absolute http or https URL",
                           reader.Place(reader.NameAmong(names)));
  }
  return url;
}

absl::StatusOr<std::string> ReadUrlOrEmpty(const ObjectReader& reader, Names names) {
  if (reader.Find(names) == nullptr) return std::string();
  return ReadUrl(reader, names);
}

absl::StatusOr<std::string> ReadNumber(const ObjectReader& reader, Names names) {
  TOCSIN_ASSIGN_OR_RETURN(const auto number, reader.ObjectOrNone(names));
  if (!number) return std::string();
  TOCSIN_ASSIGN_OR_RETURN(const auto nested, number->ObjectOrNone({"phoneNumber"}));
  return (nested ? *nested : *number).String({"value"});
}

std::string NumberJson(std::string_view number) {
  JsonObject object;
  object.AddString("value", number);
  return std::move(object).Finish();
}

absl::StatusOr<Identifier> ReadParty(const ObjectReader& reader, Names names) {
  TOCSIN_ASSIGN_OR_RETURN(const auto party, reader.ObjectOrNone(names));
  if (!party) return InvalidArgument("{} must be an object", reader.Place(reader.NameAmong(names)));
  TOCSIN_ASSIGN_OR_RETURN(Identifier identifier, ReadIdentifier(*party));
  if (identifier.value.empty()) {
    return InvalidArgument("{} must not be empty", reader.Place(reader.NameAmong(names)));
  }
  return identifier;
}

absl::StatusOr<int> ReadIntegerIn(const ObjectReader& reader, Names names, int min, int max,
                                  int missing) {
  if (reader.Find(names) == nullptr) return missing;
  TOCSIN_ASSIGN_OR_RETURN(const std::int64_t value, reader.Integer(names));
  if (value < min || value > max) {
    return InvalidArgument("{} must be from {} to {}", reader.Place(reader.NameAmong(names)), min,
                           max);
  }
  return static_cast<int>(value);
}

void AddUnlessEmpty(JsonObject& object, std::string_view name, std::string_view value) {
  if (!value.empty()) object.AddString(name, value);
}

}  // namespace tocsin::wire
