#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace tocsin {

// A distribution of lengths of time, in buckets from a millisecond to a minute,
// each twice as long as the one before. Thread-safe; never blocks.
class DurationHistogram {
 public:
  static constexpr int kBuckets = 17;  // And one for what is longer.
  static double BoundSeconds(int bucket) { return 0.001 * static_cast<double>(1 << bucket); }

  // Negative lengths count as none.
  void Observe(absl::Duration length);

  std::uint64_t InBucket(int bucket) const { return counts_[static_cast<std::size_t>(bucket)]; }
  double SumSeconds() const { return 1e-6 * static_cast<double>(micros_.load()); }

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets + 1> counts_{};
  std::atomic<std::uint64_t> micros_{0};
};

// What one scrape finds: written anew each time by those who count, then told in
// the text format of Prometheus.
//
// Names are "tocsin_<what>_<unit>", counters end in "_total". Labels are few and
// of few values: trunks, dispositions, reasons. Never a number, a name, a
// campaign. Not thread-safe.
class MetricsPage {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  MetricsPage();
  ~MetricsPage();
  MetricsPage(const MetricsPage&) = delete;
  MetricsPage& operator=(const MetricsPage&) = delete;

  // Only grows while the process lives.
  void Counter(std::string_view name, std::string_view help, double value, Labels labels = {});
  void Gauge(std::string_view name, std::string_view help, double value, Labels labels = {});
  void Histogram(std::string_view name, std::string_view help, const DurationHistogram& lengths,
                 Labels labels = {});

  std::string Text() const;

 private:
  class Families;
  std::unique_ptr<Families> families_;
};

}  // namespace tocsin
