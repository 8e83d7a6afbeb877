#include "app/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <utility>

#include "absl/strings/escaping.h"
#include "app/config.h"
#include "base/status_macros.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string RandomKey() {
  std::random_device random;
  std::string bytes;
  while (bytes.size() < 32) bytes.push_back(static_cast<char>(random() & 0xFF));
  return absl::Base64Escape(bytes);
}

// Whole or not at all, and readable by its owner only from the first moment.
absl::Status WriteSecretFile(const std::string& path, const std::string& text) {
  const std::string unfinished = path + ".new";
  const int file = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written = file >= 0 &&
                       write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       fsync(file) == 0;
  if (file >= 0) close(file);
  if (written && rename(unfinished.c_str(), path.c_str()) == 0) return absl::OkStatus();
  return FailedPrecondition("cannot write {}: {}", path, strerror(errno));
}

}  // namespace

absl::StatusOr<DataDirectory> DataDirectory::Open(const std::string& path) {
  std::error_code error;
  const std::string full = fs::absolute(path).lexically_normal().string();
  const bool made = fs::create_directories(full, error);
  if (error) return FailedPrecondition("cannot make {}: {}", full, error.message());
  // As root PostgreSQL runs as another user, who has to pass through.
  if (made) chmod(full.c_str(), 0711);

  const std::string lock_path = full + "/lock";
  const int lock = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return FailedPrecondition("cannot write {}: {}", lock_path, strerror(errno));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    return FailedPrecondition(
        "process {} is already running with --data-dir {}; stop it first, or choose another folder",
        ReadFile(lock_path), full);
  }
  const std::string pid = std::to_string(getpid());
  if (ftruncate(lock, 0) != 0 || write(lock, pid.data(), pid.size()) < 0) {
    close(lock);
    return FailedPrecondition("cannot write {}: {}", lock_path, strerror(errno));
  }
  return DataDirectory(full, lock);
}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) close(lock_);
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

absl::StatusOr<std::vector<wire::CallbackKey>> DataDirectory::CallbackKeys() const {
  const std::string path = path_ + "/callback.keys";
  if (!fs::exists(path)) {
    TOCSIN_RETURN_IF_ERROR(WriteSecretFile(path, fmt::format("k1:{}\n", RandomKey())));
  }
  auto keys = ReadCallbackKeys(ReadFile(path));
  if (keys) return *std::move(keys);
  return FailedPrecondition(
      "{} holds no keys of the form id:base64; remove it to get a new one "
      "(callbacks of calls in progress will then be refused)",
      path);
}

absl::StatusOr<std::string> DataDirectory::KeepAccessKey(const Secret& key) const {
  const std::string path = path_ + "/access.key";
  TOCSIN_RETURN_IF_ERROR(WriteSecretFile(path, key.Reveal() + "\n"));
  return "file:" + path;
}

}  // namespace tocsin
