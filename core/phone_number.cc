#include "core/phone_number.h"

#include "absl/status/status.h"
#include "base/status_macros.h"

namespace tocsin {

absl::StatusOr<PhoneNumber> PhoneNumber::Parse(std::string_view text) {
  if (text.empty() || text.front() != '+') {
    return absl::InvalidArgumentError("a number in E.164 form begins with '+'");
  }
  const std::string_view digits = text.substr(1);
  if (digits.size() < 8 || digits.size() > 15) {
    return InvalidArgument("a number in E.164 form has 8 to 15 digits, this one has {}",
                           digits.size());
  }
  for (const char c : digits) {
    if (c < '0' || c > '9') {
      return absl::InvalidArgumentError("a number in E.164 form has only digits after the '+'");
    }
  }
  if (digits.front() == '0') {
    return absl::InvalidArgumentError("a country code does not begin with 0");
  }
  return PhoneNumber(std::string(text));
}

std::string PhoneNumber::Masked() const {
  constexpr std::size_t kHead = 3;
  constexpr std::size_t kTail = 2;
  return e164_.substr(0, kHead) + std::string(e164_.size() - kHead - kTail, '*') +
         e164_.substr(e164_.size() - kTail);
}

}  // namespace tocsin
