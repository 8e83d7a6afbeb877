#include "core/dial_guard.h"

#include <algorithm>
#include <cmath>

#include "base/status_macros.h"
#include "fmt/format.h"

namespace tocsin {
namespace {

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// Codes that belong to no country: satellite, pagers, shared cost, universal
// access, global networks and services.
constexpr std::string_view kGlobalRanges[] = {"870", "878", "881", "882", "883", "888", "979"};

// Premium, shared-cost, universal-access and pager ranges inside countries
// that notify customers by telephone most; DialGuard's country allow-list
// keeps the rest of the world out unless somebody asks for it by name.
constexpr struct {
  std::string_view prefix;
  std::string_view kind;
} kCostlyRanges[] = {
    {"449", "premium-rate"},     {"4484", "shared-cost"},      {"4487", "shared-cost"},
    {"4476", "pager"},           {"4470", "personal-number"},  {"49900", "premium-rate"},
    {"49180", "shared-cost"},    {"4932", "universal-access"}, {"33891", "premium-rate"},
    {"33892", "premium-rate"},   {"33897", "premium-rate"},    {"33899", "premium-rate"},
    {"3381", "shared-cost"},     {"3382", "shared-cost"},      {"39892", "premium-rate"},
    {"39895", "premium-rate"},   {"39899", "premium-rate"},    {"39144", "premium-rate"},
    {"34803", "premium-rate"},   {"34806", "premium-rate"},    {"34807", "premium-rate"},
    {"34901", "shared-cost"},    {"34902", "shared-cost"},     {"31900", "premium-rate"},
    {"31906", "premium-rate"},   {"31909", "premium-rate"},    {"43900", "premium-rate"},
    {"43901", "premium-rate"},   {"43930", "premium-rate"},    {"41900", "premium-rate"},
    {"41901", "premium-rate"},   {"41906", "premium-rate"},    {"46900", "premium-rate"},
    {"46939", "premium-rate"},   {"46944", "premium-rate"},    {"3531520", "premium-rate"},
    {"3531550", "premium-rate"}, {"3531590", "premium-rate"},  {"61190", "premium-rate"},
    {"6113", "shared-cost"},     {"64900", "premium-rate"},    {"81990", "premium-rate"},
    {"32900", "premium-rate"},   {"32909", "premium-rate"},    {"45900", "premium-rate"},
    {"47829", "premium-rate"},   {"35870", "shared-cost"},     {"48700", "premium-rate"},
    {"48701", "premium-rate"},   {"48708", "premium-rate"},
};

// Inside the North American plan (without the leading 1).
std::optional<std::string> RefusedNanp(std::string_view national) {
  if (national.size() != 10) return "a number of the North American plan has ten digits";
  const std::string_view area = national.substr(0, 3);
  const std::string_view exchange = national.substr(3, 3);
  const auto is_service_code = [](std::string_view code) {
    return code.size() == 3 && code[1] == '1' && code[2] == '1';
  };
  if (is_service_code(area) || is_service_code(exchange)) return "service or emergency code (N11)";
  if (area == "900") return "premium-rate number";
  if (exchange == "976") return "premium-rate number";
  if (area[0] < '2' || exchange[0] < '2') return "no such area code or exchange";
  // Directory assistance, in every area code.
  if (exchange == "555" && (national.substr(6) == "1212" || national.substr(6) == "4334")) {
    return "directory assistance";
  }
  return std::nullopt;
}

std::optional<std::string> RefusedEndpoint(const Campaign& campaign, const Trunk& trunk,
                                           std::int64_t trunk_sends) {
  if (IsLoopbackEndpoint(trunk.endpoint)) return std::nullopt;
  if (campaign.spec.synthetic) return "a synthetic list is dialed by a local trunk only";
  if (campaign.time_scale != 1) return "a campaign with a time scale is a rehearsal";
  if (!trunk.live_dialing) return "live_dialing is off for this trunk";
  if (trunk.allowed_regions.empty()) return "allowed_regions is not set for this trunk";
  if (trunk.spend_ceiling_calls <= 0) return "spend_ceiling_calls is not set for this trunk";
  if (trunk_sends >= trunk.spend_ceiling_calls)
    return "spend_ceiling_calls of this trunk is used up";
  return std::nullopt;
}

std::optional<std::string> RefusedHere(const Campaign& campaign, const Trunk& trunk,
                                       const DialRequest& request) {
  if (auto refused = RefusedDestination(request.to)) return refused;
  for (const PhoneNumber& caller : trunk.caller_numbers) {
    if (caller == request.to) return "one of our own caller numbers";
  }
  if (campaign.spec.synthetic != IsSyntheticNumber(request.to)) {
    return campaign.spec.synthetic ? "not a synthetic number, in a list that is"
                                   : "a synthetic number, in a list that is not";
  }
  if (trunk.allowed_regions.empty()) return std::nullopt;
  const auto allowed =
      std::find(trunk.allowed_regions.begin(), trunk.allowed_regions.end(), request.region);
  if (allowed == trunk.allowed_regions.end()) return "country not allowed on this trunk";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> RefusedDestination(const PhoneNumber& number) {
  const std::string_view digits = std::string_view(number.e164()).substr(1);
  if (digits.size() < 8) return "fewer than 8 digits";
  if (digits.front() == '1') return RefusedNanp(digits.substr(1));
  for (const std::string_view range : kGlobalRanges) {
    if (StartsWith(digits, range)) return "global, satellite or shared-cost range";
  }
  for (const auto& [prefix, kind] : kCostlyRanges) {
    if (StartsWith(digits, prefix)) return fmt::format("{} number", kind);
  }
  return std::nullopt;
}

bool IsSyntheticNumber(const PhoneNumber& number) {
  const std::string_view digits = std::string_view(number.e164()).substr(1);
  return digits.size() == 11 && digits.front() == '1' && digits.substr(4, 3) == "555";
}

GuardVerdict GuardDial(const Campaign& campaign, const Trunk& trunk, const DialRequest& request,
                       absl::Time now) {
  if (auto wrong = RefusedEndpoint(campaign, trunk, request.trunk_sends)) {
    return GuardMisconfigured{*std::move(wrong)};
  }
  if (auto refused = RefusedHere(campaign, trunk, request))
    return GuardRefusal{*std::move(refused)};
  const auto zone = FindTimeZone(
      request.time_zone.empty() ? std::string_view(campaign.spec.time_zone) : request.time_zone);
  if (!zone.ok()) return GuardRefusal{"the person's time zone is unknown"};
  const absl::Time opening =
      NextOpening(campaign.spec.window, *zone, now, ScaledFlow(campaign).ring_limit);
  if (opening > now) return GuardWait{opening};
  return GuardPass{};
}

std::optional<std::string> GuardTransfer(const Campaign& campaign, const Trunk& trunk,
                                         const OperatorLine& line, std::int64_t trunk_sends) {
  if (auto wrong = RefusedEndpoint(campaign, trunk, trunk_sends)) return wrong;
  return RefusedHere(campaign, trunk, {.to = line.number, .region = line.region, .time_zone = ""});
}

std::int64_t SendsMax(const Campaign& campaign, std::int64_t people) {
  return static_cast<std::int64_t>(
      std::ceil(static_cast<double>(people * campaign.spec.retry.attempts_max) * 1.2));
}

}  // namespace tocsin
