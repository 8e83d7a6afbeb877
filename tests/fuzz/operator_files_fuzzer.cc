// Whatever an operator or a submitter hands over as a trunk file, as settings or as
// a recording: read or refused with a place, never a crash. The first byte picks the
// reader.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/wav.h"
#include "app/config.h"
#include "app/trunk_file.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "fmt/format.h"

namespace tocsin {
namespace {

// A file that is nowhere but in memory.
class FileOf {
 public:
  explicit FileOf(std::string_view text) : file_(::memfd_create("input", MFD_CLOEXEC)) {
    TOCSIN_CHECK(file_ >= 0);
    TOCSIN_CHECK(::write(file_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  ~FileOf() { ::close(file_); }
  FileOf(const FileOf&) = delete;
  FileOf& operator=(const FileOf&) = delete;

  std::string path() const { return fmt::format("/proc/self/fd/{}", file_); }

 private:
  const int file_;
};

void TryTrunk(const std::string& path) {
  const auto trunk = ReadTrunkFile(path, [](const std::string&) { return std::nullopt; });
  if (trunk.ok()) {
    TOCSIN_CHECK(!trunk->name.empty() && !trunk->caller_numbers.empty());
    return;
  }
  TOCSIN_CHECK(Message(trunk.status()).find(path) != std::string::npos);
}

void TrySettings(const std::string& path) {
  for (const Command command : {Command::kUp, Command::kServe, Command::kCallServer}) {
    const LoadedConfig loaded = LoadConfig({.command = command, .file = path});
    for (const std::string& problem : loaded.problems) TOCSIN_CHECK(!problem.empty());
  }
}

void Try(char which, std::string_view text) {
  switch (which) {
    case 't': return TryTrunk(FileOf(text).path());
    case 's': return TrySettings(FileOf(text).path());
    default: {
      const auto length = CheckWav(text);
      TOCSIN_CHECK(!length.ok() || *length > absl::ZeroDuration());
    }
  }
}

}  // namespace
}  // namespace tocsin

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  tocsin::Try(text[0], text.substr(1));
  return 0;
}
