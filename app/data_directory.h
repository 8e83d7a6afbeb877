#pragma once
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/secret.h"
#include "wire/callback_url.h"

namespace tocsin {

// The folder of a `tocsin up`: what is in it, and that only one uses it.
//
//   lock           held while a process lives; its number is inside
//   callback.keys  what our callback URLs are signed with; made once
//   access.key     what requests to the call server are signed with, if they are
//   postgres/      PostgreSQL's cluster, socket and log
//
// Lives as long as the process; not thread-safe.
class DataDirectory {
 public:
  // Makes the folder if it is missing and takes the lock. kFailedPrecondition if
  // another process holds it (the message names it) or it cannot be written.
  static absl::StatusOr<DataDirectory> Open(const std::string& path);
  ~DataDirectory();
  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&&) = delete;

  const std::string& path() const { return path_; }
  std::string postgres() const { return path_ + "/postgres"; }

  // The same keys at every start, or those who call back after a restart would
  // not be heard. kFailedPrecondition if the file is not what was written.
  absl::StatusOr<std::vector<wire::CallbackKey>> CallbackKeys() const;

  // Keeps what the embedded trunk signs with; returns where, for its credential.
  // kFailedPrecondition if it cannot be written.
  absl::StatusOr<std::string> KeepAccessKey(const Secret& key) const;

 private:
  DataDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_;
};

}  // namespace tocsin
