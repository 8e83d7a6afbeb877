#pragma once
#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "tocsin/v1/campaign.pb.h"

namespace tocsin {

// Speeds of a campaign, from what it told of itself one time after another.
// Counts by the service's clock, so that a stall of the line between does not
// look like one of the campaign. A value without a clock; not thread-safe.
class CampaignSpeed {
 public:
  void Add(const v1::CampaignProgress& progress);

  // Create-call requests a second over the last 5 s; unset before there is
  // anything to compare with.
  std::optional<double> calls_per_second() const;
  // Until everybody has an outcome, at the pace of the last 30 s; unset while
  // nobody gets one.
  std::optional<absl::Duration> time_left() const;

 private:
  struct Sample {
    absl::Time at;
    double sends = 0;
    double done = 0;
  };
  std::deque<Sample> samples_;
  double people_left_ = 0;
};

// The line that is drawn over and over on a terminal of `width` cells:
//   [#######-------]  48.3 %  4,831 of 10,000 done | 213 live | 498.7 of 500 calls/s | ...
std::string ProgressBar(const v1::CampaignProgress& progress, const CampaignSpeed& speed,
                        std::size_t width);

// The same for a file or a pipe, without a line end:
//   21:04:10 RUNNING done=4831/10000 live=213 calls_per_second=498.7/500 ...
std::string ProgressLine(const v1::CampaignProgress& progress, const CampaignSpeed& speed);

// A bar for a list that is being sent: rows, rate, time left.
std::string ImportBar(std::int64_t rows, std::int64_t rows_in_all, absl::Duration since_start,
                      std::size_t width);

// "1:02:03", "4:05"; whole seconds.
std::string ShortDuration(absl::Duration duration);

// "RUNNING" of CAMPAIGN_STATE_RUNNING.
std::string ShortName(v1::CampaignState state);

absl::Time TimeOf(const google::protobuf::Timestamp& time);

}  // namespace tocsin
