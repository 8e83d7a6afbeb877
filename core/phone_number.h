#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace tocsin {

// A telephone number in E.164 form ("+12025550123"). A PhoneNumber that exists
// is well-formed: the only way to make one is Parse(), so nothing past the
// boundary checks the form again. Whether it may be dialed is DialGuard's word.
//
// There is deliberately no operator<< and no formatter: a number reaches a log
// line through Masked() or not at all.
class PhoneNumber {
 public:
  // Accepts "+", then 8 to 15 digits of which the first is not zero. Spaces,
  // dashes and national formats are a PhoneNumberReader's to normalise.
  static absl::StatusOr<PhoneNumber> Parse(std::string_view text);

  // The full number, for the wire and the database only.
  const std::string& e164() const { return e164_; }

  // "+12*******23": enough to talk about, not enough to call.
  std::string Masked() const;

  friend auto operator<=>(const PhoneNumber&, const PhoneNumber&) = default;

 private:
  explicit PhoneNumber(std::string e164) : e164_(std::move(e164)) {}

  std::string e164_;
};

// Reads a number as people write them ("(202) 555-0123") into E.164.
// Implementations are thread-safe.
class PhoneNumberReader {
 public:
  virtual ~PhoneNumberReader() = default;

  // `default_region` is ISO 3166 ("US") and decides national formats.
  // kInvalidArgument says what is wrong and never quotes the input.
  virtual absl::StatusOr<PhoneNumber> Read(std::string_view text,
                                           std::string_view default_region) const = 0;

  // The ISO 3166 region of a number, "001" for global ranges, "" if unknown.
  virtual std::string RegionOf(const PhoneNumber& number) const = 0;
};

// The reader over libphonenumber; defined in its own library,
// tocsin::number_reader, so that core/ itself depends on nothing. Lives as long
// as the process.
const PhoneNumberReader& LibPhoneNumberReader();

}  // namespace tocsin
