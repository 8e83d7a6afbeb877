#include "callserver/ledger_line.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/status_macros.h"
#include "wire/json_reader.h"
#include "wire/json_text.h"

namespace tocsin::callserver {
namespace {

using Json = nlohmann::json;
using wire::JsonObject;

constexpr std::string_view kStart = R"({"what":")";
constexpr int kDepthMax = 8;  // Of a plan of faults.

std::string_view What(const LedgerEntry& entry) {
  constexpr std::string_view kNames[] = {"server_started", "server_stopped", "create", "state",
                                         "play",           "play_ended",     "key",    "hang_up",
                                         "ended",          "callback",       "faults"};
  static_assert(std::size(kNames) == std::variant_size_v<LedgerEntry>);
  return kNames[entry.index()];
}

void Write(JsonObject& object, const ServerStarted& entry) {
  object.AddJson("seed", std::to_string(entry.seed));
  object.AddJson("time_scale", fmt::format("{}", entry.time_scale));
}
void Write(JsonObject&, const ServerStopped&) {}
void AddUnlessEmpty(JsonObject& object, std::string_view name, std::string_view text) {
  if (!text.empty()) object.AddString(name, text);
}
void Write(JsonObject& object, const CreateArrived& entry) {
  object.AddInteger("status", entry.status);
  object.AddString("number", entry.number);
  object.AddString("caller_number", entry.caller_number);
  if (entry.attempt) {
    object.AddInteger("campaign_id", entry.attempt->campaign.value());
    object.AddInteger("attempt_id", entry.attempt->attempt.value());
  }
  object.AddString("callback_uri", entry.callback_uri);
  AddUnlessEmpty(object, "fault", entry.fault);
  if (entry.never_ends) object.AddBool("never_ends", true);
}
void Write(JsonObject& object, const StateReached& entry) {
  object.AddString("state", entry.state);
}
void Write(JsonObject& object, const PlayStarted& entry) {
  object.AddString("operation_context", entry.operation_context);
  object.AddInteger("audio_ms", entry.audio_ms);
  object.AddBool("loop", entry.loop);
}
void Write(JsonObject& object, const PlayEnded& entry) {
  object.AddString("operation_context", entry.operation_context);
  object.AddInteger("code", entry.code);
  object.AddInteger("subcode", entry.subcode);
  object.AddInteger("heard_ms", entry.heard_ms);
}
void Write(JsonObject& object, const KeyPressed& entry) {
  object.AddString("key", std::string_view(&entry.key, 1));
  object.AddInteger("play_ms", entry.play_ms);
}
void Write(JsonObject&, const HangUpAsked&) {}
void Write(JsonObject& object, const CallEnded& entry) {
  object.AddString("far_end", entry.far_end);
  object.AddString("reason", entry.reason);
  object.AddBool("answered", entry.answered);
  object.AddInteger("talk_ms", entry.talk_ms);
  object.AddString("keys", entry.keys);
}
void Write(JsonObject& object, const CallbackDone& entry) {
  object.AddString("type", entry.type);
  AddUnlessEmpty(object, "state", entry.state);
  AddUnlessEmpty(object, "tone", entry.tone);
  AddUnlessEmpty(object, "operation_context", entry.operation_context);
  if (entry.code) object.AddInteger("code", *entry.code);
  if (entry.subcode) object.AddInteger("subcode", *entry.subcode);
  AddUnlessEmpty(object, "fault", entry.fault);
  object.AddInteger("status", entry.status);
  object.AddInteger("tries", entry.tries);
  object.AddBool("dropped", entry.dropped);  // The last: the audit looks for it there.
}
void Write(JsonObject& object, const FaultsSet& entry) {
  object.AddJson("plan", entry.plan);
}

// Reads members into variables of their types, and remembers the first that is
// missing or of another type.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}

  bool Has(const char* name) const { return json_.contains(name); }

  std::string String(const char* name) {
    const auto it = json_.find(name);
    if (it != json_.end() && it->is_string()) return it->get<std::string>();
    Complain(name);
    return {};
  }
  template <class Number>
  Number Integer(const char* name) {
    const auto it = json_.find(name);
    if (it != json_.end() && it->is_number_integer()) return it->get<Number>();
    Complain(name);
    return 0;
  }
  double Real(const char* name) {
    const auto it = json_.find(name);
    if (it != json_.end() && it->is_number()) return it->get<double>();
    Complain(name);
    return 0;
  }
  // The same of members that may be missing.
  std::string StringOrEmpty(const char* name) { return Has(name) ? String(name) : std::string(); }
  std::optional<int> IntegerOrNone(const char* name) {
    return Has(name) ? std::optional(Integer<int>(name)) : std::nullopt;
  }
  bool BoolOrFalse(const char* name) { return Has(name) && Bool(name); }
  std::string Object(const char* name) {
    const auto it = json_.find(name);
    if (it != json_.end() && it->is_object()) return it->dump();
    Complain(name);
    return {};
  }
  bool Bool(const char* name) {
    const auto it = json_.find(name);
    if (it != json_.end() && it->is_boolean()) return it->get<bool>();
    Complain(name);
    return false;
  }
  void Complain(const char* name) {
    if (wrong_.empty()) wrong_ = name;
  }

  const std::string& wrong() const { return wrong_; }

 private:
  const Json& json_;
  std::string wrong_;
};

CreateArrived ReadCreate(Reader& in) {
  CreateArrived entry{.status = in.Integer<int>("status"),
                      .number = in.String("number"),
                      .caller_number = in.String("caller_number"),
                      .callback_uri = in.String("callback_uri"),
                      .fault = in.StringOrEmpty("fault"),
                      .never_ends = in.BoolOrFalse("never_ends")};
  if (in.Has("attempt_id")) {
    entry.attempt = AttemptKey{CampaignId(in.Integer<std::int64_t>("campaign_id")),
                               AttemptId(in.Integer<std::int64_t>("attempt_id"))};
  }
  return entry;
}

CallEnded ReadEnded(Reader& in) {
  return {.far_end = in.String("far_end"),
          .reason = in.String("reason"),
          .answered = in.Bool("answered"),
          .talk_ms = in.Integer<std::int64_t>("talk_ms"),
          .keys = in.String("keys")};
}

CallbackDone ReadCallback(Reader& in) {
  return {.type = in.String("type"),
          .state = in.StringOrEmpty("state"),
          .tone = in.StringOrEmpty("tone"),
          .operation_context = in.StringOrEmpty("operation_context"),
          .code = in.IntegerOrNone("code"),
          .subcode = in.IntegerOrNone("subcode"),
          .fault = in.StringOrEmpty("fault"),
          .status = in.Integer<int>("status"),
          .tries = in.Integer<int>("tries"),
          .dropped = in.Bool("dropped")};
}

KeyPressed ReadKey(Reader& in) {
  const std::string key = in.String("key");
  if (key.size() != 1) in.Complain("key");
  return {.key = key.empty() ? '\0' : key[0], .play_ms = in.Integer<std::int64_t>("play_ms")};
}

LedgerEntry ReadEntry(std::string_view what, Reader& in) {
  if (what == "create") return ReadCreate(in);
  if (what == "state") return StateReached{in.String("state")};
  if (what == "play") {
    return PlayStarted{.operation_context = in.String("operation_context"),
                       .audio_ms = in.Integer<std::int64_t>("audio_ms"),
                       .loop = in.Bool("loop")};
  }
  if (what == "play_ended") {
    return PlayEnded{.operation_context = in.String("operation_context"),
                     .code = in.Integer<int>("code"),
                     .subcode = in.Integer<int>("subcode"),
                     .heard_ms = in.Integer<std::int64_t>("heard_ms")};
  }
  if (what == "key") return ReadKey(in);
  if (what == "hang_up") return HangUpAsked{};
  if (what == "ended") return ReadEnded(in);
  if (what == "callback") return ReadCallback(in);
  if (what == "faults") return FaultsSet{in.Object("plan")};
  if (what == "server_started") {
    return ServerStarted{.seed = in.Integer<std::uint64_t>("seed"),
                         .time_scale = in.Real("time_scale")};
  }
  if (what != "server_stopped") in.Complain("what");
  return ServerStopped{};
}

}  // namespace

std::string FormatLedgerLine(const LedgerLine& line) {
  JsonObject object;
  object.AddString("what", What(line.entry));
  object.AddString("at", absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", line.at, absl::UTCTimeZone()));
  object.AddInteger("at_us", absl::ToUnixMicros(line.at));
  if (!line.call_leg_id.empty()) object.AddString("call_leg_id", line.call_leg_id);
  std::visit([&object](const auto& entry) { Write(object, entry); }, line.entry);
  return std::move(object).Finish() + "\n";
}

absl::StatusOr<LedgerLine> ParseLedgerLine(std::string_view text) {
  TOCSIN_ASSIGN_OR_RETURN(const Json json, wire::ParseJson(text, "line", kDepthMax));
  if (!json.is_object()) return InvalidArgument("line must be a JSON object");
  Reader in(json);
  LedgerLine line;
  line.at = absl::FromUnixMicros(in.Integer<std::int64_t>("at_us"));
  if (in.Has("call_leg_id")) line.call_leg_id = in.String("call_leg_id");
  const std::string what = in.String("what");
  line.entry = ReadEntry(what, in);
  if (!in.wrong().empty()) {
    return InvalidArgument("'{}' is missing or of the wrong type", in.wrong());
  }
  return line;
}

std::string_view WhatOf(std::string_view text) {
  if (!text.starts_with(kStart)) return {};
  text.remove_prefix(kStart.size());
  const std::size_t end = text.find('"');
  return end == std::string_view::npos ? std::string_view() : text.substr(0, end);
}

}  // namespace tocsin::callserver
