#include "base/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <sstream>

#include "base/check.h"

namespace tocsin {

void DurationHistogram::Observe(absl::Duration length) {
  const std::int64_t micros = std::max<std::int64_t>(absl::ToInt64Microseconds(length), 0);
  int bucket = 0;
  while (bucket < kBuckets && static_cast<double>(micros) > 1e6 * BoundSeconds(bucket)) ++bucket;
  counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  micros_.fetch_add(static_cast<std::uint64_t>(micros), std::memory_order_relaxed);
}

// In the order in which they were first written.
class MetricsPage::Families {
 public:
  prometheus::ClientMetric& Add(std::string_view name, std::string_view help,
                                prometheus::MetricType type, Labels labels) {
    prometheus::MetricFamily& family = Find(name, help, type);
    TOCSIN_CHECK(family.type == type);
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    for (auto& [key, value] : labels) metric.label.push_back({std::move(key), std::move(value)});
    return metric;
  }

  std::string Text() const {
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, all_);
    return std::move(text).str();
  }

 private:
  prometheus::MetricFamily& Find(std::string_view name, std::string_view help,
                                 prometheus::MetricType type) {
    for (prometheus::MetricFamily& family : all_) {
      if (family.name == name) return family;
    }
    prometheus::MetricFamily& family = all_.emplace_back();
    family.name = name;
    family.help = help;
    family.type = type;
    return family;
  }

  std::vector<prometheus::MetricFamily> all_;
};

MetricsPage::MetricsPage() : families_(std::make_unique<Families>()) {}
MetricsPage::~MetricsPage() = default;

void MetricsPage::Counter(std::string_view name, std::string_view help, double value,
                          Labels labels) {
  families_->Add(name, help, prometheus::MetricType::Counter, std::move(labels)).counter.value =
      value;
}

void MetricsPage::Gauge(std::string_view name, std::string_view help, double value, Labels labels) {
  families_->Add(name, help, prometheus::MetricType::Gauge, std::move(labels)).gauge.value = value;
}

void MetricsPage::Histogram(std::string_view name, std::string_view help,
                            const DurationHistogram& lengths, Labels labels) {
  auto& told = families_->Add(name, help, prometheus::MetricType::Histogram, std::move(labels));
  std::uint64_t up_to_here = 0;
  for (int bucket = 0; bucket <= DurationHistogram::kBuckets; ++bucket) {
    up_to_here += lengths.InBucket(bucket);
    const bool rest = bucket == DurationHistogram::kBuckets;
    told.histogram.bucket.push_back({.cumulative_count = up_to_here,
                                     .upper_bound = rest
                                                        ? std::numeric_limits<double>::infinity()
                                                        : DurationHistogram::BoundSeconds(bucket)});
  }
  told.histogram.sample_count = up_to_here;
  told.histogram.sample_sum = lengths.SumSeconds();
}

std::string MetricsPage::Text() const {
  return families_->Text();
}

}  // namespace tocsin
