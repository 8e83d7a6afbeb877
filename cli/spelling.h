#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

// The name that `word` was probably meant to be: the nearest by changed, left
// out, added and swapped letters, if it is near enough; else empty.
std::string NearestName(std::string_view word, const std::vector<std::string>& names);

}  // namespace tocsin
