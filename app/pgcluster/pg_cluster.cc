#include "app/pgcluster/pg_cluster.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "app/pgcluster/child_process.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;

// A socket's path is at most 107 bytes; the server adds "/.s.PGSQL.5432.lock".
constexpr std::size_t kSocketDirectoryMax = 85;

constexpr int kMajorVersion = 15;

bool IsRoot() {
  return geteuid() == 0;
}

// Who the server runs as.
absl::StatusOr<passwd> ServerUser() {
  const passwd* user = IsRoot() ? getpwnam("postgres") : getpwuid(geteuid());
  if (user != nullptr) return *user;
  return FailedPrecondition(
      "there is no OS user 'postgres' to run PostgreSQL as; install postgresql-{} "
      "(script/bootstrap does), or run as an ordinary user",
      kMajorVersion);
}

absl::StatusOr<std::string> FindBinaries() {
  std::vector<std::string> candidates;
  if (const char* given = std::getenv("TOCSIN_POSTGRES_BIN"); given != nullptr) {
    candidates.emplace_back(given);
  }
  candidates.push_back(fmt::format("/usr/lib/postgresql/{}/bin", kMajorVersion));
  for (const std::string& candidate : candidates) {
    if (access((candidate + "/initdb").c_str(), X_OK) == 0) return candidate;
  }
  return FailedPrecondition(
      "PostgreSQL {} is not installed (no initdb in {}); run script/bootstrap, or install "
      "postgresql-{}, or set TOCSIN_POSTGRES_BIN",
      kMajorVersion, fmt::join(candidates, ", "), kMajorVersion);
}

std::vector<std::string> AsServerUser(std::vector<std::string> command, bool dies_with_us) {
  std::vector<std::string> full = {"setpriv"};
  if (IsRoot()) {
    full.insert(full.end(),
                {"--reuid=postgres", "--regid=postgres", "--init-groups", "--reset-env"});
  }
  // SIGINT is PostgreSQL's word for a fast shutdown.
  if (dies_with_us) full.insert(full.end(), {"--pdeathsig", "INT"});
  full.insert(full.end(), {"--"});
  full.insert(full.end(), command.begin(), command.end());
  return full;
}

absl::Status MakeDirectory(const std::string& path, mode_t mode, const passwd& owner) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return FailedPrecondition("cannot make {}: {}", path, error.message());
  if (IsRoot() && chown(path.c_str(), owner.pw_uid, owner.pw_gid) != 0) {
    return FailedPrecondition("cannot give {} to {}: {}", path, owner.pw_name, strerror(errno));
  }
  if (chmod(path.c_str(), mode) != 0) {
    return FailedPrecondition("cannot protect {}: {}", path, strerror(errno));
  }
  return absl::OkStatus();
}

// As root, a home directory (0700) somewhere above would lock the server out.
absl::Status CheckReachable(const std::string& directory, const passwd& user) {
  if (!IsRoot()) return absl::OkStatus();
  for (fs::path above = fs::path(directory); above.has_relative_path();
       above = above.parent_path()) {
    struct stat state{};
    if (stat(above.c_str(), &state) != 0) continue;
    const bool passes = state.st_uid == user.pw_uid   ? state.st_mode & S_IXUSR
                        : state.st_gid == user.pw_gid ? state.st_mode & S_IXGRP
                                                      : state.st_mode & S_IXOTH;
    if (!passes) {
      return FailedPrecondition(
          "as root, PostgreSQL runs as the user '{}', which may not pass through {}; choose "
          "another --data-dir (below /var/lib, say) or run as an ordinary user",
          user.pw_name, above.string());
    }
  }
  return absl::OkStatus();
}

std::int64_t MachineMemoryMegabytes() {
  return static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE) / (1 << 20);
}

// Line `number` (from 1) of the file that a running server keeps; empty if none.
std::string PostmasterPidLine(const std::string& cluster, int number) {
  std::ifstream file(cluster + "/postmaster.pid");
  std::string line;
  while (number > 0 && std::getline(file, line)) --number;
  if (number > 0) return "";
  line.erase(line.find_last_not_of(" \n") + 1);
  return line;
}

// The postmaster that an earlier owner left running on this cluster; 0 if none.
// The pid alone may be another program's by now.
pid_t LeftoverPostmaster(const std::string& cluster) {
  const pid_t pid = std::atoi(PostmasterPidLine(cluster, 1).c_str());
  if (pid <= 0) return 0;
  std::ifstream file(fmt::format("/proc/{}/cmdline", pid));
  std::stringstream command;
  command << file.rdbuf();
  return command.str().find(cluster) == std::string::npos ? 0 : pid;
}

absl::Status StopLeftover(const std::string& cluster) {
  const pid_t pid = LeftoverPostmaster(cluster);
  if (pid == 0) return absl::OkStatus();
  Log(LogLevel::kInfo, "postgres_left_running", {{"pid", pid}});
  for (const int signal : {SIGINT, SIGQUIT}) {
    kill(pid, signal);
    if (WaitForStranger(pid, absl::Seconds(60))) return absl::OkStatus();
  }
  return Unavailable(
      "PostgreSQL (process {}) still runs on {} and does not stop; end it, then try "
      "again",
      pid, cluster);
}

}  // namespace

PgCluster::PgCluster(Options options) : options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<PgCluster>> PgCluster::Start(const Options& options) {
  std::unique_ptr<PgCluster> cluster(new PgCluster(options));
  TOCSIN_RETURN_IF_ERROR(cluster->Prepare());
  TOCSIN_RETURN_IF_ERROR(cluster->Restart());
  return cluster;
}

PgCluster::~PgCluster() {
  Stop();
  std::error_code ignored;
  if (socket_directory_is_ours_) fs::remove_all(socket_directory_, ignored);
}

std::string PgCluster::ConnectionString(const std::string& database) const {
  return fmt::format("host={} user={} dbname={}", socket_directory_, kUser, database);
}

absl::Status PgCluster::Prepare() {
  options_.directory = fs::absolute(options_.directory).lexically_normal().string();
  TOCSIN_ASSIGN_OR_RETURN(const passwd user, ServerUser());
  TOCSIN_ASSIGN_OR_RETURN(bin_directory_, FindBinaries());

  cluster_directory_ = options_.directory + "/cluster";
  log_file_ = options_.directory + "/postgres.log";
  TOCSIN_RETURN_IF_ERROR(CheckReachable(fs::path(options_.directory).parent_path(), user));
  TOCSIN_RETURN_IF_ERROR(MakeDirectory(options_.directory, 0700, user));
  // A first start that was cut off leaves the half of a cluster: begin again.
  std::error_code ignored;
  fs::remove_all(cluster_directory_ + ".new", ignored);
  if (!fs::exists(cluster_directory_)) TOCSIN_RETURN_IF_ERROR(Create());

  socket_directory_ = options_.directory + "/run";
  if (socket_directory_.size() > kSocketDirectoryMax) {
    std::string made = "/tmp/tocsin-run-XXXXXX";
    if (mkdtemp(made.data()) == nullptr) return Unavailable("cannot make {}", made);
    socket_directory_ = made;
    socket_directory_is_ours_ = true;
  }
  return MakeDirectory(socket_directory_, 0700, user);
}

absl::Status PgCluster::Create() {
  const std::string unfinished = cluster_directory_ + ".new";
  std::vector<std::string> initdb = {bin_directory_ + "/initdb",
                                     "-D",
                                     unfinished,
                                     "-U",
                                     kUser,
                                     "--auth=trust",
                                     "--encoding=UTF8",
                                     "--locale=C.UTF-8",
                                     "--data-checksums"};
  if (options_.durability == Durability::kThrowAway) initdb.push_back("--no-sync");
  const std::vector<ChildProcess> steps = {
      {AsServerUser(initdb, true), "", log_file_},
      {AsServerUser({bin_directory_ + "/postgres", "--single", "-D", unfinished, "postgres"}, true),
       fmt::format("CREATE DATABASE {}\n", kDatabase), log_file_}};
  for (const ChildProcess& step : steps) {
    TOCSIN_ASSIGN_OR_RETURN(const int exit_code, Run(step));
    if (exit_code != 0) {
      return Unavailable("PostgreSQL's cluster could not be made in {}; its log {} says why",
                         options_.directory, log_file_);
    }
  }
  std::error_code error;
  fs::rename(unfinished, cluster_directory_, error);
  if (error) return Unavailable("cannot rename {}: {}", unfinished, error.message());
  return absl::OkStatus();
}

absl::Status PgCluster::WriteSettings() const {
  const bool durable = options_.durability == Durability::kFull;
  const std::int64_t memory = MachineMemoryMegabytes();
  const std::int64_t shared = durable ? std::clamp<std::int64_t>(memory / 16, 128, 2048) : 64;
  std::string text = fmt::format(
      R"(# Written by tocsin at every start. Changes belong into settings.conf beside it.

# Only through the socket, and its folder lets in nobody but the owner and root.
listen_addresses = ''
unix_socket_directories = '{}'
unix_socket_permissions = 0700
max_connections = {}

# Batches of up to a thousand rows, few sessions, and a queue that turns over.
shared_buffers = {}MB
effective_cache_size = {}MB
work_mem = 16MB
maintenance_work_mem = 256MB
random_page_cost = 1.1
jit = off
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
autovacuum_naptime = 15s

wal_compression = on
min_wal_size = {}
max_wal_size = {}
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9

# Nothing of a statement shows in the process list.
update_process_title = off

# Nobody's number or message may reach the log: no statements, no parameters, no
# DETAIL lines, and not the errors that quote a value (the client gets those).
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_statement = none
log_duration = off
log_min_duration_statement = -1
log_min_duration_sample = -1
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_lock_waits = off
log_temp_files = -1
log_autovacuum_min_duration = -1
log_checkpoints = off

cluster_name = 'tocsin'
timezone = 'UTC'
log_timezone = 'UTC'
)",
      socket_directory_, options_.max_connections, shared, memory / 2, durable ? "512MB" : "80MB",
      durable ? "4GB" : "1GB");
  if (!durable) text += "\nfsync = off\nfull_page_writes = off\n";
  text += "\ninclude_if_exists = 'settings.conf'\n";
  std::ofstream file(cluster_directory_ + "/postgresql.conf", std::ios::trunc);
  file << text;
  file.close();
  if (!file) return Unavailable("cannot write {}/postgresql.conf", cluster_directory_);
  return absl::OkStatus();
}

absl::Status PgCluster::Restart() {
  Stop();
  TOCSIN_RETURN_IF_ERROR(StopLeftover(cluster_directory_));
  TOCSIN_RETURN_IF_ERROR(WriteSettings());
  // The sessions of a killed server hold its shared memory for a moment, and
  // the next one refuses to start beside them.
  constexpr int kTries = 25;
  absl::Status launched = Launch();
  for (int tries = 1; !launched.ok() && tries < kTries; ++tries) {
    SystemClock().SleepUntil(SystemClock().Steady() + std::chrono::milliseconds(200), {});
    launched = Launch();
  }
  return launched;
}

absl::Status PgCluster::Launch() {
  TOCSIN_ASSIGN_OR_RETURN(
      pid_, Spawn({AsServerUser({bin_directory_ + "/postgres", "-D", cluster_directory_}, true), "",
                   log_file_}));
  const SteadyTime give_up =
      SystemClock().Steady() + absl::ToChronoNanoseconds(options_.start_timeout);
  while (SystemClock().Steady() < give_up) {
    if (WaitForChild(pid_, absl::Milliseconds(10))) {
      pid_ = 0;
      return Unavailable("PostgreSQL ended at once; its log {} says why", log_file_);
    }
    if (PostmasterPidLine(cluster_directory_, 1) == std::to_string(pid_) &&
        PostmasterPidLine(cluster_directory_, 8) == "ready") {
      return absl::OkStatus();
    }
  }
  Stop();
  return Unavailable("PostgreSQL did not come up within {} s; its log {} says why",
                     absl::ToInt64Seconds(options_.start_timeout), log_file_);
}

bool PgCluster::HasEnded() {
  if (pid_ != 0 && WaitForChild(pid_, absl::ZeroDuration())) pid_ = 0;
  return pid_ == 0;
}

void PgCluster::Stop() {
  if (pid_ == 0) return;
  for (const int signal : {SIGINT, SIGQUIT, SIGKILL}) {
    kill(pid_, signal);
    if (WaitForChild(pid_, absl::Seconds(60))) break;
  }
  pid_ = 0;
}

void PgCluster::Kill() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  WaitForChild(pid_, absl::Seconds(60));
  pid_ = 0;
}

}  // namespace tocsin
