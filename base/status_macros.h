#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fmt/format.h"

// Delete when the toolchain's Abseil has status_macros.h.
#define TOCSIN_CONCAT_INNER(a, b) a##b
#define TOCSIN_CONCAT(a, b) TOCSIN_CONCAT_INNER(a, b)

// Leaves the enclosing function with the status if it is not OK.
#define TOCSIN_RETURN_IF_ERROR(expression)                                                    \
  do {                                                                                        \
    if (absl::Status tocsin_status = (expression); !tocsin_status.ok()) return tocsin_status; \
  } while (false)

// TOCSIN_ASSIGN_OR_RETURN(const auto x, F()); declares or assigns `lhs`, or
// leaves the enclosing function with F's status.
#define TOCSIN_ASSIGN_OR_RETURN(lhs, expression) \
  TOCSIN_ASSIGN_OR_RETURN_INNER(TOCSIN_CONCAT(tocsin_statusor_, __LINE__), lhs, expression)
#define TOCSIN_ASSIGN_OR_RETURN_INNER(statusor, lhs, expression) \
  auto statusor = (expression);                                  \
  if (!statusor.ok()) return statusor.status();                  \
  lhs = *std::move(statusor)

namespace tocsin {

// The distribution's absl::string_view is not std::string_view, so messages
// are made with fmt and handed over as std::string.
template <class... Args>
absl::Status MakeStatus(absl::StatusCode code, fmt::format_string<Args...> format, Args&&... args) {
  return absl::Status(code, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
absl::Status InvalidArgument(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
absl::Status FailedPrecondition(fmt::format_string<Args...> format, Args&&... args) {
  return absl::FailedPreconditionError(fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
absl::Status NotFound(fmt::format_string<Args...> format, Args&&... args) {
  return absl::NotFoundError(fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
absl::Status Unavailable(fmt::format_string<Args...> format, Args&&... args) {
  return absl::UnavailableError(fmt::format(format, std::forward<Args>(args)...));
}

// The message of a status as a std::string.
inline std::string Message(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

}  // namespace tocsin
