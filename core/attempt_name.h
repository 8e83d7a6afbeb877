#pragma once
#include <string>

#include "core/ids.h"

namespace tocsin {

// "7/8": campaign and attempt, as in the callback URL and in every log line.
inline std::string Name(const AttemptKey& key) {
  return std::to_string(key.campaign.value()) + '/' + std::to_string(key.attempt.value());
}

}  // namespace tocsin
