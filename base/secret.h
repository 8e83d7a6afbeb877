#pragma once
#include <string>
#include <utility>

namespace tocsin {

// A key, password or connection string. It cannot be printed by accident: no
// operator<<, no fmt formatter; only Reveal() at the place of use.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  const std::string& Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace tocsin
