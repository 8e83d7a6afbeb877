#pragma once
#include <string>
#include <string_view>
#include <vector>

// Paths, in pieces. For the .cc files of wire/ only.
namespace tocsin::wire {

// All but letters, digits and "-_.~" as %XX.
std::string PercentEncode(std::string_view text);

// A '%' that starts no escape stands for itself.
std::string PercentDecode(std::string_view text);

// "/a/b" -> {"a", "b"}; not decoded. Views into `path`.
std::vector<std::string_view> PathSegments(std::string_view path);

// Whether a literal segment is `name`, in whatever case: the published
// documents disagree.
bool IsSegment(std::string_view segment, std::string_view name);

}  // namespace tocsin::wire
