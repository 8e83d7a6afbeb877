#include "scheduler/breakers.h"

#include <algorithm>

#include "base/check.h"
#include "core/dial_guard.h"
#include "fmt/format.h"

namespace tocsin::scheduler {
namespace {

constexpr absl::Duration kFirstProbe = absl::Seconds(1);
constexpr absl::Duration kLongestProbe = absl::Seconds(30);

// Below so many answers a share says nothing.
constexpr std::int64_t kAnswersMin = 50;
constexpr std::int64_t kAnswersWindow = 200;
constexpr double kUnheardShare = 0.8;
constexpr double kShortShare = 0.6;
constexpr double kOptOutShare = 0.2;
constexpr std::int64_t kOptOutsMin = 15;
constexpr std::int64_t kConfigErrorsMax = 3;

std::int64_t Count(const CampaignProgress& progress, Disposition disposition) {
  const auto it = progress.dispositions.find(disposition);
  return it == progress.dispositions.end() ? 0 : it->second;
}

}  // namespace

void TrunkBreaker::Answered() {
  run_ = 0;
  probes_ = 0;
  if (state_ == State::kHalfOpen) state_ = State::kClosed;
}

void TrunkBreaker::Failed(absl::Time now) {
  ++run_;
  const bool opens = state_ == State::kHalfOpen || (state_ == State::kClosed && run_ >= kRun);
  if (!opens) return;
  state_ = State::kOpen;
  opened_at_ = now;
}

void TrunkBreaker::Probed(bool success, absl::Time now) {
  TOCSIN_CHECK(state_ == State::kOpen);
  if (success) {
    state_ = State::kHalfOpen;
    return;
  }
  ++probes_;
  opened_at_ = now;
}

std::optional<absl::Time> TrunkBreaker::probe_at() const {
  if (state_ != State::kOpen) return std::nullopt;
  return opened_at_ + std::min(kFirstProbe * (1 << std::min(probes_, 10)), kLongestProbe);
}

int TrunkBreaker::in_flight_max(int all) const {
  switch (state_) {
    case State::kClosed: return all;
    case State::kOpen: return 0;
    case State::kHalfOpen: return std::min(all, 1);
  }
  return 0;
}

std::optional<std::string> CampaignBreaker::Look(const Campaign& campaign,
                                                 const CampaignProgress& progress) {
  if (!since_) since_ = progress;
  const std::int64_t sends_max = SendsMax(campaign, progress.people);
  if (progress.sends > sends_max) {
    return fmt::format(
        "breaker: {} sends are more than people x attempts x 1.2 = {}; look at the "
        "provider's answers before resuming",
        progress.sends, sends_max);
  }
  const auto since = [&](std::int64_t now, std::int64_t then) { return now - then; };
  const std::int64_t config_errors =
      since(Count(progress, Disposition::kConfigError), Count(*since_, Disposition::kConfigError));
  if (config_errors >= kConfigErrorsMax) {
    return fmt::format(
        "breaker: {} calls were refused for their configuration; check the trunk's "
        "key, endpoint and caller numbers, then resume",
        config_errors);
  }
  const std::int64_t answers =
      since(Count(progress, Disposition::kAnswered), Count(*since_, Disposition::kAnswered));
  if (answers < kAnswersMin) return std::nullopt;
  const auto share = [&](std::int64_t now, std::int64_t then) {
    return static_cast<double>(now - then) / static_cast<double>(answers);
  };
  const double cut_short = share(progress.short_calls, since_->short_calls);
  // Whoever hangs up within seconds hears nothing, whatever is played; and those
  // calls are the first to be over, so at a start they are nearly all there is.
  const std::int64_t stayed = answers - (progress.short_calls - since_->short_calls);
  const std::int64_t in_vain = progress.unheard_answers - since_->unheard_answers -
                               (progress.short_calls - since_->short_calls);
  const double unheard =
      stayed >= kAnswersMin ? static_cast<double>(in_vain) / static_cast<double>(stayed) : 0;
  const double opted_out = share(progress.opt_outs, since_->opt_outs);
  const std::int64_t opt_outs = progress.opt_outs - since_->opt_outs;
  if (answers >= kAnswersWindow) since_ = progress;
  if (unheard >= kUnheardShare) {
    return fmt::format(
        "breaker: {:.0f} % of the last {} people who stayed on the line heard no message; check "
        "that the provider can fetch the recording, then resume",
        unheard * 100, stayed);
  }
  if (cut_short >= kShortShare) {
    return fmt::format(
        "breaker: {:.0f} % of the last {} answers hung up within seconds; listen to "
        "the message and check the list, then resume",
        cut_short * 100, answers);
  }
  if (opted_out >= kOptOutShare && opt_outs >= kOptOutsMin) {
    return fmt::format(
        "breaker: {:.0f} % of the last {} people opted out; check the list and the "
        "purpose, then resume",
        opted_out * 100, answers);
  }
  return std::nullopt;
}

}  // namespace tocsin::scheduler
