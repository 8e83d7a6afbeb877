#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"

namespace tocsin::wire {

// Where a Call Automation resource is, and the key to it.
struct ConnectionString {
  std::string endpoint;  // "https://res.communication.azure.com": no path, no final slash.
  Secret access_key;     // The decoded bytes.
};

// Reads "endpoint=https://...;accesskey=<base64>". Member names in any case and
// order. kInvalidArgument says everything that is wrong and what would be right,
// and never quotes the key.
absl::StatusOr<ConnectionString> ParseConnectionString(std::string_view text);

// "Wed, 05 May 2021 20:08:39 GMT".
std::string FormatRfc1123(absl::Time time);

// kInvalidArgument unless `text` has exactly that form.
absl::StatusOr<absl::Time> ParseRfc1123(std::string_view text);

// What of a request is signed.
struct RequestToSign {
  std::string_view method;          // Upper case.
  std::string_view path_and_query;  // As on the request line, percent-encoded.
  std::string_view host;  // As in the Host header: with the port, unless it is the scheme's own.
  std::string_view body;  // Empty if there is none.
};

// The signature headers of a request that arrived. Empty: was not there.
struct RequestSignature {
  std::string_view authorization;   // "HMAC-SHA256 SignedHeaders=...&Signature=..."
  std::string_view date;            // x-ms-date, or else Date.
  std::string_view content_sha256;  // x-ms-content-sha256
};

// How far the sender's clock may be off. Generous because a client may sign
// once and send again minutes later.
inline constexpr absl::Duration kSignatureDateSkew = absl::Minutes(15);

// The HMAC-SHA256 scheme that the whole of Azure Communication Services uses.
// A value; may be used on any thread.
class RequestSigner {
 public:
  explicit RequestSigner(Secret access_key) : access_key_(std::move(access_key)) {}

  // Headers to add: x-ms-date, x-ms-content-sha256, Authorization. The Host
  // header is the client's to send, equal to `request.host`.
  std::vector<std::pair<std::string, std::string>> Sign(const RequestToSign& request,
                                                        absl::Time now) const;

  // kUnauthenticated, saying what is wrong but nothing about the key: a header
  // is missing, the date is off by more than kSignatureDateSkew, the body is
  // not the one that was signed, or the signature differs.
  absl::Status Verify(const RequestToSign& request, const RequestSignature& signature,
                      absl::Time now) const;

 private:
  Secret access_key_;
};

}  // namespace tocsin::wire
