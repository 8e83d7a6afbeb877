#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "callserver/ledger_line.h"

namespace tocsin::callserver {

// The ledger's file: append-only, readable by its owner only. A line that
// Write() has returned for survives the process; it is not synced to the disk.
//
// Thread-safe. Lines keep the order of the Append() calls.
class Ledger {
 public:
  // Creates or continues the file. An empty path makes a ledger that keeps
  // nothing. kFailedPrecondition if the file cannot be opened; the message names
  // it.
  static absl::StatusOr<std::unique_ptr<Ledger>> Open(const std::string& path);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Takes the lines into the order of the file; cheap, does no I/O. Returns the
  // position to hand to Write().
  std::uint64_t Append(const std::vector<LedgerLine>& lines);

  // Returns once everything up to `position` is in the file: whoever comes
  // first writes for all. kUnavailable if the file cannot be written, from then
  // on for ever: a ledger with a hole in it judges nothing.
  absl::Status Write(std::uint64_t position);

 private:
  explicit Ledger(int descriptor) : descriptor_(descriptor) {}

  const int descriptor_;  // -1: keeps nothing.

  std::mutex append_mutex_;  // Guards the next two; never held across I/O.
  std::string pending_;
  std::uint64_t appended_ = 0;

  std::mutex write_mutex_;  // One writer at a time.
  std::atomic<std::uint64_t> written_ = 0;
  std::atomic<int> write_error_ = 0;  // errno of the first failure.
};

}  // namespace tocsin::callserver
