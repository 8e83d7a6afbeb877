#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/tls.h"
#include "core/trunk.h"
#include "wire/callback_url.h"

namespace tocsin {

// Which command a setting is for. Values are bits.
enum class Command : unsigned {
  kUp = 1,
  kServe = 2,
  kCallServer = 4,
  kMigrate = 8,
  kTrunk = 16,
  kNodes = 32
};

// Everything that can be set from outside, read once at the start and handed
// down; nothing else reads the environment or a file of settings.
//
// Each member is a flag (--api-port), an environment variable (TOCSIN_API_PORT)
// and a key of the YAML file (api_port); the first that is given wins, else the
// default here. kSettings in config.cc holds the bounds.
struct Config {
  LogLevel log_level = LogLevel::kInfo;

  // --- up ---
  std::string data_dir;  // Required. PostgreSQL's cluster, keys, the lock.
  // What the embedded trunk speaks; the call server offers all three.
  Dialect dialect = Dialect::kPreview202105;
  // Create-call requests a second on the embedded trunk. 0.1..10,000.
  double cps = 100;
  // Calls at once on the embedded trunk. 1..1,000,000.
  int max_concurrent = 2'000;
  // What the embedded trunk calls from, E.164; empty: twenty rehearsal numbers.
  // At most 10,000.
  std::vector<std::string> caller_numbers;
  // Calls at once from one caller number. 1..1,000,000.
  int max_concurrent_per_caller = 100;

  // --- up, call-server ---
  // How much faster than life the call server runs: at 60 a minute lasts a
  // second, for people as for the dialer's own waits. 1..10,000.
  double time_scale = 1;
  std::uint64_t seed = 1;       // Decides what everybody does who is called.
  std::string population_file;  // YAML, or a preset: "calm" (as if empty), "storm".
  std::string ledger_file;      // JSON lines, appended; empty: none is written.
  std::string call_server_host = "127.0.0.1";
  TlsFiles call_server_tls;
  int call_server_port = 0;            // 0: any free one.
  int call_server_connections = 1024;  // Served at once. 1..16,384.
  // Issuer and audience of the tokens that it signs callbacks of GA with.
  std::string callback_issuer = kAcsIssuer;
  std::string resource_id = kRehearsalResourceId;
  // Requests must carry an HMAC made with the key (base64), or the token; if both
  // are empty, anybody may call.
  Secret access_key;
  Secret bearer_token;
  // Calls at once on one caller number, of `call-server`; `up` allows what its
  // trunk may. Unset: as the population has it. 0: no limit. 0..1,000,000.
  std::optional<int> caller_number_calls_max;
  std::string faults_file;  // YAML, docs/call-automation.md; empty: none. Those below override it.
  // Faults to rehearse: every n-th create-call is answered 429; or 500 although
  // it rings; or not at all; or with a page of HTML. 0: never.
  int fault_throttle_every = 0;
  int fault_error_every = 0;
  int fault_hang_every = 0;
  int fault_html_every = 0;

  // --- up, serve ---
  std::string api_host = "127.0.0.1";
  TlsFiles api_tls;
  int api_port = 7233;
  // Where metrics and health are asked; see app/admin_server.h.
  std::string admin_host = "127.0.0.1";
  TlsFiles admin_tls;
  int admin_port = 7235;
  std::string receiver_host = "127.0.0.1";
  TlsFiles receiver_tls;
  // Where callbacks arrive; 0: any free one. A port of one's own lets callbacks
  // of calls that outlive a restart find the next process.
  int receiver_port = 7234;
  int receiver_connections = 1024;  // Served at once. 1..16,384.
  // What a provider reaches the receiver by; empty: http://receiver_host:port, or
  // https:// if it has a certificate.
  std::string callback_url;
  // Requests to a provider under way at once, a thread and a connection each. 1..4,096.
  int dialer_threads = 256;
  absl::Duration request_timeout = absl::Seconds(10);  // Of a create-call. 100 ms..120 s.

  // --- up, serve, call-server, trunk ---
  // Whose certificates are trusted when we connect: PEM; empty: the system's.
  std::string tls_ca_file;

  // --- serve, migrate, trunk, nodes ---
  // libpq URL or key=value string. Carries no password unless it comes from the
  // environment: flags show in the process list.
  Secret database_url;
  // --- up, serve ---
  int database_connections = 8;  // Sessions for the calls' life; reports have two more. 2..200.
  // --- serve ---
  std::vector<std::string> roles = {"api", "scheduler", "receiver"};
  // Keys that sign callback URLs; the first signs, all are accepted. As id:base64,
  // one a line in the file, or separated by commas in the environment; at least
  // 16 bytes each. `up` makes one in its data directory.
  std::vector<wire::CallbackKey> callback_keys;

  // The files that secrets were read from: nobody else should be able to.
  std::vector<std::string> secret_files;
};

// One key with what may be said about it: how to read, check and explain it.
struct Setting {
  const char* key;    // "api_port"
  unsigned commands;  // Bits of Command.
  std::string help;   // One line, with unit and bounds; the default is added.
  // Secrets have no flag: a command line can be read by everybody.
  bool has_flag;
  // Stores `text`, or returns what would be right ("a whole number from 1 to 4096").
  // Never quotes `text`.
  std::function<std::optional<std::string>(Config&, const std::string& text)> set;
  std::string default_text;
};

// In the order of the help text. Never changes.
const std::vector<Setting>& Settings();

std::string FlagOf(const Setting& setting);         // "--api-port"
std::string EnvironmentOf(const Setting& setting);  // "TOCSIN_API_PORT"

// What is given where. A map's key is Setting::key.
struct ConfigSources {
  Command command = Command::kUp;
  std::map<std::string, std::string> flags;
  // As in `environ`: "TOCSIN_API_PORT=7233", others are not looked at.
  std::vector<std::string> environment;
  std::string file;                       // Path of a YAML file; empty: none.
  absl::Time now = absl::InfinitePast();  // Certificates have to be valid then.
};

struct LoadedConfig {
  Config config;
  // Everything that is wrong, each with its place and what would be right; a
  // config with problems is not used. Values are not quoted: they may be secret.
  std::vector<std::string> problems;
  // What is probably a mistake and hinders nothing. Secrets that others may read,
  // a listener that the network reaches and that has no TLS; and variables of the
  // environment that begin like ours and are none: not ours to refuse, since an
  // orchestrator makes TOCSIN_PORT and the like for a service called tocsin.
  std::vector<std::string> warnings;
};

// Reads the files that the settings name, too.
LoadedConfig LoadConfig(const ConfigSources& sources);

// "id:base64", one or more, separated by commas, spaces or newlines. nullopt if
// one of them is not of that form.
std::optional<std::vector<wire::CallbackKey>> ReadCallbackKeys(const std::string& text);

}  // namespace tocsin
