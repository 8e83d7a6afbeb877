#pragma once

namespace tocsin {

enum class ProcessSignal {
  kStop,        // SIGINT or SIGTERM: end in order.
  kChildEnded,  // A child process ended.
};

// Blocks the signals that WaitForSignal takes, in this thread and those it
// starts, and lets writes to closed sockets fail instead of ending us. Call it
// first in main, before any thread exists.
void BlockSignals();

// Waits for the next one.
ProcessSignal WaitForSignal();

// From now on SIGINT and SIGTERM end the process at once, as they do by default:
// for whoever presses Ctrl-C twice.
void UnblockStopSignals();

}  // namespace tocsin
