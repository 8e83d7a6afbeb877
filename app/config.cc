#include "app/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "app/tls_settings.h"
#include "base/check.h"
#include "cli/spelling.h"
#include "fmt/format.h"
#include "fmt/ranges.h"

namespace tocsin {
namespace {

constexpr unsigned kUp = static_cast<unsigned>(Command::kUp);
constexpr unsigned kServe = static_cast<unsigned>(Command::kServe);
constexpr unsigned kCallServer = static_cast<unsigned>(Command::kCallServer);
constexpr unsigned kMigrate = static_cast<unsigned>(Command::kMigrate);
constexpr unsigned kTrunk = static_cast<unsigned>(Command::kTrunk);
constexpr unsigned kNodes = static_cast<unsigned>(Command::kNodes);
constexpr unsigned kAll = kUp | kServe | kCallServer | kMigrate | kTrunk | kNodes;

using Set = std::function<std::optional<std::string>(Config&, const std::string&)>;

template <class Number>
std::optional<Number> ParseNumber(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class Number>
Set NumberIn(Number Config::* member, Number min, Number max) {
  return [=](Config& config, const std::string& text) -> std::optional<std::string> {
    const std::optional<Number> value = ParseNumber<Number>(text);
    if (!value || !(*value >= min && *value <= max)) {
      return fmt::format("expected a {} from {} to {}",
                         std::is_integral_v<Number> ? "whole number" : "number", min, max);
    }
    config.*member = *value;
    return std::nullopt;
  };
}

Set Text(std::string Config::* member) {
  return [=](Config& config, const std::string& text) -> std::optional<std::string> {
    config.*member = text;
    return std::nullopt;
  };
}

Set Lengths(absl::Duration Config::* member, absl::Duration min, absl::Duration max) {
  return [=](Config& config, const std::string& text) -> std::optional<std::string> {
    absl::Duration value;
    if (!absl::ParseDuration(text, &value) || value < min || value > max) {
      return fmt::format("expected a length of time from {} to {}, like 500ms or 10s",
                         absl::FormatDuration(min), absl::FormatDuration(max));
    }
    config.*member = value;
    return std::nullopt;
  };
}

std::vector<std::string> SplitList(const std::string& text) {
  std::vector<std::string> parts;
  for (const absl::string_view part :
       absl::StrSplit(text, absl::ByAnyChar(", \n\r\t"), absl::SkipEmpty())) {
    parts.emplace_back(part.data(), part.size());
  }
  return parts;
}

std::optional<std::string> SetLogLevelSetting(Config& config, const std::string& text) {
  const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::kDebug},
                                                  {"info", LogLevel::kInfo},
                                                  {"warn", LogLevel::kWarn},
                                                  {"error", LogLevel::kError}};
  const auto found = levels.find(text);
  if (found == levels.end()) return "expected debug, info, warn or error";
  config.log_level = found->second;
  return std::nullopt;
}

std::optional<std::string> SetCallerNumbers(Config& config, const std::string& text) {
  const std::vector<std::string> numbers = SplitList(text);
  const auto is_e164 = [](const std::string& number) {
    return number.size() >= 9 && number.size() <= 16 && number[0] == '+' &&
           std::all_of(number.begin() + 1, number.end(),
                       [](char c) { return c >= '0' && c <= '9'; });
  };
  if (numbers.empty() || numbers.size() > 10'000 ||
      !std::all_of(numbers.begin(), numbers.end(), is_e164)) {
    return "expected 1 to 10000 numbers like +12065550100, separated by commas";
  }
  config.caller_numbers = numbers;
  return std::nullopt;
}

std::optional<std::string> SetDialect(Config& config, const std::string& text) {
  const std::optional<Dialect> dialect = FromName<Dialect>(text);
  if (!dialect) return "expected 2021-04, 2021-05 or ga";
  config.dialect = *dialect;
  return std::nullopt;
}

std::optional<std::string> SetRoles(Config& config, const std::string& text) {
  const std::vector<std::string> roles = SplitList(text);
  const auto known = [](const std::string& role) {
    return role == "api" || role == "scheduler" || role == "receiver";
  };
  if (roles.empty() || !std::all_of(roles.begin(), roles.end(), known)) {
    return "expected one or more of api, scheduler, receiver, separated by commas";
  }
  config.roles = roles;
  return std::nullopt;
}

// The bytes of a base64 text; nullopt if it is none or holds less than 16 of them.
std::optional<std::string> ReadKey(const std::string& text) {
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes) || bytes.size() < 16) return std::nullopt;
  return bytes;
}

std::optional<std::string> SetCallbackKeys(Config& config, const std::string& text) {
  std::optional<std::vector<wire::CallbackKey>> keys = ReadCallbackKeys(text);
  if (!keys) {
    return "expected one or more keys as id:base64, at least 16 bytes each "
           "(openssl rand -base64 32 makes one)";
  }
  config.callback_keys = *std::move(keys);
  return std::nullopt;
}

std::optional<std::string> SetAccessKey(Config& config, const std::string& text) {
  const std::vector<std::string> keys = SplitList(text);
  if (keys.size() != 1 || !ReadKey(keys[0])) return "expected a key of at least 16 bytes in base64";
  config.access_key = Secret(keys[0]);
  return std::nullopt;
}

std::optional<std::string> SetBearerToken(Config& config, const std::string& text) {
  const std::vector<std::string> tokens = SplitList(text);
  if (tokens.size() != 1 || tokens[0].size() < 16) {
    return "expected a token of at least 16 characters, without spaces or commas";
  }
  config.bearer_token = Secret(tokens[0]);
  return std::nullopt;
}

std::optional<std::string> SetCallerNumberCalls(Config& config, const std::string& text) {
  const std::optional<int> value = ParseNumber<int>(text);
  if (!value || *value < 0 || *value > 1'000'000) {
    return "expected a whole number from 0 to 1000000";
  }
  config.caller_number_calls_max = *value;
  return std::nullopt;
}

std::optional<std::string> SetDatabaseUrl(Config& config, const std::string& text) {
  if (text.empty()) return "expected a libpq URL, like postgresql://host/tocsin";
  config.database_url = Secret(text);
  return std::nullopt;
}

// The same setting, its value in a file that only its owner can read.
Set FromFile(Set set) {
  return [set = std::move(set)](Config& config,
                                const std::string& path) -> std::optional<std::string> {
    std::ifstream file(path);
    if (!file) return "expected the name of a file that can be read";
    std::stringstream text;
    text << file.rdbuf();
    config.secret_files.push_back(path);
    return set(config, text.str());
  };
}

Set CallbackUrl() {
  return [](Config& config, const std::string& text) -> std::optional<std::string> {
    if (!text.starts_with("http://") && !text.starts_with("https://")) {
      return "expected a URL with http:// or https://, host and optional port and path";
    }
    config.callback_url = text.substr(0, text.find_last_not_of('/') + 1);
    return std::nullopt;
  };
}

// What there is around the embedded parts: the trunk and the call server.
std::vector<Setting> EmbeddedSettings() {
  const Config d;
  const auto num = [](auto value) { return fmt::format("{}", value); };
  return {
      {"data_dir", kUp, "Folder of everything that is kept: PostgreSQL, keys, lock", true,
       Text(&Config::data_dir), ""},
      {"dialect", kUp, "What the embedded trunk speaks: 2021-04, 2021-05 or ga", true, SetDialect,
       std::string(Name(d.dialect))},
      {"cps", kUp, "Calls a second on the embedded trunk, 0.1 to 10000", true,
       NumberIn(&Config::cps, 0.1, 10'000.0), num(d.cps)},
      {"max_concurrent", kUp, "Calls at once on the embedded trunk, 1 to 1000000", true,
       NumberIn(&Config::max_concurrent, 1, 1'000'000), num(d.max_concurrent)},
      {"max_concurrent_per_caller", kUp, "Calls at once from one caller number, 1 to 1000000", true,
       NumberIn(&Config::max_concurrent_per_caller, 1, 1'000'000),
       num(d.max_concurrent_per_caller)},
      {"caller_numbers", kUp, "What the embedded trunk calls from: E.164, separated by commas",
       true, SetCallerNumbers, "twenty rehearsal numbers"},
      {"time_scale", kUp | kCallServer,
       "How much faster than life the call server runs, 1 to 10000", true,
       NumberIn(&Config::time_scale, 1.0, 10'000.0), num(d.time_scale)},
      {"seed", kUp | kCallServer, "Decides what everybody does who is called", true,
       NumberIn<std::uint64_t>(&Config::seed, 0, UINT64_MAX), num(d.seed)},
      {"population", kUp | kCallServer, "Who is called: calm, storm, or a YAML file of one's own",
       true, Text(&Config::population_file), "calm"},
      {"ledger", kUp | kCallServer, "File that gets a JSON line for each thing a call did", true,
       Text(&Config::ledger_file), "none"},
      {"call_server_host", kUp | kCallServer, "Address that the call server listens at", true,
       Text(&Config::call_server_host), d.call_server_host},
      {"call_server_port", kUp | kCallServer, "Its port; 0: any free one", true,
       NumberIn(&Config::call_server_port, 0, 65'535), num(d.call_server_port)},
      {"call_server_connections", kUp | kCallServer, "Connections it serves at once, 1 to 16384",
       true, NumberIn(&Config::call_server_connections, 1, 16384), num(d.call_server_connections)},
      {"access_key", kUp | kCallServer, "Key that requests to the call server are signed with",
       false, SetAccessKey, "none"},
      {"access_key_file", kUp | kCallServer, "File that holds access_key", true,
       FromFile(SetAccessKey), "none"},
      {"bearer_token", kCallServer, "Or this, as their bearer token", false, SetBearerToken,
       "none"},
      {"bearer_token_file", kCallServer, "File that holds bearer_token", true,
       FromFile(SetBearerToken), "none"},
      {"caller_number_calls_max", kCallServer,
       "Calls at once on one caller number, 0 to 1000000; 0: no limit", true, SetCallerNumberCalls,
       "as the population has it: 2"},
      {"faults", kUp | kCallServer, "What goes wrong, as a YAML file (docs/call-automation.md)",
       true, Text(&Config::faults_file), "none"},
      {"fault_throttle_every", kUp | kCallServer, "Every n-th create-call is answered 429", true,
       NumberIn(&Config::fault_throttle_every, 0, 1'000'000), "0"},
      {"fault_error_every", kUp | kCallServer, "Every n-th is answered 500 although it rings", true,
       NumberIn(&Config::fault_error_every, 0, 1'000'000), "0"},
      {"fault_hang_every", kUp | kCallServer, "Every n-th rings and is not answered for 30 s", true,
       NumberIn(&Config::fault_hang_every, 0, 1'000'000), "0"},
      {"fault_html_every", kUp | kCallServer, "Every n-th is answered with a page of HTML", true,
       NumberIn(&Config::fault_html_every, 0, 1'000'000), "0"},
  };
}

// What a node of the service needs.
std::vector<Setting> ServiceSettings() {
  const Config d;
  const auto num = [](auto value) { return fmt::format("{}", value); };
  return {
      {"api_host", kUp | kServe, "Address that the gRPC API listens at", true,
       Text(&Config::api_host), d.api_host},
      {"api_port", kUp | kServe, "Its port; 0: any free one", true,
       NumberIn(&Config::api_port, 0, 65'535), num(d.api_port)},
      {"admin_host", kUp | kServe, "Address at which metrics and health are asked", true,
       Text(&Config::admin_host), d.admin_host},
      {"admin_port", kUp | kServe, "Its port; 0: any free one", true,
       NumberIn(&Config::admin_port, 0, 65'535), num(d.admin_port)},
      {"receiver_host", kUp | kServe | kTrunk, "Address that callbacks arrive at", true,
       Text(&Config::receiver_host), d.receiver_host},
      {"receiver_port", kUp | kServe | kTrunk, "Its port; 0: any free one", true,
       NumberIn(&Config::receiver_port, 0, 65'535), num(d.receiver_port)},
      {"receiver_connections", kUp | kServe, "Connections it serves at once, 1 to 16384", true,
       NumberIn(&Config::receiver_connections, 1, 16384), num(d.receiver_connections)},
      {"callback_url", kServe | kTrunk, "What providers reach the receiver by", true, CallbackUrl(),
       "http://RECEIVER_HOST:RECEIVER_PORT"},
      {"dialer_threads", kUp | kServe, "Requests to providers under way at once, 1 to 4096", true,
       NumberIn(&Config::dialer_threads, 1, 4096), num(d.dialer_threads)},
      {"request_timeout", kUp | kServe, "For a provider to answer a create-call, 100ms to 120s",
       true, Lengths(&Config::request_timeout, absl::Milliseconds(100), absl::Seconds(120)),
       absl::FormatDuration(d.request_timeout)},
      {"database_url", kServe | kMigrate | kTrunk | kNodes,
       "PostgreSQL, as libpq reads it; a password only by the environment", true, SetDatabaseUrl,
       ""},
      {"database_connections", kUp | kServe, "Sessions kept open, 2 to 200", true,
       NumberIn(&Config::database_connections, 2, 200), num(d.database_connections)},
      {"roles", kServe, "What this node does: api, scheduler, receiver", true, SetRoles,
       fmt::format("{}", fmt::join(d.roles, ","))},
      {"callback_keys", kServe | kTrunk, "Keys of callback URLs, the first signs", false,
       SetCallbackKeys, ""},
      {"callback_keys_file", kServe | kTrunk, "File that holds callback_keys, one a line", true,
       FromFile(SetCallbackKeys), ""},
      {"log_level", kAll, "debug, info, warn or error", true, SetLogLevelSetting, "info"},
  };
}

// Of the tokens that callbacks of GA carry.
std::vector<Setting> TokenSettings() {
  const Config d;
  return {
      {"callback_issuer", kUp | kCallServer, "Issuer of the tokens on the call server's callbacks",
       true, Text(&Config::callback_issuer), d.callback_issuer},
      {"resource_id", kUp | kCallServer,
       "Their audience: what the cloud calls immutable resource id", true,
       Text(&Config::resource_id), d.resource_id},
  };
}

std::vector<Setting> MakeSettings() {
  std::vector<Setting> settings = EmbeddedSettings();
  for (Setting& setting : ServiceSettings()) settings.push_back(std::move(setting));
  for (Setting& setting : TokenSettings()) settings.push_back(std::move(setting));
  for (Setting& setting : TlsSettings()) settings.push_back(std::move(setting));
  return settings;
}

const Setting* FindSetting(const std::string& key) {
  for (const Setting& setting : Settings()) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

bool IsFor(const Setting& setting, Command command) {
  return (setting.commands & static_cast<unsigned>(command)) != 0;
}

std::vector<std::string> NamesOf(const std::function<std::string(const Setting&)>& name) {
  std::vector<std::string> names;
  for (const Setting& setting : Settings()) names.push_back(name(setting));
  return names;
}

std::string Remedy(const std::string& unknown, const std::vector<std::string>& known) {
  const std::string nearest = NearestName(unknown, known);
  return nearest.empty() ? "tocsin COMMAND --help lists them"
                         : fmt::format("did you mean {}?", nearest);
}

bool HoldsPassword(const std::string& url) {
  constexpr std::string_view kKey = "password";
  for (std::size_t at = url.find(kKey); at != std::string::npos; at = url.find(kKey, at + 1)) {
    const std::size_t next = url.find_first_not_of(' ', at + kKey.size());
    if (next != std::string::npos && url[next] == '=') return true;
  }
  const std::size_t scheme = url.find("://");
  const std::size_t at = url.find('@');
  if (scheme == std::string::npos || at == std::string::npos) return false;
  return url.find(':', scheme + 3) < at;
}

class Loader {
 public:
  Loader(Command command, absl::Time now) : command_(command), now_(now) {}

  // Later calls override earlier ones.
  void File(const std::string& path) {
    if (path.empty()) return;
    YAML::Node root;
    try {
      root = YAML::LoadFile(path);
    } catch (const YAML::Exception& error) {
      Problem(error.mark.is_null() ? path : fmt::format("{}:{}", path, error.mark.line + 1),
              error.mark.is_null() ? "cannot be read" : error.msg);
      return;
    }
    if (root.IsNull()) return;
    if (!root.IsMap()) return Problem(path, "expected lines of the form key: value");
    for (const auto& entry : root) FileEntry(path, entry.first, entry.second);
  }

  void Environment(const std::vector<std::string>& environment) {
    // Read elsewhere: by the launcher of PostgreSQL, by main, and by cli/.
    const std::vector<std::string> others = {"TOCSIN_POSTGRES_BIN",
                                             "TOCSIN_CONFIG",
                                             "TOCSIN_SERVER",
                                             "TOCSIN_SERVER_CA_FILE",
                                             "TOCSIN_CLIENT_CERTIFICATE_FILE",
                                             "TOCSIN_CLIENT_KEY_FILE"};
    for (const std::string& line : environment) {
      const std::size_t equals = line.find('=');
      const std::string name = line.substr(0, equals);
      if (!name.starts_with("TOCSIN_") || equals == std::string::npos) continue;
      if (std::find(others.begin(), others.end(), name) != others.end()) continue;
      // A good name for a variable that a trunk has its secret in.
      if (name.starts_with("TOCSIN_TRUNK_")) continue;
      const auto setting = std::find_if(Settings().begin(), Settings().end(),
                                        [&](const Setting& s) { return EnvironmentOf(s) == name; });
      if (setting == Settings().end()) {
        loaded_.warnings.push_back(fmt::format("{}: no such setting, left out of account; {}", name,
                                               Remedy(name, NamesOf(EnvironmentOf))));
      } else {
        Apply(*setting, name, line.substr(equals + 1));
      }
    }
  }

  void Flags(const std::map<std::string, std::string>& flags) {
    for (const auto& [key, value] : flags) {
      const Setting* setting = FindSetting(key);
      TOCSIN_CHECK(setting != nullptr);
      if (key == "database_url" && HoldsPassword(value)) {
        Problem(FlagOf(*setting),
                "a password in a flag can be read by everybody on this machine; "
                "use TOCSIN_DATABASE_URL, PGPASSWORD or ~/.pgpass");
        continue;
      }
      Apply(*setting, FlagOf(*setting), value);
    }
  }

  LoadedConfig Finish() {
    const Config& config = loaded_.config;
    if (command_ == Command::kUp && config.data_dir.empty()) {
      Problem("--data-dir", "is needed: the folder where everything is kept");
    }
    const Setting& database_url = *FindSetting("database_url");
    if (IsFor(database_url, command_) && config.database_url.empty()) {
      Problem("--database-url", "is needed, or TOCSIN_DATABASE_URL");
    }
    if (command_ == Command::kServe && config.callback_keys.empty()) {
      Problem("--callback-keys-file",
              "is needed, or TOCSIN_CALLBACK_KEYS: all nodes must share the keys");
    }
    CheckTls(command_, now_, loaded_);
    CheckSecretFiles(loaded_);
    return std::move(loaded_);
  }

 private:
  void FileEntry(const std::string& path, const YAML::Node& key, const YAML::Node& value) {
    const std::string place = fmt::format("{}:{}", path, key.Mark().line + 1);
    const Setting* setting = key.IsScalar() ? FindSetting(key.Scalar()) : nullptr;
    if (setting == nullptr) {
      const std::string name = key.IsScalar() ? key.Scalar() : "";
      return Problem(place, fmt::format("unknown key {}; {}", name,
                                        Remedy(name, NamesOf([](const Setting& known) {
                                                 return std::string(known.key);
                                               }))));
    }
    if (!setting->has_flag) {
      return Problem(place, fmt::format("{} is secret: name a file in {}_file, or set {}",
                                        setting->key, setting->key, EnvironmentOf(*setting)));
    }
    std::string text;
    if (value.IsScalar()) {
      text = value.Scalar();
    } else if (value.IsSequence()) {
      for (const YAML::Node& part : value) text += (part.IsScalar() ? part.Scalar() : "?") + ",";
    } else {
      return Problem(place, fmt::format("{} has no value", setting->key));
    }
    if (setting->key == std::string_view("database_url") && HoldsPassword(text)) {
      loaded_.config.secret_files.push_back(path);
    }
    Apply(*setting, fmt::format("{}: {}", place, setting->key), text);
  }

  // A setting for another command is let pass: one file and one environment may
  // serve them all.
  void Apply(const Setting& setting, const std::string& place, const std::string& text) {
    if (!IsFor(setting, command_)) return;
    if (const auto complaint = setting.set(loaded_.config, text)) Problem(place, *complaint);
  }

  void Problem(const std::string& place, const std::string& what) {
    loaded_.problems.push_back(fmt::format("{}: {}", place, what));
  }

  const Command command_;
  const absl::Time now_;
  LoadedConfig loaded_;
};

}  // namespace

const std::vector<Setting>& Settings() {
  static const auto& settings = *new std::vector<Setting>(MakeSettings());
  return settings;
}

std::string FlagOf(const Setting& setting) {
  std::string flag = fmt::format("--{}", setting.key);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string EnvironmentOf(const Setting& setting) {
  std::string name = fmt::format("TOCSIN_{}", setting.key);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

std::optional<std::vector<wire::CallbackKey>> ReadCallbackKeys(const std::string& text) {
  std::vector<wire::CallbackKey> keys;
  for (const std::string& part : SplitList(text)) {
    const std::size_t colon = part.find(':');
    if (colon == std::string::npos || colon == 0) return std::nullopt;
    std::optional<std::string> bytes = ReadKey(part.substr(colon + 1));
    if (!bytes) return std::nullopt;
    keys.push_back({part.substr(0, colon), Secret(*std::move(bytes))});
  }
  if (keys.empty()) return std::nullopt;
  return keys;
}

LoadedConfig LoadConfig(const ConfigSources& sources) {
  Loader loader(sources.command, sources.now);
  loader.File(sources.file);
  loader.Environment(sources.environment);
  loader.Flags(sources.flags);
  return loader.Finish();
}

}  // namespace tocsin
