#pragma once
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tocsin {

// The length of a recording that a provider will play: a WAV file of 16-bit
// PCM, mono, 16 kHz, of more than nothing and at most 4 minutes.
// kInvalidArgument says what it is instead and how to convert it.
absl::StatusOr<absl::Duration> CheckWav(std::string_view file);

}  // namespace tocsin
