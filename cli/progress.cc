#include "cli/progress.h"

#include <algorithm>
#include <cmath>

#include "cli/table.h"
#include "cli/utf8.h"
#include "fmt/format.h"

namespace tocsin {
namespace {

constexpr absl::Duration kRateOver = absl::Seconds(5);
constexpr absl::Duration kPaceOver = absl::Seconds(30);
// Two readings a few milliseconds apart say nothing about a rate.
constexpr absl::Duration kRateLeast = absl::Milliseconds(800);
constexpr std::size_t kBarWidth = 20;

std::string DrawBar(double share) {
  const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * kBarWidth);
  return "[" + std::string(full, '#') + std::string(kBarWidth - full, '-') + "]";
}

double ShareOf(std::int64_t part, std::int64_t whole) {
  return whole <= 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// 500 -> "500", 0.5 -> "0.5", 498.74 -> "498.7".
std::string Rate(double rate) {
  return rate == std::floor(rate) ? fmt::format("{:.0f}", rate) : fmt::format("{:.1f}", rate);
}

}  // namespace

void CampaignSpeed::Add(const v1::CampaignProgress& progress) {
  const absl::Time at = TimeOf(progress.as_of());
  people_left_ = static_cast<double>(progress.people() - progress.done());
  if (!samples_.empty() && at < samples_.back().at) samples_.clear();
  samples_.push_back(
      {at, static_cast<double>(progress.sends()), static_cast<double>(progress.done())});
  // The oldest stays as the other end of the window.
  while (samples_.size() > 2 && samples_[1].at <= at - kPaceOver) samples_.pop_front();
}

std::optional<double> CampaignSpeed::calls_per_second() const {
  if (samples_.empty()) return std::nullopt;
  const Sample& last = samples_.back();
  auto first = std::find_if(samples_.begin(), samples_.end(),
                            [&](const Sample& sample) { return sample.at >= last.at - kRateOver; });
  if (first != samples_.begin()) --first;
  const absl::Duration length = last.at - first->at;
  if (length < kRateLeast) return std::nullopt;
  return std::max(0.0, last.sends - first->sends) / absl::ToDoubleSeconds(length);
}

std::optional<absl::Duration> CampaignSpeed::time_left() const {
  if (samples_.empty()) return std::nullopt;
  if (people_left_ <= 0) return absl::ZeroDuration();
  const absl::Duration length = samples_.back().at - samples_.front().at;
  const double done = samples_.back().done - samples_.front().done;
  if (length < kRateLeast || done <= 0) return std::nullopt;
  return length * (people_left_ / done);
}

std::string ProgressBar(const v1::CampaignProgress& progress, const CampaignSpeed& speed,
                        std::size_t width) {
  const double share = ShareOf(progress.done(), progress.people());
  std::string line = fmt::format("{} {:5.1f} %  {} of {} done | {} live", DrawBar(share),
                                 100 * share, WithCommas(progress.done()),
                                 WithCommas(progress.people()), WithCommas(progress.live()));
  if (const auto rate = speed.calls_per_second()) {
    line += fmt::format(" | {} of {} calls/s", Rate(std::round(*rate * 10) / 10),
                        Rate(progress.calls_per_second_max()));
  }
  line += fmt::format(" | {} acknowledged", WithCommas(progress.acknowledged()));
  if (progress.state() != v1::CAMPAIGN_STATE_RUNNING) {
    line += " | " + ShortName(progress.state());
    if (!progress.state_reason().empty()) line += ": " + Printable(progress.state_reason());
  } else if (const auto left = speed.time_left()) {
    line += " | ETA " + ShortDuration(*left);
  }
  return CutToWidth(line, width);
}

std::string ProgressLine(const v1::CampaignProgress& progress, const CampaignSpeed& speed) {
  const auto rate = speed.calls_per_second();
  const auto left = speed.time_left();
  std::string line = fmt::format(
      "{} {} done={}/{} live={} calls_per_second={}/{} acknowledged={} eta_s={}",
      absl::FormatTime("%H:%M:%S", TimeOf(progress.as_of()), absl::LocalTimeZone()),
      ShortName(progress.state()), progress.done(), progress.people(), progress.live(),
      rate ? fmt::format("{:.1f}", *rate) : "-", Rate(progress.calls_per_second_max()),
      progress.acknowledged(), left ? fmt::format("{:.0f}", absl::ToDoubleSeconds(*left)) : "-");
  if (!progress.state_reason().empty()) {
    line += fmt::format(" reason=\"{}\"", Printable(progress.state_reason()));
  }
  return line;
}

std::string ImportBar(std::int64_t rows, std::int64_t rows_in_all, absl::Duration since_start,
                      std::size_t width) {
  const double share = ShareOf(rows, rows_in_all);
  const double seconds = absl::ToDoubleSeconds(since_start);
  std::string line = fmt::format("{} {:5.1f} %  {} of {} rows", DrawBar(share), 100 * share,
                                 WithCommas(rows), WithCommas(rows_in_all));
  if (rows > 0 && seconds > 0.5) {
    const double rate = static_cast<double>(rows) / seconds;
    line +=
        fmt::format(" | {} rows/s | ETA {}", WithCommas(static_cast<std::int64_t>(rate)),
                    ShortDuration(absl::Seconds(static_cast<double>(rows_in_all - rows) / rate)));
  }
  return CutToWidth(line, width);
}

std::string ShortDuration(absl::Duration duration) {
  const std::int64_t seconds =
      absl::ToInt64Seconds(std::max(duration + absl::Milliseconds(500), absl::ZeroDuration()));
  if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string ShortName(v1::CampaignState state) {
  constexpr std::string_view kPrefix = "CAMPAIGN_STATE_";
  const std::string& name = v1::CampaignState_Name(state);
  // A newer service may know states that we do not.
  return name.empty() ? fmt::format("STATE_{}", static_cast<int>(state))
                      : name.substr(kPrefix.size());
}

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

}  // namespace tocsin
