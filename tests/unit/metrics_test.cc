#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin {
namespace {

using testing::HasSubstr;

TEST(DurationHistogram, PutsLengthsUnderTheNextBound) {
  DurationHistogram lengths;
  lengths.Observe(absl::Milliseconds(1));
  lengths.Observe(absl::Microseconds(1001));
  lengths.Observe(absl::Milliseconds(2));
  lengths.Observe(-absl::Seconds(5));
  lengths.Observe(absl::Hours(2));
  EXPECT_EQ(lengths.InBucket(0), 2U);
  EXPECT_EQ(lengths.InBucket(1), 2U);
  EXPECT_EQ(lengths.InBucket(DurationHistogram::kBuckets), 1U);
  EXPECT_NEAR(lengths.SumSeconds(), 7200.004001, 1e-9);
}

TEST(MetricsPage, IsWhatPrometheusReads) {
  DurationHistogram lengths;
  lengths.Observe(absl::Milliseconds(3));
  lengths.Observe(absl::Milliseconds(3));
  MetricsPage page;
  page.Counter("tocsin_calls_total", "Calls.", 3, {{"trunk", "a \"b\""}});
  page.Counter("tocsin_calls_total", "Calls.", 4, {{"trunk", "c"}});
  page.Gauge("tocsin_live", "Live.", 1.5);
  page.Histogram("tocsin_wait_seconds", "Waits.", lengths);
  const std::string text = page.Text();
  EXPECT_THAT(text, HasSubstr("# HELP tocsin_calls_total Calls.\n"
                              "# TYPE tocsin_calls_total counter\n"
                              "tocsin_calls_total{trunk=\"a \\\"b\\\"\"} 3\n"
                              "tocsin_calls_total{trunk=\"c\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE tocsin_live gauge\ntocsin_live 1.5\n"));
  EXPECT_THAT(text, HasSubstr("tocsin_wait_seconds_count 2\n"));
  EXPECT_THAT(text, HasSubstr("tocsin_wait_seconds_bucket{le=\"0.002\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("tocsin_wait_seconds_bucket{le=\"0.004\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("tocsin_wait_seconds_bucket{le=\"+Inf\"} 2\n"));
}

}  // namespace
}  // namespace tocsin
