#pragma once
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

// Reading JSON that strangers sent. For .cc files only.
namespace tocsin::wire {

// Parses `text`. kInvalidArgument, beginning with `what`, if it is not JSON,
// not UTF-8, nested deeper than `depth_max` (the library's own writer recurses,
// so depth is bounded before anything is built), or says two things under one
// name.
absl::StatusOr<nlohmann::json> ParseJson(std::string_view text, std::string_view what,
                                         int depth_max);

// The names that one member goes by, the documented one first. Upper and lower
// case do not matter.
using Names = std::initializer_list<std::string_view>;

// A view of one JSON object that knows its place, so that a complaint can name
// it: "events[2].data.CallLegId must be a string". Borrows everything.
class ObjectReader {
 public:
  // The outermost object, called `name` in messages. kInvalidArgument unless
  // `json` is an object.
  static absl::StatusOr<ObjectReader> Read(const nlohmann::json& json, std::string_view name);

  // The same for a value inside this one. Must not outlive this reader.
  absl::StatusOr<ObjectReader> Inside(const nlohmann::json& json, std::string_view name) const;
  absl::StatusOr<ObjectReader> Element(const nlohmann::json& json, std::string_view name,
                                       int index) const;

  // Null if there is no such member, or it is null.
  const nlohmann::json* Find(Names names) const;
  // Under which of its names the member is there; the first if it is not.
  std::string_view NameAmong(Names names) const;

  // The member as that type; kInvalidArgument if it is missing or another.
  // Strings must not contain NUL, which no database takes.
  absl::StatusOr<std::string> String(Names names) const;
  absl::StatusOr<std::int64_t> Integer(Names names) const;

  // The same, with a missing or null member standing for empty, zero, false or
  // no object.
  absl::StatusOr<std::string> StringOrEmpty(Names names) const;
  absl::StatusOr<std::int64_t> IntegerOrZero(Names names) const;
  absl::StatusOr<bool> BoolOrFalse(Names names) const;
  absl::StatusOr<std::optional<ObjectReader>> ObjectOrNone(Names names) const;
  // Null if the member is missing or null.
  absl::StatusOr<const nlohmann::json*> ArrayOrNone(Names names) const;

  // "events[2].data.<name>"; "events[2].data" for an empty name.
  std::string Place(std::string_view name) const;

 private:
  ObjectReader(const nlohmann::json& json, const ObjectReader* outer, std::string_view name,
               int index)
      : json_(&json), outer_(outer), name_(name), index_(index) {}

  static absl::StatusOr<ObjectReader> Checked(const ObjectReader& made);

  const nlohmann::json* json_;
  const ObjectReader* outer_;  // Null for the outermost.
  std::string_view name_;
  int index_;  // -1: not an element of an array.
};

}  // namespace tocsin::wire
