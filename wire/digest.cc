#include "wire/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "absl/strings/escaping.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace tocsin::wire {
namespace {

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

absl::string_view Abseil(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

std::string Sha256(std::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(Bytes(bytes), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

std::string HmacSha256(std::string_view key, std::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  unsigned int size = 0;
  const unsigned char* made =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Bytes(bytes), bytes.size(),
           reinterpret_cast<unsigned char*>(digest.data()), &size);
  TOCSIN_CHECK(made != nullptr && size == digest.size());
  return digest;
}

std::string Base64(std::string_view bytes) {
  return absl::Base64Escape(Abseil(bytes));
}

absl::StatusOr<std::string> DecodeBase64(std::string_view text) {
  std::string bytes;
  if (!absl::Base64Unescape(Abseil(text), &bytes)) return InvalidArgument("not base64");
  return bytes;
}

std::string Base64Url(std::string_view bytes) {
  return absl::WebSafeBase64Escape(Abseil(bytes));  // Abseil pads only the standard alphabet.
}

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(Abseil(bytes));
}

bool EqualInConstantTime(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace tocsin::wire
