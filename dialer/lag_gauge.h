#pragma once
#include <array>

#include "absl/time/time.h"

namespace tocsin::dialer {

// How late a provider's events come: the time between what happened and its
// arrival here, beyond what the two clocks differ by.
//
// A caller who has answered hears nothing until we know of it. So lateness is
// measured in the life of the person who holds the telephone: on a rehearsal
// trunk, whose life runs faster, a tenth of a second may be six.
//
// A value; not thread-safe.
class LagGauge {
 public:
  // Late by so much, sends begin to be held back; by so much, they are held
  // back wholly.
  static constexpr absl::Duration kStrained = absl::Milliseconds(2500);
  static constexpr absl::Duration kTooLate = absl::Seconds(6);

  // An event of `at`, by the provider's clock, arrived at `now`. Times that go
  // backwards are taken as they come.
  void Note(absl::Time now, absl::Time at, double time_scale);

  // The average lateness of the last half second's events. What nothing
  // confirms any more fades.
  absl::Duration Lateness(absl::Time now) const;

  // Lateness() from kStrained to kTooLate as 0..1.
  double Strain(absl::Time now) const;

 private:
  // The least difference of the clocks that was seen is the one they have; it
  // is looked for over some minutes, for clocks drift.
  absl::Duration Baseline() const;

  struct Span {
    absl::Time since = absl::InfinitePast();
    absl::Duration least = absl::InfiniteDuration();
  };

  std::array<Span, 2> spans_;  // This one and the one before it.
  absl::Time noted_at_ = absl::InfinitePast();
  absl::Duration average_;
};

}  // namespace tocsin::dialer
