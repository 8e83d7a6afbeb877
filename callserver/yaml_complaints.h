#pragma once
#include <yaml-cpp/yaml.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace tocsin::callserver {

// Gathers everything that is wrong with one file, each with its line. For the
// .cc files that read YAML.
class YamlComplaints {
 public:
  // `file_name` must outlive it.
  explicit YamlComplaints(std::string_view file_name) : file_name_(file_name) {}

  // What does not come from a file has no lines.
  void Add(const YAML::Mark& mark, std::string_view what) {
    if (mark.is_null()) return Add(what);
    Append(fmt::format("{}:{}: {}", file_name_, mark.line + 1, what));
  }
  void Add(std::string_view what) { Append(fmt::format("{}: {}", file_name_, what)); }

  absl::Status AsStatus() const {
    return text_.empty() ? absl::OkStatus() : absl::InvalidArgumentError(text_);
  }

 private:
  void Append(std::string_view line) {
    if (!text_.empty()) text_ += '\n';
    text_ += line;
  }

  std::string_view file_name_;
  std::string text_;
};

// The key of a map as text; empty if it is none.
inline std::string KeyText(const YAML::Node& key) {
  return key.IsScalar() ? key.Scalar() : std::string();
}

// Whether `value` is a number, not a text that looks like one.
inline bool IsNumber(const YAML::Node& value, double& number) {
  return value.IsScalar() && value.Tag() != "!" && YAML::convert<double>::decode(value, number);
}

}  // namespace tocsin::callserver
