#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

// The telephone numbers of a resource: of a sister API of Call Automation, the
// one question that a dialer has for it.
namespace tocsin::wire {

inline constexpr int kOwnedNumbersPageMax = 100;

// GET; lists from the one after `skip` on.
std::string OwnedNumbersPath(int skip);

// The numbers of a page, in E.164. kInvalidArgument, naming the place, if it is none.
absl::StatusOr<std::vector<std::string>> DecodeOwnedNumbers(std::string_view body);

}  // namespace tocsin::wire
