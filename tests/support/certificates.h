#pragma once
#include <openssl/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/tls.h"

namespace tocsin {

// An authority of a test's own, with a folder of PEM files that goes with it.
class TestAuthority {
 public:
  struct Wanted {
    std::vector<std::string> hosts = {"127.0.0.1", "localhost"};  // Names and addresses.
    absl::Duration begins = -absl::Hours(1);                      // From now.
    absl::Duration ends = absl::Hours(1);
  };

  TestAuthority();
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  const std::string& folder() const { return folder_; }
  std::string ca_file() const { return folder_ + "/ca.pem"; }

  // A key and a certificate for it, in files `name`.pem and `name`.key; writes
  // over those that are there.
  TlsFiles Issue(const std::string& name, const Wanted& wanted) const;
  TlsFiles Issue(const std::string& name) const { return Issue(name, Wanted()); }

 private:
  using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
  using Certificate = std::unique_ptr<X509, void (*)(X509*)>;
  Certificate Sign(EVP_PKEY* key, const std::string& name, const Wanted& wanted) const;

  std::string folder_;
  Key key_;
  Certificate certificate_;
};

// The serial number of the certificate in a PEM text, to tell two apart.
std::string SerialOf(const std::string& pem);

}  // namespace tocsin
