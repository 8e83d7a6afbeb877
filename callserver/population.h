#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

// The carrier's far end: who lives behind which number, and what they do when
// it rings. Pure and seeded: the same seed and number meet the same person.
namespace tocsin::callserver {

// The numbers of a population file (population.yaml, where each is explained
// with its source). Shares are 0 to 1, lengths are seconds of simulated time.
struct PopulationParameters {
  struct Reachability {
    double at_once = 0;
    double sometimes = 0;
    double answer_probability = 0;
    double sometimes_busy = 0;
  } reachability;
  struct Answers {
    double machine = 0;
    double fax = 0;
  } answers;
  struct Silence {
    double dead = 0;
    double dead_announcement = 0;
    double unreachable = 0;
    double declined = 0;
  } silence;
  struct Rings {
    double human_median_s = 0;
    double human_p95_s = 0;
    double human_late_share = 0;
    double human_late_s = 0;
    double human_late_spread_s = 0;
    double machine_s = 0;
    double machine_spread_s = 0;
    double phone_off_share = 0;
    double phone_off_max_s = 0;
    double busy_s = 0;
    double dead_s = 0;
    double unreachable_s = 0;
    double declined_s = 0;
    double congestion_s = 0;
  } rings;
  struct Busy {
    double clears_median_s = 0;
  } busy;
  struct Human {
    double leaves_early_share = 0;
    double leaves_early_max_s = 0;
    double presses_share = 0;
    double key_1 = 0;
    double key_9 = 0;
    double key_0 = 0;
    double key_other = 0;
    double instruction_at = 0;
    double press_median_s = 0;
    double press_p95_s = 0;
    double presses_early_share = 0;
    double presses_again_share = 0;
    double stays_after_key_s = 0;
    double listens_median_s = 0;
    double listens_p95_s = 0;
    double patience_s = 0;
  } human;
  struct Machine {
    double greeting_median_s = 0;
    double greeting_p95_s = 0;
    double records_min_s = 0;
    double records_max_s = 0;
    double fax_s = 0;
    double announcement_s = 0;
  } machine;
  struct Provider {
    double setup_s = 0;
    double teardown_s = 0;
    double ring_limit_s = 0;
    double call_limit_s = 0;
    double caller_number_calls_max = 0;
    double calls_max = 0;
  } provider;
  struct Blocking {
    double calls_per_hour_from = 0;
    double calls_per_hour_to = 0;
    double share_max = 0;
  } blocking;
  struct Lines {
    double mobile = 0;
  } lines;
  struct Outage {
    double premises_dead = 0;
    double mobiles_unreachable = 0;
    double mobiles_unreachable_after_s = 0;
  } outage;
  struct Congestion {
    double exchange_calls_per_minute_max = 0;
  } congestion;
  struct Night {
    double first_call_h = 0;
    double starts_h = 0;
    double ends_h = 0;
    double answers_factor = 0;
  } night;
};

// The parameters of the file that ships with the product.
const PopulationParameters& DefaultPopulation();

// Its text, with the comments: what to start a file of one's own from.
std::string_view DefaultPopulationYaml();

// Reads a population file. What it leaves out keeps its default. Unknown keys,
// wrong types and values out of range are reported all together, each with
// `file_name`:line: kInvalidArgument.
absl::StatusOr<PopulationParameters> ParsePopulation(std::string_view yaml,
                                                     std::string_view file_name);

// The population of a preset, "calm" or "storm", or else of the file of that
// path. kNotFound if it is neither, with the names of the presets; else as above.
absl::StatusOr<PopulationParameters> ReadPopulation(const std::string& preset_or_path);

// Who or what is at the other end of one call.
enum class FarEnd {
  kHuman,
  kMachine,
  kFax,
  kAnnouncement,  // A dead number that answers nevertheless.
  kNoAnswer,
  kBusy,
  kDead,
  kUnreachable,
  kDeclined,
  kCongestion,  // The network took the call no further.
};

bool Answers(FarEnd far_end);

// "human", "no_answer", ...: the words of the ledger.
std::string_view Name(FarEnd far_end);

// What the far end will do in one call, decided when it is placed. All lengths
// are of simulated time.
struct CallPlan {
  FarEnd far_end = FarEnd::kNoAnswer;
  absl::Duration rings;        // Until it answers, or the network gives up.
  absl::Duration talks;        // Then hangs up, if it never presses a key.
  absl::Duration patience;     // Hangs up after so much silence.
  absl::Duration busy_for;     // Only kBusy: the line stays so.
  char key = 0;                // Pressed once; 0: never.
  bool presses_again = false;  // The same key again when the next audio has been heard.
  double presses_at = 0;       // Share of the audio from which `press_delay` counts.
  absl::Duration press_delay;
  absl::Duration stays_after_key;
};

// What a call meets besides the person: all that was rung before it.
struct Circumstances {
  std::uint32_t attempt = 0;             // Calls to this number before it.
  absl::Duration since_first_call;       // Simulated; the first to anybody.
  double caller_calls_per_hour = 0;      // Simulated hours, on its caller number.
  double exchange_calls_per_minute = 0;  // Simulated minutes, to its exchange.
};

// The plan of a call. Some numbers answer one attempt and not the other.
CallPlan PlanCall(const PopulationParameters& parameters, std::uint64_t seed,
                  std::string_view number, const Circumstances& circumstances);

// Whether a mobile is behind the number; else it is the line of some premises.
bool IsMobile(const PopulationParameters& parameters, std::uint64_t seed, std::string_view number);

// The plan of a call that meets a line already in use.
CallPlan BusyPlan(const PopulationParameters& parameters);

// The plan of a call beyond what its caller number may have at once.
CallPlan BlockedPlan(const PopulationParameters& parameters);

// Mixes `text` into `seed`: the root of everything that is sticky per number.
std::uint64_t StickyHash(std::uint64_t seed, std::string_view text);

}  // namespace tocsin::callserver
