#include "app/pgcluster/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/status_macros.h"

extern char** environ;

namespace tocsin {
namespace {

// Waits on a pidfd instead of polling for the end.
bool WaitForExit(int pid_fd, absl::Duration timeout) {
  pollfd waited{pid_fd, POLLIN, 0};
  int ready = 0;
  do {
    ready = poll(&waited, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout)));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

int OpenPid(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

struct SpawnAttributes {
  SpawnAttributes() {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions);
  }
  ~SpawnAttributes() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  }
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
};

// The whole input fits the pipe's buffer, so writing before the child reads
// cannot block.
absl::StatusOr<int> PipeHolding(const std::string& input) {
  constexpr std::size_t kPipeBuffer = 65536;
  TOCSIN_CHECK(input.size() < kPipeBuffer);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Unavailable("no pipe: {}", strerror(errno));
  const bool written =
      write(ends[1], input.data(), input.size()) == static_cast<ssize_t>(input.size());
  close(ends[1]);
  if (written) return ends[0];
  close(ends[0]);
  return Unavailable("cannot write to a pipe");
}

}  // namespace

absl::StatusOr<pid_t> Spawn(const ChildProcess& child) {
  std::vector<char*> arguments;
  for (const std::string& argument : child.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);

  TOCSIN_ASSIGN_OR_RETURN(const int input, PipeHolding(child.input));
  SpawnAttributes with;
  posix_spawn_file_actions_adddup2(&with.actions, input, 0);
  posix_spawn_file_actions_addopen(&with.actions, 1, child.output_file.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&with.actions, 1, 2);
  posix_spawn_file_actions_addchdir_np(&with.actions, "/");
#if __GLIBC_PREREQ(2, 34)
  posix_spawn_file_actions_addclosefrom_np(&with.actions, 3);
#endif
  pid_t pid = 0;
  const int error =
      posix_spawnp(&pid, arguments[0], &with.actions, &with.attributes, arguments.data(), environ);
  close(input);
  if (error != 0) return Unavailable("cannot start {}: {}", child.arguments[0], strerror(error));
  return pid;
}

absl::StatusOr<int> Run(const ChildProcess& child) {
  TOCSIN_ASSIGN_OR_RETURN(const pid_t pid, Spawn(child));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool WaitForChild(pid_t pid, absl::Duration timeout) {
  if (!WaitForStranger(pid, timeout)) return false;
  waitpid(pid, nullptr, 0);
  return true;
}

bool WaitForStranger(pid_t pid, absl::Duration timeout) {
  const int pid_fd = OpenPid(pid);
  if (pid_fd < 0) return errno == ESRCH;
  const bool ended = WaitForExit(pid_fd, timeout);
  close(pid_fd);
  return ended;
}

}  // namespace tocsin
