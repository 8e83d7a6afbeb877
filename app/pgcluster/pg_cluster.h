#pragma once
#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tocsin {

// A private PostgreSQL 15 server on this machine: no TCP, no service, no entry
// in /etc; a data directory and a socket that only its owner can reach. `tocsin
// up` keeps one below its own data directory, a test keeps one in /tmp.
//
// As root, which PostgreSQL refuses to run as, the server runs as the OS user
// `postgres`; else as the caller. The kernel stops it (fast shutdown) when the
// thread that called Start() ends, however it ends: call it from the main thread.
//
// Not thread-safe. One owner a directory: the caller keeps others away (a lock
// file), and then Start() may stop whatever an earlier owner left running.
class PgCluster {
 public:
  // What is given up for speed. Never kThrowAway outside tests: a crash of the
  // machine may then lose the cluster. A crash of the server alone loses nothing.
  enum class Durability { kFull, kThrowAway };

  struct Options {
    // Holds the cluster ("cluster/"), its socket ("run/") and its log. Made if it
    // is missing. As root, every folder above must let `postgres` pass.
    std::string directory;
    Durability durability = Durability::kFull;
    int max_connections = 100;
    // How long Start() waits until the server answers; recovery after a crash
    // is within it.
    absl::Duration start_timeout = absl::Seconds(120);
  };

  // The superuser's role and the database that Start() leaves ready.
  static constexpr const char* kUser = "tocsin";
  static constexpr const char* kDatabase = "tocsin";

  // Creates the cluster at the first start, stops a server that an earlier owner
  // left, and returns once connections are accepted.
  // kFailedPrecondition: PostgreSQL or its user is missing, or the directory
  // cannot be reached; the message says what to do. kUnavailable: it did not
  // come up; the message points to its log.
  static absl::StatusOr<std::unique_ptr<PgCluster>> Start(const Options& options);

  // Stops the server if it runs.
  ~PgCluster();
  PgCluster(const PgCluster&) = delete;
  PgCluster& operator=(const PgCluster&) = delete;

  // A libpq connection string. Holds no secret: the socket's folder is the lock.
  std::string ConnectionString(const std::string& database = kDatabase) const;

  const std::string& socket_directory() const { return socket_directory_; }
  const std::string& log_file() const { return log_file_; }
  pid_t pid() const { return pid_; }  // Of the postmaster; 0 when stopped.

  // Whether the server has ended by itself since it was started. Restart() brings
  // it back.
  bool HasEnded();

  // Ends open sessions, writes a checkpoint, and returns when the server is gone.
  // Nothing happens if it does not run.
  void Stop();

  // For tests of failure. Kill(): as if the power of the server alone had failed.
  // Restart(): starts it again where it was; also after Kill() or Stop().
  void Kill();
  absl::Status Restart();

 private:
  explicit PgCluster(Options options);
  absl::Status Prepare();
  absl::Status Create();
  absl::Status WriteSettings() const;
  absl::Status Launch();

  Options options_;
  std::string bin_directory_;
  std::string cluster_directory_;
  std::string socket_directory_;
  bool socket_directory_is_ours_ = false;  // In /tmp: removed at the end.
  std::string log_file_;
  pid_t pid_ = 0;
};

}  // namespace tocsin
