#pragma once
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

// The few pieces of cryptography that the wire format needs. All of them pure
// and callable from any thread.
namespace tocsin::wire {

// 32 raw bytes.
std::string Sha256(std::string_view bytes);
std::string HmacSha256(std::string_view key, std::string_view bytes);

// Standard alphabet, padded: what the HMAC headers carry.
std::string Base64(std::string_view bytes);

// kInvalidArgument if `text` is not base64. The text may be a key, so the
// message does not quote it.
absl::StatusOr<std::string> DecodeBase64(std::string_view text);

// Alphabet of URLs, without padding: what the callback URL carries.
std::string Base64Url(std::string_view bytes);

// Lower case.
std::string Hex(std::string_view bytes);

// Takes as long for a first differing byte as for a last one. The lengths are
// not hidden.
bool EqualInConstantTime(std::string_view left, std::string_view right);

}  // namespace tocsin::wire
