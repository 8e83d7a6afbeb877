#pragma once
#include <string>
#include <string_view>

namespace tocsin::dialer {

// What a provider said, fit to be stored and shown: at most 200 characters of
// printable ASCII. Masked is any run of seven or more digits, with or without
// separators between them, which may be a telephone number; and any word of 32 or
// more characters with digits among them, but a UUID, which may be a token or a
// signature of ours that came back.
std::string Scrubbed(std::string_view text);

}  // namespace tocsin::dialer
