#pragma once
#include <string_view>

namespace tocsin::wire {

// The three spellings of the Call Automation API. The two of 2021 share their
// bodies and differ in their paths; GA is what the cloud offers today.
enum class Dialect { k2021_04, k2021_05, kGa };

// The published overview of 2021 and the API's own description disagree on some
// names. A server takes both; a client has to choose.
enum class Edition { kOverview, kSwagger };

// The value of the api-version query parameter that 2021-05 asks for. The
// published edition leaves it open; this is the one of that moment.
inline constexpr std::string_view kApiVersion2021 = "2021-04-15-preview1";
// The same for GA: what the real client of this moment sends.
inline constexpr std::string_view kApiVersionGa = "2026-03-12";

}  // namespace tocsin::wire
