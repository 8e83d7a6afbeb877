#include "app/config_check.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "base/status_macros.h"
#include "callserver/population.h"
#include "core/phone_number.h"
#include "wire/callback_url.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;

class Check {
 public:
  Check(Command command, const Config& config) : command_(command), config_(config) {}

  std::vector<std::string> Run() {
    Listeners();
    if (command_ == Command::kServe) CallbackKeys();
    if (RunsCallServer()) {
      Population();
      Ledger();
    }
    if (command_ == Command::kUp) {
      Callers();
      DataFolder();
    }
    return std::move(problems_);
  }

 private:
  struct Listener {
    const char* key;  // "api": of api_host and api_port.
    const std::string& host;
    int port;
  };

  bool RunsCallServer() const {
    return command_ == Command::kUp || command_ == Command::kCallServer;
  }
  bool HasRole(const char* role) const {
    return command_ == Command::kUp ||
           std::find(config_.roles.begin(), config_.roles.end(), role) != config_.roles.end();
  }

  // Those that this command will open.
  std::vector<Listener> AllListeners() const {
    std::vector<Listener> all;
    if (command_ == Command::kUp || command_ == Command::kServe) {
      if (HasRole("api")) all.push_back({"api", config_.api_host, config_.api_port});
      if (HasRole("receiver") || HasRole("scheduler")) {
        all.push_back({"receiver", config_.receiver_host, config_.receiver_port});
      }
      all.push_back({"admin", config_.admin_host, config_.admin_port});
    }
    if (RunsCallServer()) {
      all.push_back({"call_server", config_.call_server_host, config_.call_server_port});
    }
    return all;
  }

  void Listeners() {
    const std::vector<Listener> all = AllListeners();
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (const char* fault = ResolveFault(all[i].host)) {
        Problem(fmt::format("{}_host", all[i].key),
                fmt::format("{}; expected an address of this machine, like 127.0.0.1 or 0.0.0.0",
                            fault));
      }
      for (std::size_t j = 0; j < i; ++j) {
        if (all[i].port == 0 || all[i].port != all[j].port || all[i].host != all[j].host) continue;
        Problem(fmt::format("{}_port", all[i].key),
                fmt::format("is {}, and so is {}_port; each wants one of its own", all[i].port,
                            all[j].key));
      }
    }
  }

  // Why nobody can listen there; null if that may be.
  static const char* ResolveFault(const std::string& host) {
    addrinfo hints{};
    hints.ai_flags = AI_PASSIVE;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int fault = ::getaddrinfo(host.c_str(), "0", &hints, &found);
    if (fault != 0) return ::gai_strerror(fault);
    ::freeaddrinfo(found);
    return nullptr;
  }

  void CallbackKeys() {
    if (config_.callback_keys.empty()) return;  // Which has been said.
    const absl::Status made = wire::CallbackSigner::Create(config_.callback_keys).status();
    if (!made.ok()) Problem("callback_keys_file", Message(made));
  }

  void Population() {
    if (config_.population_file.empty()) return;
    const absl::Status read = callserver::ReadPopulation(config_.population_file).status();
    if (!read.ok()) Problem("population", Message(read));
  }

  void Ledger() {
    if (config_.ledger_file.empty()) return;
    const fs::path path = fs::absolute(config_.ledger_file);
    const bool there = ::access(path.c_str(), F_OK) == 0;
    const fs::path asked = there ? path : path.parent_path();
    if (fs::is_directory(path)) {
      Problem("ledger", fmt::format("{} is a folder; expected a file", path.string()));
    } else if (::access(asked.c_str(), W_OK) != 0) {
      Problem("ledger", fmt::format("{}: {}; expected a file that can be written", asked.string(),
                                    std::strerror(errno)));
    }
  }

  // By their place in the list: numbers are not quoted.
  void Callers() {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < config_.caller_numbers.size(); ++i) {
      const auto number = PhoneNumber::Parse(config_.caller_numbers[i]);
      if (!number.ok()) {
        Problem("caller_numbers", fmt::format("number {}: {}", i + 1, Message(number.status())));
      } else if (!seen.insert(number->e164()).second) {
        Problem("caller_numbers", fmt::format("number {} comes twice", i + 1));
      }
    }
  }

  // The folder, or the nearest one above it that is there, in which it will be made.
  void DataFolder() {
    if (config_.data_dir.empty()) return;  // Which has been said.
    fs::path path = fs::absolute(config_.data_dir).lexically_normal();
    if (fs::exists(path) && !fs::is_directory(path)) {
      return Problem("data_dir", fmt::format("{} is no folder", path.string()));
    }
    while (!fs::exists(path) && path.has_relative_path()) path = path.parent_path();
    if (::access(path.c_str(), W_OK | X_OK) == 0) return;
    Problem("data_dir", fmt::format("{}: {}; expected a folder that can be written, or made",
                                    path.string(), std::strerror(errno)));
  }

  void Problem(const std::string& key, const std::string& what) {
    problems_.push_back(fmt::format("{}: {}", key, what));
  }

  const Command command_;
  const Config& config_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> FindContradictions(Command command, const Config& config) {
  return Check(command, config).Run();
}

}  // namespace tocsin
