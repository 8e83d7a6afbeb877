#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/secret.h"
#include "core/trunk.h"

namespace tocsin::dialer {

// What requests are authorized with: one of the two, or neither.
struct Authority {
  Secret access_key;    // The decoded bytes that requests are signed with.
  Secret bearer_token;  // As it stands in the header.
  // Of the token, if it says so itself.
  absl::Time expires_at = absl::InfiniteFuture();
};

// Reads the text of a secret. A connection string must be for `endpoint`; empty:
// for any. kInvalidArgument says what would be right and quotes nothing.
absl::StatusOr<Authority> ReadAuthority(CredentialKind kind, const Secret& text,
                                        std::string_view endpoint);

// A variable of the environment, if it is set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// The text at a credential's source. kFailedPrecondition names the place.
absl::StatusOr<Secret> ReadSecret(const std::string& source, const Environment& environment);

// The secrets that trunks name, as this node finds them. A source is read again
// a second later at the earliest, so that a key or token that is replaced is
// taken up without a restart; while it cannot be read, the last good one holds.
//
// Thread-safe; reads small files.
class Credentials {
 public:
  Credentials(Environment environment, const Clock& clock)
      : environment_(std::move(environment)), clock_(clock) {}

  // Empty for a trunk that needs none. kFailedPrecondition, saying where the
  // secret should be and what is wrong, if there is none that can be used: not
  // there, unreadable, a token that has expired.
  absl::StatusOr<Authority> Get(const Credential& credential, const std::string& endpoint);

 private:
  struct Entry {
    std::string text;
    absl::StatusOr<Authority> authority = absl::UnknownError("");
    SteadyTime read_at;
  };

  absl::Status LookAgain(const Credential& credential, const std::string& endpoint, Entry& entry);

  const Environment environment_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // By kind, source and endpoint.
};

}  // namespace tocsin::dialer
