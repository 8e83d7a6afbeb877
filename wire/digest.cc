#include "wire/digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <memory>

#include "absl/strings/escaping.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace tocsin::wire {
namespace {

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

constexpr std::size_t kSha256Bytes = 32;

// The library's own short ways look their algorithm up by name each time, which
// costs more than a short text's digest.
using Mac = std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)>;

Mac NewHmacSha256() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  Mac made(EVP_MAC_CTX_new(algorithm), &EVP_MAC_CTX_free);
  std::array<char, 7> digest{"SHA256"};
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  TOCSIN_CHECK(made != nullptr && EVP_MAC_CTX_set_params(made.get(), parameters.data()) == 1);
  return made;
}

absl::string_view Abseil(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

std::string Sha256(std::string_view bytes) {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
      EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::string digest(kSha256Bytes, '\0');
  const bool made =
      EVP_DigestInit_ex2(context.get(), algorithm, nullptr) == 1 &&
      EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1 &&
      EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) ==
          1;
  TOCSIN_CHECK(made);
  return digest;
}

std::string HmacSha256(std::string_view key, std::string_view bytes) {
  thread_local const Mac context = NewHmacSha256();
  std::string digest(kSha256Bytes, '\0');
  std::size_t size = 0;
  // A key of no bytes would be taken for the one before.
  TOCSIN_CHECK(!key.empty());
  const bool made = EVP_MAC_init(context.get(), Bytes(key), key.size(), nullptr) == 1 &&
                    EVP_MAC_update(context.get(), Bytes(bytes), bytes.size()) == 1 &&
                    EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(digest.data()),
                                  &size, digest.size()) == 1;
  TOCSIN_CHECK(made && size == digest.size());
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
