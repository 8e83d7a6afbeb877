#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tocsin {

struct ChildProcess {
  std::vector<std::string> arguments;  // arguments[0] is looked up in PATH.
  std::string input;                   // Given as standard input; may be empty.
  std::string output_file;             // Standard output and error, appended.
};

// Starts a program in a session of its own, so that Ctrl-C at our terminal does
// not reach it, with no signal blocked and no file of ours open but the three.
// kUnavailable if it cannot be started. The caller must wait for the pid.
absl::StatusOr<pid_t> Spawn(const ChildProcess& child);

// Starts it and waits for its end. Returns its exit code; 128 + signal if it was
// killed.
absl::StatusOr<int> Run(const ChildProcess& child);

// True once `pid`, a child of ours, has ended; false after `timeout`.
bool WaitForChild(pid_t pid, absl::Duration timeout);

// True once no process `pid` exists any more; false after `timeout`. For those
// that are not our children.
bool WaitForStranger(pid_t pid, absl::Duration timeout);

}  // namespace tocsin
