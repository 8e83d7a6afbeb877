#include "wire/json_reader.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "base/status_macros.h"

namespace tocsin::wire {
namespace {

using Json = nlohmann::json;

bool SameName(std::string_view left, std::string_view right) {
  return absl::EqualsIgnoreCase({left.data(), left.size()}, {right.data(), right.size()});
}

// What can be told of JSON text before it is parsed. Text that is not JSON may
// be measured wrongly; the parser refuses it afterwards.
struct Measure {
  bool too_deep = false;
  std::size_t members = 0;  // Of all objects, by their colons.
};

Measure MeasureOf(std::string_view text, int depth_max) {
  Measure measure;
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > depth_max) {
        measure.too_deep = true;
        return measure;
      }
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ':') {
      ++measure.members;
    }
  }
  return measure;
}

// The members of all objects in `json`. Its depth is bounded.
std::size_t MembersIn(const Json& json) {
  if (!json.is_structured()) return 0;
  std::size_t members = json.is_object() ? json.size() : 0;
  for (const Json& inside : json) members += MembersIn(inside);
  return members;
}

}  // namespace

absl::StatusOr<Json> ParseJson(std::string_view text, std::string_view what, int depth_max) {
  const Measure measure = MeasureOf(text, depth_max);
  if (measure.too_deep) return InvalidArgument("{}: nested deeper than {}", what, depth_max);
  Json json = Json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return InvalidArgument("{}: not JSON in UTF-8", what);
  // The parser keeps the last of two members of one name; another reader of the
  // same text might keep the first.
  if (MembersIn(json) != measure.members) {
    return InvalidArgument("{}: an object has two members of one name", what);
  }
  return json;
}

absl::StatusOr<ObjectReader> ObjectReader::Read(const Json& json, std::string_view name) {
  return Checked(ObjectReader(json, nullptr, name, -1));
}

absl::StatusOr<ObjectReader> ObjectReader::Inside(const Json& json, std::string_view name) const {
  return Checked(ObjectReader(json, this, name, -1));
}

absl::StatusOr<ObjectReader> ObjectReader::Element(const Json& json, std::string_view name,
                                                   int index) const {
  return Checked(ObjectReader(json, this, name, index));
}

absl::StatusOr<ObjectReader> ObjectReader::Checked(const ObjectReader& made) {
  if (!made.json_->is_object()) return InvalidArgument("{} must be an object", made.Place(""));
  return made;
}

const Json* ObjectReader::Find(Names names) const {
  for (const std::string_view name : names) {
    // The documented spelling is the usual one: look it up before comparing all.
    auto it = json_->find(name);
    if (it == json_->end()) {
      for (it = json_->begin(); it != json_->end() && !SameName(it.key(), name);) ++it;
    }
    if (it != json_->end() && !it->is_null()) return &*it;
  }
  return nullptr;
}

std::string_view ObjectReader::NameAmong(Names names) const {
  const auto there = std::find_if(names.begin(), names.end(), [this](std::string_view name) {
    return Find({name}) != nullptr;
  });
  return there == names.end() ? *names.begin() : *there;
}

absl::StatusOr<std::string> ObjectReader::String(Names names) const {
  const Json* const member = Find(names);
  if (member == nullptr || !member->is_string()) {
    return InvalidArgument("{} must be a string", Place(NameAmong(names)));
  }
  const auto& text = member->get_ref<const std::string&>();
  if (text.find('\0') != std::string::npos) {
    return InvalidArgument("{} must not contain NUL", Place(NameAmong(names)));
  }
  return text;
}

absl::StatusOr<std::int64_t> ObjectReader::Integer(Names names) const {
  const Json* const member = Find(names);
  if (member == nullptr || !member->is_number_integer() ||
      (member->is_number_unsigned() &&
       member->get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())) {
    return InvalidArgument("{} must be an integer of 64 bits", Place(NameAmong(names)));
  }
  return member->get<std::int64_t>();
}

absl::StatusOr<std::string> ObjectReader::StringOrEmpty(Names names) const {
  if (Find(names) == nullptr) return std::string();
  return String(names);
}

absl::StatusOr<std::int64_t> ObjectReader::IntegerOrZero(Names names) const {
  if (Find(names) == nullptr) return 0;
  return Integer(names);
}

absl::StatusOr<bool> ObjectReader::BoolOrFalse(Names names) const {
  const Json* const member = Find(names);
  if (member == nullptr) return false;
  if (!member->is_boolean()) {
    return InvalidArgument("{} must be true or false", Place(NameAmong(names)));
  }
  return member->get<bool>();
}

absl::StatusOr<std::optional<ObjectReader>> ObjectReader::ObjectOrNone(Names names) const {
  const Json* const member = Find(names);
  if (member == nullptr) return std::optional<ObjectReader>();
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader inside, Inside(*member, NameAmong(names)));
  return std::optional<ObjectReader>(inside);
}

absl::StatusOr<const Json*> ObjectReader::ArrayOrNone(Names names) const {
  const Json* const member = Find(names);
  if (member != nullptr && !member->is_array()) {
    return InvalidArgument("{} must be an array", Place(NameAmong(names)));
  }
  return member;
}

std::string ObjectReader::Place(std::string_view name) const {
  std::string place = outer_ == nullptr ? std::string(name_) : outer_->Place(name_);
  if (index_ >= 0) place += fmt::format("[{}]", index_);
  if (name.empty()) return place;
  if (place.empty()) return std::string(name);
  return fmt::format("{}.{}", place, name);
}

}  // namespace tocsin::wire
