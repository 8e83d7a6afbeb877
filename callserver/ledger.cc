#include "callserver/ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "base/status_macros.h"

namespace tocsin::callserver {
namespace {

// Zero, or the errno of the failure.
int WriteAll(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

// A kill may cut the last line short; what follows must not be glued to it.
bool EndsInTheMiddleOfALine(int descriptor) {
  const off_t size = ::lseek(descriptor, 0, SEEK_END);
  char last = '\n';
  return size > 0 && ::pread(descriptor, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Open(const std::string& path) {
  if (path.empty()) return std::unique_ptr<Ledger>(new Ledger(-1));
  const int descriptor =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0) {
    return FailedPrecondition("cannot open the ledger {}: {}", path, std::strerror(errno));
  }
  std::unique_ptr<Ledger> ledger(new Ledger(descriptor));
  if (EndsInTheMiddleOfALine(descriptor)) ledger->pending_ += '\n';
  return ledger;
}

Ledger::~Ledger() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::uint64_t Ledger::Append(const std::vector<LedgerLine>& lines) {
  if (descriptor_ < 0 || lines.empty()) return 0;
  std::string text;
  for (const LedgerLine& line : lines) text += FormatLedgerLine(line);
  std::lock_guard lock(append_mutex_);
  pending_ += text;
  appended_ += text.size();
  return appended_;
}

absl::Status Ledger::Write(std::uint64_t position) {
  if (written_.load() < position) {
    std::lock_guard writing(write_mutex_);
    if (written_.load() < position && write_error_.load() == 0) {
      std::string text;
      std::uint64_t upto = 0;
      {
        std::lock_guard lock(append_mutex_);
        text.swap(pending_);
        upto = appended_;
      }
      write_error_ = WriteAll(descriptor_, text);
      if (write_error_.load() == 0) written_ = upto;
      if (write_error_.load() != 0) {
        Log(LogLevel::kError, "ledger_write_failed",
            {{"error", std::strerror(write_error_.load())}});
      }
    }
  }
  if (write_error_.load() == 0) return absl::OkStatus();
  return Unavailable("the ledger cannot be written: {}; make room and start again",
                     std::strerror(write_error_.load()));
}

}  // namespace tocsin::callserver
