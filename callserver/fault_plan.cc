// Plans of faults as text: YAML in a file, JSON at the admin endpoint.
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/status_macros.h"
#include "callserver/faults.h"
#include "callserver/yaml_complaints.h"
#include "wire/json_reader.h"

namespace tocsin::callserver {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDepthMax = 8;
constexpr double kDay_s = 86'400;
constexpr double kMost = 1e9;
constexpr std::string_view kForms[] = {"none", "seconds", "date"};

// A number of a section that is no rate. `get` is unset where nothing was said.
struct Number {
  std::string_view section;
  std::string_view key;
  double max;
  std::optional<double> (*get)(const FaultPlan&);
  void (*set)(FaultPlan&, double);
};

#define TOCSIN_LENGTH(section, key, member, max)                                                 \
  Number {                                                                                       \
    section, key, max,                                                                           \
        [](const FaultPlan& plan) { return std::optional(absl::ToDoubleSeconds(plan.member)); }, \
        [](FaultPlan& plan, double value) { plan.member = absl::Seconds(value); }                \
  }
#define TOCSIN_LIMIT(key)                                                  \
  Number {                                                                 \
    "limits", #key, kMost, [](const FaultPlan& plan) { return plan.key; }, \
        [](FaultPlan& plan, double value) { plan.key = value; }            \
  }
constexpr Number kNumbers[] = {
    TOCSIN_LENGTH("create", "retry_after_s", retry_after, 3'600),
    TOCSIN_LENGTH("create", "hang_s", hang, kDay_s),
    TOCSIN_LENGTH("create", "slow_s", slow, kDay_s),
    TOCSIN_LENGTH("callbacks", "delay_min_s", delay_min, 30 * kDay_s),
    TOCSIN_LENGTH("callbacks", "delay_max_s", delay_max, 30 * kDay_s),
    TOCSIN_LIMIT(caller_number_calls_max),
    TOCSIN_LIMIT(calls_max),
};
#undef TOCSIN_LIMIT
#undef TOCSIN_LENGTH

constexpr std::string_view kSections[] = {"create", "callbacks", "calls", "tokens", "limits"};

bool IsWhole(double number) {
  return std::trunc(number) == number;
}

class PlanReader {
 public:
  PlanReader(FaultPlan& plan, YamlComplaints& complaints) : plan_(plan), complaints_(complaints) {}

  void Root(const YAML::Node& root) {
    if (root.IsNull()) return;
    if (!root.IsMap()) return complaints_.Add(root.Mark(), "must be a map of sections");
    std::set<std::string> seen;
    for (const auto& entry : root) {
      const std::string name = KeyText(entry.first);
      if (IsTwice(entry.first, name, seen)) continue;
      if (name == "seed") {
        Seed(entry.first, entry.second);
      } else if (std::find(std::begin(kSections), std::end(kSections), name) ==
                 std::end(kSections)) {
        complaints_.Add(entry.first.Mark(),
                        fmt::format("there is no section '{}': expected seed, {}", name,
                                    fmt::join(kSections, ", ")));
      } else {
        Section(name, entry.first, entry.second);
      }
    }
    if (plan_.delay_min > plan_.delay_max) {
      complaints_.Add("callbacks.delay_min_s must not be more than callbacks.delay_max_s");
    }
  }

 private:
  void Section(const std::string& section, const YAML::Node& key, const YAML::Node& value) {
    if (value.IsNull()) return;
    if (!value.IsMap()) {
      return complaints_.Add(key.Mark(), fmt::format("{} must be a map", section));
    }
    std::set<std::string> seen;
    for (const auto& entry : value) {
      const std::string path = fmt::format("{}.{}", section, KeyText(entry.first));
      if (!IsTwice(entry.first, path, seen)) Member(section, path, entry.first, entry.second);
    }
  }

  void Member(const std::string& section, const std::string& path, const YAML::Node& key,
              const YAML::Node& value) {
    const std::string name = KeyText(key);
    for (std::size_t i = 0; i < kFaults; ++i) {
      const auto fault = static_cast<Fault>(i);
      if (SectionOf(fault) == section && NameOf(fault) == name) {
        return Rate(path, key, value, plan_[fault]);
      }
    }
    for (const Number& number : kNumbers) {
      if (number.section != section || number.key != name) continue;
      if (const auto given = NumberIn(path, key, value, 0, number.max)) {
        number.set(plan_, *given);
      }
      return;
    }
    if (path == "create.retry_after") return RetryAfter(key, value);
    complaints_.Add(key.Mark(), fmt::format("there is no {}", path));
  }

  // Says all of a rate: what it leaves out is nothing.
  void Rate(const std::string& path, const YAML::Node& key, const YAML::Node& value,
            FaultRate& rate) {
    rate = {};
    if (value.IsNull()) return;
    if (!value.IsMap()) {
      return complaints_.Add(
          key.Mark(), fmt::format("{} must be a map with every, probability or at_most", path));
    }
    std::set<std::string> seen;
    for (const auto& entry : value) {
      const std::string name = KeyText(entry.first);
      const std::string place = fmt::format("{}.{}", path, name);
      if (IsTwice(entry.first, place, seen)) continue;
      const auto whole = [&](std::int64_t& into) {
        const auto given = NumberIn(place, entry.first, entry.second, 0, kMost, /*whole=*/true);
        if (given) into = static_cast<std::int64_t>(*given);
      };
      if (name == "every") {
        whole(rate.every);
      } else if (name == "at_most") {
        whole(rate.at_most);
      } else if (name == "probability") {
        rate.probability = NumberIn(place, entry.first, entry.second, 0, 1).value_or(0);
      } else {
        complaints_.Add(
            entry.first.Mark(),
            fmt::format("there is no {}: expected every, probability or at_most", place));
      }
    }
  }

  void Seed(const YAML::Node& key, const YAML::Node& value) {
    std::uint64_t seed = 0;
    if (value.IsNull()) {
      plan_.seed.reset();
    } else if (value.IsScalar() && value.Tag() != "!" && !value.Scalar().starts_with('-') &&
               YAML::convert<std::uint64_t>::decode(value, seed)) {
      plan_.seed = seed;
    } else {
      complaints_.Add(key.Mark(), "seed must be a whole number from 0 to 18446744073709551615");
    }
  }

  void RetryAfter(const YAML::Node& key, const YAML::Node& value) {
    const auto form = std::find(std::begin(kForms), std::end(kForms),
                                value.IsScalar() ? value.Scalar() : std::string());
    if (form == std::end(kForms)) {
      return complaints_.Add(key.Mark(), "create.retry_after must be none, seconds or date");
    }
    plan_.retry_after_form = static_cast<RetryAfterForm>(form - std::begin(kForms));
  }

  std::optional<double> NumberIn(const std::string& path, const YAML::Node& key,
                                 const YAML::Node& value, double min, double max,
                                 bool whole = false) {
    double number = 0;
    if (IsNumber(value, number) && number >= min && number <= max && (!whole || IsWhole(number))) {
      return number;
    }
    complaints_.Add(key.Mark(), fmt::format("{} must be a {}number from {} to {}", path,
                                            whole ? "whole " : "", min, max));
    return std::nullopt;
  }

  bool IsTwice(const YAML::Node& key, const std::string& path, std::set<std::string>& seen) {
    if (seen.insert(path).second) return false;
    complaints_.Add(key.Mark(), fmt::format("{} comes twice", path));
    return true;
  }

  FaultPlan& plan_;
  YamlComplaints& complaints_;
};

// Both forms are read by one reader; a text stays one though it looks like a number.
YAML::Node AsYaml(const nlohmann::json& json) {
  if (json.is_null()) return YAML::Node(YAML::NodeType::Null);
  if (json.is_object()) {
    YAML::Node map(YAML::NodeType::Map);
    for (const auto& [key, value] : json.items()) map.force_insert(key, AsYaml(value));
    return map;
  }
  if (json.is_array()) {
    YAML::Node sequence(YAML::NodeType::Sequence);
    for (const auto& value : json) sequence.push_back(AsYaml(value));
    return sequence;
  }
  YAML::Node scalar(json.is_string() ? json.get<std::string>() : json.dump());
  scalar.SetTag(json.is_string() ? "!" : "?");
  return scalar;
}

Json RateJson(const FaultRate& rate) {
  Json json = Json::object();
  if (rate.every > 0) json["every"] = rate.every;
  if (rate.probability > 0) json["probability"] = rate.probability;
  if (rate.at_most > 0) json["at_most"] = rate.at_most;
  return json;
}

}  // namespace

absl::StatusOr<FaultPlan> ParseFaultPlan(std::string_view yaml, std::string_view file_name,
                                         const FaultPlan& base) {
  FaultPlan plan = base;
  YamlComplaints complaints(file_name);
  try {
    PlanReader(plan, complaints).Root(YAML::Load(std::string(yaml)));
  } catch (const YAML::Exception& error) {
    complaints.Add(error.mark, error.msg);
  }
  TOCSIN_RETURN_IF_ERROR(complaints.AsStatus());
  return plan;
}

absl::StatusOr<FaultPlan> ReadFaultPlan(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf()))
    return NotFound("the plan of faults {} cannot be read", path);
  return ParseFaultPlan(text.str(), path);
}

absl::StatusOr<FaultPlan> ParseFaultPlanJson(std::string_view json, const FaultPlan& base) {
  TOCSIN_ASSIGN_OR_RETURN(const nlohmann::json parsed, wire::ParseJson(json, "faults", kDepthMax));
  if (!parsed.is_object()) return InvalidArgument("faults must be an object");
  FaultPlan plan = base;
  YamlComplaints complaints("faults");
  PlanReader(plan, complaints).Root(AsYaml(parsed));
  TOCSIN_RETURN_IF_ERROR(complaints.AsStatus());
  return plan;
}

std::string FaultPlanJson(const FaultPlan& plan) {
  Json json = Json::object();
  if (plan.seed) json["seed"] = *plan.seed;
  for (std::size_t i = 0; i < kFaults; ++i) {
    const auto fault = static_cast<Fault>(i);
    json[std::string(SectionOf(fault))][std::string(NameOf(fault))] = RateJson(plan[fault]);
  }
  json["create"]["retry_after"] = kForms[static_cast<std::size_t>(plan.retry_after_form)];
  for (const Number& number : kNumbers) {
    if (const auto value = number.get(plan)) {
      json[std::string(number.section)][std::string(number.key)] = *value;
    }
  }
  return json.dump();
}

}  // namespace tocsin::callserver
