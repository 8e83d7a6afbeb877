#pragma once
#include <string>
#include <string_view>

namespace tocsin::dialer {

// What a provider said, fit to be stored and shown: at most 200 characters of
// printable ASCII, and any run of seven or more digits, with or without
// separators between them, masked: it may be a telephone number.
std::string Scrubbed(std::string_view text);

}  // namespace tocsin::dialer
