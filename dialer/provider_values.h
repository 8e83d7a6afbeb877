#pragma once
#include <string>
#include <string_view>

#include "dialer/protocol.h"

// What the protocols of all dialects share. For the .cc files of dialer/ only.
namespace tocsin::dialer {

// Whether a provider's id of a call is one that we would keep.
bool IsCallId(std::string_view id);

// A language as the provider's speech wants it, with a region: "en" -> "en-US".
std::string LocaleOf(std::string_view language);

// A GUID made of `text`: the same for the same.
std::string GuidOf(std::string_view text);

// The error that a provider's code and words amount to.
ProviderError ErrorOf(std::string_view code, std::string_view message);

}  // namespace tocsin::dialer
