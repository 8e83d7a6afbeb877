#include "tests/support/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "base/check.h"
#include "fmt/format.h"
#include "fmt/ranges.h"

namespace tocsin {
namespace {

EVP_PKEY* NewKey() {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  TOCSIN_CHECK(key != nullptr);
  return key;
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  TOCSIN_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void SetName(X509_NAME* name, const std::string& text) {
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
}

// A new file in the place of the old one, all at once, as a careful renewal does it.
template <class Write>
void WriteFile(const std::string& path, Write write) {
  std::FILE* const file = std::fopen((path + ".new").c_str(), "w");
  TOCSIN_CHECK(file != nullptr);
  TOCSIN_CHECK(write(file) == 1);
  std::fclose(file);
  TOCSIN_CHECK(std::rename((path + ".new").c_str(), path.c_str()) == 0);
}

std::string AlternativeNames(const std::vector<std::string>& hosts) {
  std::vector<std::string> names;
  for (const std::string& host : hosts) {
    const bool address = host.find_first_not_of("0123456789.") == std::string::npos ||
                         host.find(':') != std::string::npos;
    names.push_back((address ? "IP:" : "DNS:") + host);
  }
  return fmt::format("{}", fmt::join(names, ","));
}

std::string NewFolder() {
  const char* const directory = std::getenv("TMPDIR");
  std::string path = fmt::format("{}/tocsin_ca_XXXXXX", directory != nullptr ? directory : "/tmp");
  TOCSIN_CHECK(::mkdtemp(path.data()) != nullptr);
  return path;
}

}  // namespace

TestAuthority::TestAuthority()
    : folder_(NewFolder()), key_(NewKey(), EVP_PKEY_free), certificate_(nullptr, X509_free) {
  certificate_ = Sign(key_.get(), "test authority", {.hosts = {}});
  WriteFile(ca_file(), [&](std::FILE* file) { return PEM_write_X509(file, certificate_.get()); });
}

TestAuthority::~TestAuthority() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

TlsFiles TestAuthority::Issue(const std::string& name, const Wanted& wanted) const {
  const Key key(NewKey(), EVP_PKEY_free);
  const Certificate certificate = Sign(key.get(), name, wanted);
  TlsFiles files{.certificate = fmt::format("{}/{}.pem", folder_, name),
                 .key = fmt::format("{}/{}.key", folder_, name)};
  WriteFile(files.key, [&](std::FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  WriteFile(files.certificate,
            [&](std::FILE* file) { return PEM_write_X509(file, certificate.get()); });
  return files;
}

// Without hosts: the authority's own.
TestAuthority::Certificate TestAuthority::Sign(EVP_PKEY* key, const std::string& name,
                                               const Wanted& wanted) const {
  Certificate made(X509_new(), X509_free);
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), std::random_device()());
  X509_gmtime_adj(X509_getm_notBefore(made.get()), absl::ToInt64Seconds(wanted.begins));
  X509_gmtime_adj(X509_getm_notAfter(made.get()), absl::ToInt64Seconds(wanted.ends));
  X509_set_pubkey(made.get(), key);
  SetName(X509_get_subject_name(made.get()), name);
  const bool is_authority = wanted.hosts.empty();
  X509_set_issuer_name(made.get(),
                       X509_get_subject_name(is_authority ? made.get() : certificate_.get()));
  AddExtension(made.get(), NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!is_authority) {
    AddExtension(made.get(), NID_subject_alt_name, AlternativeNames(wanted.hosts));
  }
  TOCSIN_CHECK(X509_sign(made.get(), key_.get(), EVP_sha256()) != 0);
  return made;
}

std::string SerialOf(const std::string& pem) {
  BIO* const reader = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* const certificate = PEM_read_bio_X509(reader, nullptr, nullptr, nullptr);
  BIO_free(reader);
  TOCSIN_CHECK(certificate != nullptr);
  std::uint64_t serial = 0;
  ASN1_INTEGER_get_uint64(&serial, X509_get0_serialNumber(certificate));
  X509_free(certificate);
  return std::to_string(serial);
}

}  // namespace tocsin
