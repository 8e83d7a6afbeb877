#include "callserver/population.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace tocsin::callserver {
namespace {

std::uint64_t Mix(std::uint64_t value) {  // SplitMix64's finalizer.
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

// A stream of draws that depends on nothing but its root. The standard
// library's distributions differ from one library to the next; these do not.
class Draws {
 public:
  explicit Draws(std::uint64_t root) : state_(root) {}

  // Evenly in [0, 1).
  double Share() {
    state_ += 0x9E3779B97F4A7C15ULL;
    return static_cast<double>(Mix(state_) >> 11U) * 0x1.0p-53;
  }

  bool Chance(double probability) { return Share() < probability; }

  double Between(double low, double high) { return low + Share() * (high - low); }

  double Normal(double mean, double spread) {
    const double radius = std::sqrt(-2 * std::log(1 - Share()));
    return mean + spread * radius * std::cos(2 * std::numbers::pi * Share());
  }

  double LogNormal(double median, double p95) {
    constexpr double kNormalP95 = 1.6448536269514722;
    const double sigma = std::max(0.0, std::log(p95 / median) / kNormalP95);
    return median * std::exp(Normal(0, sigma));
  }

  double Exponential(double median) { return median * -std::log2(1 - Share()); }

 private:
  std::uint64_t state_;
};

absl::Duration Seconds(double seconds) {
  return absl::Seconds(std::max(0.0, seconds));
}

FarEnd WhoAnswers(const PopulationParameters::Answers& answers, Draws& sticky) {
  const double who = sticky.Share();
  if (who < answers.machine) return FarEnd::kMachine;
  return who < answers.machine + answers.fax ? FarEnd::kFax : FarEnd::kHuman;
}

FarEnd WhyNeverAnswered(const PopulationParameters::Silence& silence, Draws& sticky) {
  const double why = sticky.Share();
  const bool announced = sticky.Chance(silence.dead_announcement);
  if (why < silence.dead) return announced ? FarEnd::kAnnouncement : FarEnd::kDead;
  if (why < silence.dead + silence.unreachable) return FarEnd::kUnreachable;
  if (why < silence.dead + silence.unreachable + silence.declined) return FarEnd::kDeclined;
  return FarEnd::kNoAnswer;
}

// `sticky` gives the same to every attempt, `fresh` to this one only.
FarEnd DrawFarEnd(const PopulationParameters& parameters, Draws& sticky, Draws& fresh) {
  const auto& reachability = parameters.reachability;
  const double kind = sticky.Share();
  const FarEnd answerer = WhoAnswers(parameters.answers, sticky);
  const bool misses_busy = fresh.Chance(reachability.sometimes_busy);
  if (kind < reachability.at_once) return answerer;
  if (kind < reachability.at_once + reachability.sometimes) {
    if (fresh.Chance(reachability.answer_probability)) return answerer;
    return misses_busy ? FarEnd::kBusy : FarEnd::kNoAnswer;
  }
  return WhyNeverAnswered(parameters.silence, sticky);
}

// Draws of their own for what is drawn besides the person, so that neither
// shifts the other: a storm meets the people of the calm day.
constexpr std::uint64_t kOfTheLine = 0x6C696E65;
constexpr std::uint64_t kOfTheMoment = 0x6D6F6D656E74;

double CongestedShare(const PopulationParameters::Congestion& congestion,
                      const Circumstances& circumstances) {
  const double limit = congestion.exchange_calls_per_minute_max;
  const double rate = circumstances.exchange_calls_per_minute;
  return limit > 0 && rate > limit ? 1 - limit / rate : 0;
}

double BlockedShare(const PopulationParameters::Blocking& blocking,
                    const Circumstances& circumstances) {
  const double beyond = circumstances.caller_calls_per_hour - blocking.calls_per_hour_from;
  const double span = blocking.calls_per_hour_to - blocking.calls_per_hour_from;
  if (beyond <= 0) return 0;
  return beyond < span ? blocking.share_max * beyond / span : blocking.share_max;
}

// Of the lines that a calm day reaches, the share that the storm has taken.
double LostShare(const PopulationParameters& parameters, bool is_mobile,
                 const Circumstances& circumstances) {
  const double never = 1 - parameters.reachability.at_once - parameters.reachability.sometimes;
  const double dead = never * parameters.silence.dead;
  const double unreachable = never * parameters.silence.unreachable;
  const auto& outage = parameters.outage;
  double more = outage.premises_dead - dead;
  if (is_mobile) {
    const double elapsed_s = absl::ToDoubleSeconds(circumstances.since_first_call);
    const double progress = elapsed_s < outage.mobiles_unreachable_after_s
                                ? elapsed_s / outage.mobiles_unreachable_after_s
                                : 1;
    more = progress * (outage.mobiles_unreachable - unreachable);
  }
  const double reached = 1 - dead - unreachable;
  return reached > 0 ? std::max(0.0, more) / reached : 0;
}

bool IsNight(const PopulationParameters::Night& night, const Circumstances& circumstances) {
  const double hour =
      std::fmod(night.first_call_h + absl::ToDoubleHours(circumstances.since_first_call), 24);
  if (night.starts_h <= night.ends_h) return hour >= night.starts_h && hour < night.ends_h;
  return hour >= night.starts_h || hour < night.ends_h;
}

// What becomes of a call that would `usually` meet this. Every draw is made in
// any case: more calls or a later hour turn answers into failures, never back.
FarEnd InCircumstances(const PopulationParameters& parameters, const Circumstances& circumstances,
                       FarEnd usually, Draws line, Draws moment) {
  const bool is_mobile = line.Chance(parameters.lines.mobile);
  const bool is_lost = line.Chance(LostShare(parameters, is_mobile, circumstances));
  const bool is_congested = moment.Chance(CongestedShare(parameters.congestion, circumstances));
  const bool is_blocked = moment.Chance(BlockedShare(parameters.blocking, circumstances));
  const bool wakes_up = moment.Chance(parameters.night.answers_factor);
  if (is_congested) return FarEnd::kCongestion;
  if (usually == FarEnd::kDead || usually == FarEnd::kAnnouncement ||
      usually == FarEnd::kUnreachable) {
    return usually;
  }
  if (is_lost) return is_mobile ? FarEnd::kUnreachable : FarEnd::kDead;
  if (!Answers(usually)) return usually;
  if (is_blocked) return FarEnd::kDeclined;
  return IsNight(parameters.night, circumstances) && !wakes_up ? FarEnd::kNoAnswer : usually;
}

double DrawRings(const PopulationParameters& parameters, FarEnd far_end, Draws& draws) {
  const auto& rings = parameters.rings;
  switch (far_end) {
    case FarEnd::kHuman:
      return draws.Chance(rings.human_late_share)
                 ? draws.Normal(rings.human_late_s, rings.human_late_spread_s)
                 : draws.LogNormal(rings.human_median_s, rings.human_p95_s);
    case FarEnd::kMachine:
      return draws.Chance(rings.phone_off_share)
                 ? draws.Between(0, rings.phone_off_max_s)
                 : draws.Normal(rings.machine_s, rings.machine_spread_s);
    case FarEnd::kFax: return draws.Between(0, rings.phone_off_max_s);
    case FarEnd::kNoAnswer: return parameters.provider.ring_limit_s;
    case FarEnd::kBusy: return rings.busy_s;
    case FarEnd::kAnnouncement:
    case FarEnd::kDead: return rings.dead_s;
    case FarEnd::kUnreachable: return rings.unreachable_s;
    case FarEnd::kDeclined: return rings.declined_s;
    case FarEnd::kCongestion: return rings.congestion_s;
  }
  return 0;
}

char DrawKey(const PopulationParameters::Human& human, Draws& draws) {
  constexpr std::string_view kOthers = "2345678*#";
  const double sum = human.key_1 + human.key_9 + human.key_0 + human.key_other;
  double pick = draws.Share() * sum;
  if ((pick -= human.key_1) < 0) return '1';
  if ((pick -= human.key_9) < 0) return '9';
  if ((pick -= human.key_0) < 0) return '0';
  return kOthers[static_cast<std::size_t>(draws.Share() * static_cast<double>(kOthers.size()))];
}

void PlanHuman(const PopulationParameters::Human& human, Draws& draws, CallPlan& plan) {
  plan.patience = Seconds(human.patience_s);
  plan.stays_after_key = Seconds(human.stays_after_key_s);
  plan.talks = Seconds(draws.LogNormal(human.listens_median_s, human.listens_p95_s));
  const double mood = draws.Share();
  if (mood < human.leaves_early_share) {
    plan.talks =
        Seconds(draws.Between(std::min(1.0, human.leaves_early_max_s), human.leaves_early_max_s));
  } else if (mood < human.leaves_early_share + human.presses_share) {
    plan.key = DrawKey(human, draws);
    plan.presses_again = plan.key == '9' && draws.Chance(human.presses_again_share);
    if (draws.Chance(human.presses_early_share)) {
      plan.presses_at = draws.Between(0, human.instruction_at);
    } else {
      plan.presses_at = human.instruction_at;
      plan.press_delay = Seconds(draws.LogNormal(human.press_median_s, human.press_p95_s));
    }
  }
}

}  // namespace

std::uint64_t StickyHash(std::uint64_t seed, std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a.
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3ULL;
  }
  return Mix(hash ^ Mix(seed));
}

CallPlan PlanCall(const PopulationParameters& parameters, std::uint64_t seed,
                  std::string_view number, const Circumstances& circumstances) {
  const std::uint64_t root = StickyHash(seed, number);
  const std::uint64_t attempt_root = Mix(root ^ Mix(circumstances.attempt + 1));
  Draws sticky(root);
  Draws fresh(attempt_root);
  CallPlan plan;
  plan.far_end =
      InCircumstances(parameters, circumstances, DrawFarEnd(parameters, sticky, fresh),
                      Draws(Mix(root ^ kOfTheLine)), Draws(Mix(attempt_root ^ kOfTheMoment)));
  plan.rings = Seconds(
      std::min(DrawRings(parameters, plan.far_end, fresh), parameters.provider.ring_limit_s));
  const auto& machine = parameters.machine;
  plan.patience = absl::InfiniteDuration();
  switch (plan.far_end) {
    case FarEnd::kHuman: PlanHuman(parameters.human, fresh, plan); break;
    case FarEnd::kMachine:
      plan.talks = Seconds(fresh.LogNormal(machine.greeting_median_s, machine.greeting_p95_s)) +
                   Seconds(fresh.Between(machine.records_min_s, machine.records_max_s));
      break;
    case FarEnd::kFax: plan.talks = Seconds(machine.fax_s); break;
    case FarEnd::kAnnouncement: plan.talks = Seconds(machine.announcement_s); break;
    case FarEnd::kBusy:
      plan.busy_for = Seconds(fresh.Exponential(parameters.busy.clears_median_s));
      break;
    case FarEnd::kNoAnswer:
    case FarEnd::kDead:
    case FarEnd::kUnreachable:
    case FarEnd::kDeclined:
    case FarEnd::kCongestion: break;
  }
  return plan;
}

bool IsMobile(const PopulationParameters& parameters, std::uint64_t seed, std::string_view number) {
  return Draws(Mix(StickyHash(seed, number) ^ kOfTheLine)).Chance(parameters.lines.mobile);
}

CallPlan BusyPlan(const PopulationParameters& parameters) {
  CallPlan plan;
  plan.far_end = FarEnd::kBusy;
  plan.rings = Seconds(parameters.rings.busy_s);
  return plan;
}

CallPlan BlockedPlan(const PopulationParameters& parameters) {
  CallPlan plan;
  plan.far_end = FarEnd::kDeclined;
  plan.rings = Seconds(parameters.rings.declined_s);
  return plan;
}

bool Answers(FarEnd far_end) {
  switch (far_end) {
    case FarEnd::kHuman:
    case FarEnd::kMachine:
    case FarEnd::kFax:
    case FarEnd::kAnnouncement: return true;
    case FarEnd::kNoAnswer:
    case FarEnd::kBusy:
    case FarEnd::kDead:
    case FarEnd::kUnreachable:
    case FarEnd::kDeclined:
    case FarEnd::kCongestion: return false;
  }
  return false;
}

std::string_view Name(FarEnd far_end) {
  constexpr std::array<std::string_view, 10> kNames = {
      "human", "machine", "fax",         "announcement", "no_answer",
      "busy",  "dead",    "unreachable", "declined",     "congestion"};
  return kNames[static_cast<std::size_t>(far_end)];
}

}  // namespace tocsin::callserver
