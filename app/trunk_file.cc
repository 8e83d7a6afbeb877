#include "app/trunk_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "base/status_macros.h"
#include "cli/recipient_file.h"
#include "cli/spelling.h"
#include "cli/utf8.h"
#include "fmt/ranges.h"

namespace tocsin {
namespace {

// What a key's values are read with: one of a plain value, any number of a list.
// Returns what would be right, empty if they are.
using Setter = std::function<std::string(const std::vector<std::string>& values)>;

struct Key {
  const char* name;
  Setter set;
};

Setter One(const std::function<std::string(const std::string&)>& set) {
  return [set](const std::vector<std::string>& values) {
    return values.size() == 1 && !values[0].empty() ? set(values[0])
                                                    : std::string("must have one value");
  };
}

template <class Number>
Setter NumberInto(Number& target) {
  return One([&target](const std::string& text) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), target);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    const char* const kind =
        std::is_integral_v<Number> ? "must be a whole number" : "must be a number";
    return std::string(whole ? "" : kind);
  });
}

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  absl::StatusOr<Trunk> Read(const std::string& text) {
    try {
      const YAML::Node root = YAML::Load(text);
      if (root.IsMap()) {
        for (const auto& entry : root) ReadKey(entry.first, entry.second);
        Check(root);
      } else {
        Add(root.Mark(), "a trunk is a list of keys and values (name: ...)");
      }
    } catch (const YAML::Exception& error) {
      Add(error.mark, fmt::format("broken YAML: {}", error.msg));
    }
    if (!faults_.empty()) return InvalidArgument("{}", fmt::join(faults_, "\n"));
    return std::move(trunk_);
  }

 private:
  // Never changes; refers to trunk_.
  std::vector<Key> MakeKeys() {
    return {
        {"name", One([this](const std::string& text) { return Text(text, trunk_.name); })},
        {"endpoint", One([this](const std::string& text) { return Text(text, trunk_.endpoint); })},
        {"dialect", One([this](const std::string& text) {
           const std::optional<Dialect> dialect = FromName<Dialect>(text);
           if (!dialect) return std::string("must be 2021-04, 2021-05 or ga");
           trunk_.dialect = *dialect;
           return std::string();
         })},
        {"access_key_file", One([this](const std::string& text) { return SetAccessKey(text); })},
        {"caller_numbers",
         [this](const std::vector<std::string>& values) { return SetCallers(values); }},
        {"calls_per_second", NumberInto(trunk_.calls_per_second)},
        {"concurrent_max", NumberInto(trunk_.concurrent_max)},
        {"concurrent_max_per_caller", NumberInto(trunk_.concurrent_max_per_caller)},
        {"time_scale", NumberInto(trunk_.time_scale)},
        {"live_dialing", One([this](const std::string& text) {
           if (text != "true" && text != "false") return std::string("must be true or false");
           trunk_.live_dialing = text == "true";
           return std::string();
         })},
        {"allowed_regions",
         [this](const std::vector<std::string>& values) { return SetRegions(values); }},
        {"spend_ceiling_calls", NumberInto(trunk_.spend_ceiling_calls)},
    };
  }

  static std::string Text(const std::string& text, std::string& target) {
    target = text;
    return "";
  }

  std::string SetAccessKey(const std::string& name) {
    std::ifstream file(std::filesystem::path(path_).parent_path() / name);
    std::stringstream text;
    text << file.rdbuf();
    if (!file) return "must name a file that can be read, relative to this one";
    const std::string kept = text.str();
    const absl::string_view key = absl::StripAsciiWhitespace(kept);
    std::string bytes;
    if (!absl::Base64Unescape(key, &bytes) || bytes.size() < 16) {
      return "must name a file that holds a key of at least 16 bytes in base64";
    }
    trunk_.access_key = Secret(std::string(key));
    return "";
  }

  std::string SetCallers(const std::vector<std::string>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      absl::StatusOr<PhoneNumber> number = PhoneNumber::Parse(values[i]);
      if (!number.ok()) {
        return fmt::format("must be numbers like \"+12065550100\", and number {} is none", i + 1);
      }
      trunk_.caller_numbers.push_back(*std::move(number));
    }
    return "";
  }

  std::string SetRegions(const std::vector<std::string>& values) {
    const auto is_region = [](const std::string& text) {
      return text.size() == 2 &&
             std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    };
    if (!std::all_of(values.begin(), values.end(), is_region)) {
      return "must be countries by two capital letters, like [US, CA]";
    }
    trunk_.allowed_regions = values;
    return "";
  }

  void ReadKey(const YAML::Node& at, const YAML::Node& value) {
    const std::string name = at.IsScalar() ? at.Scalar() : "";
    const auto key = std::find_if(keys_.begin(), keys_.end(),
                                  [&](const Key& known) { return known.name == name; });
    if (key == keys_.end()) return AddUnknown(at, name);
    if (!places_.emplace(name, at.Mark()).second) {
      return Add(at.Mark(), fmt::format("key '{}' is there twice", name));
    }
    std::vector<std::string> values;
    if (value.IsScalar()) values.push_back(value.Scalar());
    if (value.IsSequence()) {
      for (const YAML::Node& part : value) values.push_back(part.IsScalar() ? part.Scalar() : "");
    }
    const std::string wrong = key->set(values);
    if (wrong.empty()) return;
    wrong_.push_back(name);
    Add(at.Mark(), fmt::format("'{}' {}", name, wrong));
  }

  void AddUnknown(const YAML::Node& at, const std::string& name) {
    std::vector<std::string> names;
    names.reserve(keys_.size());
    for (const Key& key : keys_) names.emplace_back(key.name);
    const std::string nearest = NearestName(name, names);
    Add(at.Mark(), fmt::format("unknown key '{}'; {}", CutToWidth(Printable(name), 60),
                               nearest.empty() ? fmt::format("known are {}", fmt::join(names, ", "))
                                               : fmt::format("did you mean '{}'?", nearest)));
  }

  // What is wrong with the whole, in the place of the key or, if that is missing, of the file.
  void Check(const YAML::Node& root) {
    for (const FieldViolation& violation : CheckTrunk(trunk_)) {
      if (std::find(wrong_.begin(), wrong_.end(), violation.field) != wrong_.end()) continue;
      const auto place = places_.find(violation.field);
      Add(place == places_.end() ? root.Mark() : place->second,
          fmt::format("'{}' {}", violation.field, violation.description));
    }
  }

  void Add(const YAML::Mark& mark, const std::string& text) {
    faults_.push_back(
        mark.is_null() ? fmt::format("{}: {}", path_, text)
                       : fmt::format("{}:{}:{}: {}", path_, mark.line + 1, mark.column + 1, text));
  }

  const std::string& path_;
  Trunk trunk_;
  const std::vector<Key> keys_ = MakeKeys();
  std::map<std::string, YAML::Mark> places_;
  std::vector<std::string> wrong_;  // Keys that have been complained of.
  std::vector<std::string> faults_;
};

}  // namespace

absl::StatusOr<Trunk> ReadTrunkFile(const std::string& path) {
  TOCSIN_ASSIGN_OR_RETURN(std::ifstream in, OpenFile(path));
  std::stringstream text;
  text << in.rdbuf();
  return Reader(path).Read(text.str());
}

}  // namespace tocsin
