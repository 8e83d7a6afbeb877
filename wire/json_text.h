#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::wire {

// Appends `value` as a JSON string. Bytes that are not UTF-8 become U+FFFD, so
// the result is always valid JSON.
void AppendJsonString(std::string& out, std::string_view value);

// Writes one JSON object from its first member to its last, without a tree in
// between: events and ledger lines are written thousands of times a second.
//
//   JsonObject object;
//   object.Add("code", 200);
//   object.AddString("message", text);
//   std::string json = std::move(object).Finish();
class JsonObject {
 public:
  JsonObject() = default;

  void AddString(std::string_view name, std::string_view value);
  void AddInteger(std::string_view name, std::int64_t value);
  void AddBool(std::string_view name, bool value);
  void AddNull(std::string_view name);
  // `json` must be a JSON value.
  void AddJson(std::string_view name, std::string_view json);

  std::string Finish() &&;

 private:
  void Name(std::string_view name);

  std::string text_ = "{";
};

}  // namespace tocsin::wire
