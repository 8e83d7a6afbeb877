#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/secret.h"
#include "core/ids.h"

namespace tocsin::wire {

// One of the secrets that callback URLs are signed with. The id stands in the
// URL, so that a receiver knows which secret to check against.
struct CallbackKey {
  std::string id;  // 1 to 32 of A-Z a-z 0-9 _ -
  Secret secret;   // At least 16 bytes.
};

// What a callback URL says.
struct SignedCallback {
  AttemptKey attempt;
  // Set: the callback carries a token besides, as this trunk expects it.
  TrunkId token_trunk;

  friend bool operator==(const SignedCallback&, const SignedCallback&) = default;
};

// Makes and checks the URLs that we hand to the provider for its callbacks:
//
//   <base>/callbacks/<campaign>/<attempt>?t=<trunk>&k=<key id>&s=<signature>
//
// The attempt's key in the URL is what lets an event find its row before the
// answer to create-call is known; the signature is what stops a stranger from
// reporting on calls. It is valid as long as its key is configured.
//
// `t` is there where a token is owed. It is signed, there or not: nobody can
// take it away from a URL, nor name another trunk.
//
// A value; may be copied and used on any thread.
class CallbackSigner {
 public:
  // The first key signs, all of them verify. To rotate: put the new key first,
  // and drop the old one once no call made with it can still be heard of.
  // kInvalidArgument, naming the key, if one is unfit or an id comes twice.
  static absl::StatusOr<CallbackSigner> Create(std::vector<CallbackKey> keys);

  // The full URL. `base_url` is scheme, authority and perhaps a path prefix;
  // a slash at its end is dropped.
  std::string Sign(const SignedCallback& callback, std::string_view base_url) const;

  // Takes path and query as they stood in the request line. A path prefix that
  // a proxy left in place is ignored, as are query parameters we do not know.
  //
  // kInvalidArgument: not one of our URLs. kUnauthenticated: shaped like one,
  // but the signature is wrong or its key unknown. Neither quotes the input.
  absl::StatusOr<SignedCallback> Verify(std::string_view raw_path,
                                        std::string_view raw_query) const;

 private:
  explicit CallbackSigner(std::vector<CallbackKey> keys);

  std::vector<CallbackKey> keys_;
};

// The attempt named by such a path, without any check of a signature.
// kInvalidArgument if it is none.
absl::StatusOr<AttemptKey> ParseCallbackPath(std::string_view raw_path);

// `uri` up to its query: what may be written down about a callback URL.
std::string_view WithoutQuery(std::string_view uri);

}  // namespace tocsin::wire
