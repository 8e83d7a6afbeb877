#include "app/tls_settings.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "base/tls.h"

namespace tocsin {
namespace {

constexpr unsigned kUp = static_cast<unsigned>(Command::kUp);
constexpr unsigned kServe = static_cast<unsigned>(Command::kServe);
constexpr unsigned kCallServer = static_cast<unsigned>(Command::kCallServer);
constexpr unsigned kTrunk = static_cast<unsigned>(Command::kTrunk);

// One that listens, and its settings' keys.
struct Listener {
  const char* name;  // In logs and metrics.
  const char* noun;
  unsigned commands;
  TlsFiles Config::* tls;
  std::string Config::* host;
  const char* certificate_key;
  const char* key_key;
  const char* client_ca_key;
  // What it carries that nobody else should read.
  const char* carries;
};

constexpr std::array<Listener, 4> kListeners = {{
    {"api", "API", kUp | kServe, &Config::api_tls, &Config::api_host, "api_tls_certificate_file",
     "api_tls_key_file", "api_tls_client_ca_file", "lists of people"},
    {"receiver", "receiver", kUp | kServe, &Config::receiver_tls, &Config::receiver_host,
     "receiver_tls_certificate_file", "receiver_tls_key_file", "receiver_tls_client_ca_file",
     "callbacks, and their signatures,"},
    {"admin", "admin port", kUp | kServe, &Config::admin_tls, &Config::admin_host,
     "admin_tls_certificate_file", "admin_tls_key_file", "admin_tls_client_ca_file", "metrics"},
    {"call_server", "call server", kUp | kCallServer, &Config::call_server_tls,
     &Config::call_server_host, "call_server_tls_certificate_file", "call_server_tls_key_file",
     "call_server_tls_client_ca_file", "calls"},
}};

// A setting that names a file of a listener's.
Setting FileOf(const Listener& listener, const char* key, std::string help,
               std::string TlsFiles::* member) {
  const auto set = [tls = listener.tls, member](
                       Config& config, const std::string& text) -> std::optional<std::string> {
    config.*tls.*member = text;
    return std::nullopt;
  };
  return {key, listener.commands, std::move(help), true, set, "none"};
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host == "[::1]" || host.starts_with("127.");
}

// Roles are of `serve` alone, which always has an admin port, and a receiver
// wherever a scheduler is.
bool Listens(const Listener& listener, Command command, const Config& config) {
  if ((listener.commands & static_cast<unsigned>(command)) == 0) return false;
  if (command != Command::kServe) return true;
  const auto has = [&](const char* role) {
    return std::find(config.roles.begin(), config.roles.end(), role) != config.roles.end();
  };
  if (listener.tls == &Config::api_tls) return has("api");
  if (listener.tls == &Config::receiver_tls) return has("receiver") || has("scheduler");
  return true;
}

std::string FlagNamed(const char* key) {
  std::string flag = fmt::format("--{}", key);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

void CheckListener(const Listener& listener, absl::Time now, LoadedConfig& loaded) {
  const TlsFiles& tls = loaded.config.*listener.tls;
  const std::string certificate = FlagNamed(listener.certificate_key);
  const std::string key = FlagNamed(listener.key_key);
  if (!tls.any()) {
    const std::string& host = loaded.config.*listener.host;
    if (IsLoopback(host)) return;
    loaded.warnings.push_back(fmt::format(
        "the {} is reached at {} without TLS, where {} can be read and changed on the way; {} and "
        "{} turn it on, unless what stands in front of it ends TLS on a network of its own",
        listener.noun, host, listener.carries, certificate, key));
    return;
  }
  if (tls.certificate.empty() || tls.key.empty()) {
    loaded.problems.push_back(
        fmt::format("{}: is needed as well: TLS takes a certificate and its key",
                    tls.certificate.empty() ? certificate : key));
    return;
  }
  loaded.config.secret_files.push_back(tls.key);
  const auto read = ReadTlsIdentity(tls, now);
  if (!read.ok()) {
    loaded.problems.push_back(fmt::format("{}: {}", certificate, Message(read.status())));
  }
}

}  // namespace

std::vector<Setting> TlsSettings() {
  std::vector<Setting> settings;
  for (const Listener& listener : kListeners) {
    const std::string name = fmt::format("the {}'s", listener.noun);
    settings.push_back(FileOf(listener, listener.certificate_key,
                              fmt::format("PEM of {} certificate, for TLS", name),
                              &TlsFiles::certificate));
    settings.push_back(FileOf(listener, listener.key_key,
                              fmt::format("PEM of the key of {} certificate", name),
                              &TlsFiles::key));
    settings.push_back(
        FileOf(listener, listener.client_ca_key,
               fmt::format("PEM of the authorities one of which has signed {} clients", name),
               &TlsFiles::client_ca));
  }
  const auto set_ca = [](Config& config, const std::string& text) -> std::optional<std::string> {
    config.tls_ca_file = text;
    return std::nullopt;
  };
  settings.push_back({"tls_ca_file", kUp | kServe | kCallServer | kTrunk,
                      "PEM of the authorities that are trusted when we connect", true, set_ca,
                      "the system's"});
  return settings;
}

void CheckTls(Command command, absl::Time now, LoadedConfig& loaded) {
  for (const Listener& listener : kListeners) {
    if (Listens(listener, command, loaded.config)) CheckListener(listener, now, loaded);
  }
  const std::string& ca_file = loaded.config.tls_ca_file;
  if (ca_file.empty()) return;
  const auto trusted = TrustingContext(ca_file);
  if (!trusted.ok()) {
    loaded.problems.push_back(fmt::format("--tls-ca-file: {}", Message(trusted.status())));
  }
}

void CheckSecretFiles(LoadedConfig& loaded) {
  std::vector<std::string> files = loaded.config.secret_files;
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  for (const std::string& path : files) {
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0 || (found.st_mode & S_IROTH) == 0) continue;
    loaded.warnings.push_back(fmt::format(
        "{} holds a secret and everybody on this machine may read it; chmod o= {}", path, path));
  }
}

void ListenerCertificates::WriteMetrics(MetricsPage& page) const {
  for (const auto& certificate : {api, receiver, admin, call_server}) {
    if (certificate != nullptr) certificate->WriteMetrics(page);
  }
}

absl::StatusOr<ListenerCertificates> OpenCertificates(Command command, const Config& config,
                                                      const Clock& clock) {
  ListenerCertificates opened;
  const std::array<std::shared_ptr<ServedCertificate>*, kListeners.size()> places = {
      &opened.api, &opened.receiver, &opened.admin, &opened.call_server};
  for (std::size_t i = 0; i < kListeners.size(); ++i) {
    const TlsFiles& files = config.*kListeners[i].tls;
    if (!files.any() || !Listens(kListeners[i], command, config)) continue;
    TOCSIN_ASSIGN_OR_RETURN(*places[i], ServedCertificate::Open(kListeners[i].name, files, clock));
  }
  return opened;
}

const char* SchemeOf(const TlsFiles& tls) {
  return tls.any() ? "https" : "http";
}

}  // namespace tocsin
