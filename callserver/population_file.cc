#include <yaml-cpp/yaml.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

#include "base/check.h"
#include "base/status_macros.h"
#include "callserver/population.h"
#include "callserver/yaml_complaints.h"

namespace tocsin::callserver {

extern const std::string_view kDefaultPopulationYaml;
extern const std::string_view kStormPopulationYaml;

namespace {

// One key of the file: where it stands, where it goes, and what it may be.
struct Parameter {
  std::string_view section;
  std::string_view key;
  double& (*slot)(PopulationParameters&);
  double min;
  double max;
};

constexpr double kDay_s = 86'400;

#define TOCSIN_PARAMETER(section, key, min, max)                                               \
  Parameter {                                                                                  \
    #section, #key, [](PopulationParameters& p) -> double& { return p.section.key; }, min, max \
  }
#define TOCSIN_SHARE(section, key) TOCSIN_PARAMETER(section, key, 0, 1)
#define TOCSIN_SECONDS(section, key) TOCSIN_PARAMETER(section, key, 0, kDay_s)
// A median or the like, of which the logarithm is taken.
#define TOCSIN_POSITIVE_SECONDS(section, key) TOCSIN_PARAMETER(section, key, 0.001, kDay_s)

constexpr Parameter kParameters[] = {
    TOCSIN_SHARE(reachability, at_once),
    TOCSIN_SHARE(reachability, sometimes),
    TOCSIN_SHARE(reachability, answer_probability),
    TOCSIN_SHARE(reachability, sometimes_busy),
    TOCSIN_SHARE(answers, machine),
    TOCSIN_SHARE(answers, fax),
    TOCSIN_SHARE(silence, dead),
    TOCSIN_SHARE(silence, dead_announcement),
    TOCSIN_SHARE(silence, unreachable),
    TOCSIN_SHARE(silence, declined),
    TOCSIN_POSITIVE_SECONDS(rings, human_median_s),
    TOCSIN_POSITIVE_SECONDS(rings, human_p95_s),
    TOCSIN_SHARE(rings, human_late_share),
    TOCSIN_SECONDS(rings, human_late_s),
    TOCSIN_SECONDS(rings, human_late_spread_s),
    TOCSIN_SECONDS(rings, machine_s),
    TOCSIN_SECONDS(rings, machine_spread_s),
    TOCSIN_SHARE(rings, phone_off_share),
    TOCSIN_SECONDS(rings, phone_off_max_s),
    TOCSIN_SECONDS(rings, busy_s),
    TOCSIN_SECONDS(rings, dead_s),
    TOCSIN_SECONDS(rings, unreachable_s),
    TOCSIN_SECONDS(rings, declined_s),
    TOCSIN_SECONDS(rings, congestion_s),
    TOCSIN_POSITIVE_SECONDS(busy, clears_median_s),
    TOCSIN_SHARE(human, leaves_early_share),
    TOCSIN_SECONDS(human, leaves_early_max_s),
    TOCSIN_SHARE(human, presses_share),
    TOCSIN_PARAMETER(human, key_1, 0, 1e6),
    TOCSIN_PARAMETER(human, key_9, 0, 1e6),
    TOCSIN_PARAMETER(human, key_0, 0, 1e6),
    TOCSIN_PARAMETER(human, key_other, 0, 1e6),
    TOCSIN_SHARE(human, instruction_at),
    TOCSIN_POSITIVE_SECONDS(human, press_median_s),
    TOCSIN_POSITIVE_SECONDS(human, press_p95_s),
    TOCSIN_SHARE(human, presses_early_share),
    TOCSIN_SHARE(human, presses_again_share),
    TOCSIN_SECONDS(human, stays_after_key_s),
    TOCSIN_POSITIVE_SECONDS(human, listens_median_s),
    TOCSIN_POSITIVE_SECONDS(human, listens_p95_s),
    TOCSIN_SECONDS(human, patience_s),
    TOCSIN_POSITIVE_SECONDS(machine, greeting_median_s),
    TOCSIN_POSITIVE_SECONDS(machine, greeting_p95_s),
    TOCSIN_SECONDS(machine, records_min_s),
    TOCSIN_SECONDS(machine, records_max_s),
    TOCSIN_SECONDS(machine, fax_s),
    TOCSIN_SECONDS(machine, announcement_s),
    TOCSIN_SECONDS(provider, setup_s),
    TOCSIN_SECONDS(provider, teardown_s),
    TOCSIN_SECONDS(provider, ring_limit_s),
    TOCSIN_SECONDS(provider, call_limit_s),
    TOCSIN_PARAMETER(provider, caller_number_calls_max, 0, 1e9),
    TOCSIN_PARAMETER(blocking, calls_per_hour_from, 0, 1e9),
    TOCSIN_PARAMETER(blocking, calls_per_hour_to, 0, 1e9),
    TOCSIN_SHARE(blocking, share_max),
    TOCSIN_SHARE(lines, mobile),
    TOCSIN_SHARE(outage, premises_dead),
    TOCSIN_SHARE(outage, mobiles_unreachable),
    TOCSIN_SECONDS(outage, mobiles_unreachable_after_s),
    TOCSIN_PARAMETER(congestion, exchange_calls_per_minute_max, 0, 1e9),
    TOCSIN_PARAMETER(night, first_call_h, 0, 24),
    TOCSIN_PARAMETER(night, starts_h, 0, 24),
    TOCSIN_PARAMETER(night, ends_h, 0, 24),
    TOCSIN_SHARE(night, answers_factor),
    TOCSIN_PARAMETER(provider, calls_max, 0, 1e9),
};

#undef TOCSIN_POSITIVE_SECONDS
#undef TOCSIN_SECONDS
#undef TOCSIN_SHARE
#undef TOCSIN_PARAMETER

// Shares of one whole: their sum must not exceed it.
struct Whole {
  std::string_view what;
  double (*sum)(const PopulationParameters&);
};
constexpr Whole kWholes[] = {
    {"reachability.at_once + sometimes",
     [](const PopulationParameters& p) {
       return p.reachability.at_once + p.reachability.sometimes;
     }},
    {"answers.machine + fax",
     [](const PopulationParameters& p) { return p.answers.machine + p.answers.fax; }},
    {"silence.dead + unreachable + declined",
     [](const PopulationParameters& p) {
       return p.silence.dead + p.silence.unreachable + p.silence.declined;
     }},
    {"human.leaves_early_share + presses_share",
     [](const PopulationParameters& p) {
       return p.human.leaves_early_share + p.human.presses_share;
     }},
};

const Parameter* FindParameter(std::string_view section, std::string_view key) {
  for (const Parameter& parameter : kParameters) {
    if (parameter.section == section && parameter.key == key) return &parameter;
  }
  return nullptr;
}

bool IsSection(std::string_view name) {
  for (const Parameter& parameter : kParameters) {
    if (parameter.section == name) return true;
  }
  return false;
}

void ReadParameter(const std::string& section, const YAML::Node& key_node, const YAML::Node& value,
                   PopulationParameters& into, YamlComplaints& complaints) {
  const std::string key = KeyText(key_node);
  const Parameter* const parameter = FindParameter(section, key);
  if (parameter == nullptr) {
    complaints.Add(key_node.Mark(), fmt::format("there is no parameter {}.{}", section, key));
    return;
  }
  double number = 0;
  if (!IsNumber(value, number) || !(number >= parameter->min && number <= parameter->max)) {
    complaints.Add(key_node.Mark(), fmt::format("{}.{} must be a number from {} to {}", section,
                                                key, parameter->min, parameter->max));
    return;
  }
  parameter->slot(into) = number;
}

void ReadSections(const YAML::Node& root, PopulationParameters& into, YamlComplaints& complaints) {
  if (root.IsNull()) return;
  if (!root.IsMap()) {
    complaints.Add(root.Mark(), "must be a map of sections");
    return;
  }
  std::set<std::string> seen;
  for (const auto& section : root) {
    const std::string name = KeyText(section.first);
    if (!seen.insert(name).second) {
      complaints.Add(section.first.Mark(), fmt::format("the section '{}' comes twice", name));
    } else if (!IsSection(name)) {
      complaints.Add(section.first.Mark(), fmt::format("there is no section '{}'", name));
    } else if (!section.second.IsMap()) {
      complaints.Add(section.first.Mark(), fmt::format("{} must be a map of parameters", name));
    } else {
      for (const auto& parameter : section.second) {
        const std::string path = fmt::format("{}.{}", name, KeyText(parameter.first));
        if (seen.insert(path).second) {
          ReadParameter(name, parameter.first, parameter.second, into, complaints);
        } else {
          complaints.Add(parameter.first.Mark(), fmt::format("{} comes twice", path));
        }
      }
    }
  }
}

// Where the default file starts from: it must name every parameter.
PopulationParameters NothingSaid() {
  PopulationParameters parameters;
  for (const Parameter& parameter : kParameters) {
    parameter.slot(parameters) = std::numeric_limits<double>::quiet_NaN();
  }
  return parameters;
}

}  // namespace

absl::StatusOr<PopulationParameters> ParsePopulation(std::string_view yaml,
                                                     std::string_view file_name) {
  const bool is_default = yaml.data() == kDefaultPopulationYaml.data();
  PopulationParameters parameters = is_default ? NothingSaid() : DefaultPopulation();
  YamlComplaints complaints(file_name);
  try {
    ReadSections(YAML::Load(std::string(yaml)), parameters, complaints);
  } catch (const YAML::Exception& error) {
    complaints.Add(error.mark, error.msg);
  }
  for (const Parameter& parameter : kParameters) {
    if (std::isnan(parameter.slot(parameters))) {
      complaints.Add(fmt::format("{}.{} is missing", parameter.section, parameter.key));
    }
  }
  for (const Whole& whole : kWholes) {
    // Decimal shares do not add up exactly.
    if (whole.sum(parameters) > 1 + 1e-9) {
      complaints.Add(fmt::format("{} must not be more than 1 together", whole.what));
    }
  }
  TOCSIN_RETURN_IF_ERROR(complaints.AsStatus());
  return parameters;
}

absl::StatusOr<PopulationParameters> ReadPopulation(const std::string& preset_or_path) {
  if (preset_or_path == "calm") return DefaultPopulation();
  if (preset_or_path == "storm") return ParsePopulation(kStormPopulationYaml, "storm");
  std::ifstream file(preset_or_path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return NotFound("the population '{}' is neither a preset (calm, storm) nor a readable file",
                    preset_or_path);
  }
  return ParsePopulation(text.str(), preset_or_path);
}

std::string_view DefaultPopulationYaml() {
  return kDefaultPopulationYaml;
}

const PopulationParameters& DefaultPopulation() {
  static const PopulationParameters parameters = [] {
    auto parsed = ParsePopulation(kDefaultPopulationYaml, "population.yaml");
    TOCSIN_CHECK(parsed.ok());
    return *parsed;
  }();
  return parameters;
}

}  // namespace tocsin::callserver
