#include "app/trunk_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "cli/recipient_file.h"
#include "cli/spelling.h"
#include "cli/utf8.h"
#include "fmt/ranges.h"
#include "wire/request_signing.h"

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
  Reader(const std::string& path, const dialer::Environment& environment)
      : path_(path), environment_(environment) {}

  absl::StatusOr<Trunk> Read(const std::string& text) {
    try {
      const YAML::Node root = YAML::Load(text);
      if (root.IsMap()) {
        for (const auto& entry : root) ReadKey(entry.first, entry.second);
        TakeEndpointOfConnectionString(root);
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
        {"name", TextInto(trunk_.name)},
        {"endpoint", TextInto(trunk_.endpoint)},
        {"dialect", One([this](const std::string& text) {
           const std::optional<Dialect> dialect = FromName<Dialect>(text);
           if (!dialect) return std::string("must be 2021-04, 2021-05 or ga");
           trunk_.dialect = *dialect;
           return std::string();
         })},
        {"api_version", TextInto(trunk_.api_version)},
        {"spelling", One([this](const std::string& text) {
           const std::optional<Spelling> spelling = FromName<Spelling>(text);
           if (!spelling) return std::string("must be overview or swagger");
           trunk_.spelling = *spelling;
           return std::string();
         })},
        {"access_key_file", SecretInFile(CredentialKind::kAccessKey)},
        {"access_key_env", SecretInVariable(CredentialKind::kAccessKey)},
        {"connection_string_file", SecretInFile(CredentialKind::kConnectionString)},
        {"connection_string_env", SecretInVariable(CredentialKind::kConnectionString)},
        {"bearer_token_file", SecretInFile(CredentialKind::kBearerToken)},
        {"source_user", TextInto(trunk_.source_user)},
        {"cognitive_services_endpoint", TextInto(trunk_.cognitive_services_endpoint)},
        {"resource_id", TextInto(trunk_.resource_id)},
        {"callback_issuer", TextInto(trunk_.callback_issuer)},
        {"jwks_url", TextInto(trunk_.jwks_url)},
        {"openid_configuration_url", TextInto(trunk_.openid_configuration_url)},
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

  static Setter TextInto(std::string& target) {
    return One([&target](const std::string& text) {
      target = text;
      return std::string();
    });
  }

  Setter SecretInFile(CredentialKind kind) {
    return One([this, kind](const std::string& name) {
      const auto beside = std::filesystem::path(path_).parent_path() / name;
      return SetSecret(kind,
                       "file:" + std::filesystem::absolute(beside).lexically_normal().string());
    });
  }

  // What is no name is not quoted: it may be the secret itself, one word too early.
  Setter SecretInVariable(CredentialKind kind) {
    return One([this, kind](const std::string& name) -> std::string {
      const bool is_name = std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_';
      });
      if (!is_name) {
        return "must be the name of an environment variable, in letters, digits and _; what is "
               "secret stands in the variable";
      }
      return SetSecret(kind, "env:" + name);
    });
  }

  std::string SetSecret(CredentialKind kind, const std::string& source) {
    if (trunk_.credential.kind != CredentialKind::kNone) {
      return "is one credential too many: a trunk has one";
    }
    trunk_.credential = {kind, source};
    const absl::StatusOr<Secret> secret = dialer::ReadSecret(source, environment_);
    if (!secret.ok()) return fmt::format("must be readable here: {}", Message(secret.status()));
    const absl::Status read = dialer::ReadAuthority(kind, *secret, "").status();
    if (read.ok()) secret_ = *secret;
    return Message(read);
  }

  // It names one; if the trunk does too, the two must be the same.
  void TakeEndpointOfConnectionString(const YAML::Node& root) {
    if (trunk_.credential.kind != CredentialKind::kConnectionString || secret_.empty()) return;
    if (trunk_.endpoint.empty()) {
      const auto parsed = wire::ParseConnectionString(secret_.Reveal());
      if (parsed.ok()) trunk_.endpoint = parsed->endpoint;
    }
    const absl::Status fits =
        dialer::ReadAuthority(trunk_.credential.kind, secret_, trunk_.endpoint).status();
    if (fits.ok()) return;
    const auto place = places_.find("endpoint");
    Add(place == places_.end() ? root.Mark() : place->second, Message(fits));
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
    if (name == "access_key" || name == "connection_string" || name == "bearer_token") {
      return Add(at.Mark(), fmt::format("'{0}' is a secret and does not belong into this file: "
                                        "put it into one of its own and name that in {0}_file",
                                        name));
    }
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
  const dialer::Environment& environment_;
  Trunk trunk_;
  Secret secret_;  // What the credential names.
  const std::vector<Key> keys_ = MakeKeys();
  std::map<std::string, YAML::Mark> places_;
  std::vector<std::string> wrong_;  // Keys that have been complained of.
  std::vector<std::string> faults_;
};

}  // namespace

absl::StatusOr<Trunk> ReadTrunkFile(const std::string& path,
                                    const dialer::Environment& environment) {
  TOCSIN_ASSIGN_OR_RETURN(std::ifstream in, OpenFile(path));
  std::stringstream text;
  text << in.rdbuf();
  return Reader(path, environment).Read(text.str());
}

}  // namespace tocsin
