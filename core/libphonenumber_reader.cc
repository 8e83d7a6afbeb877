// The one file that knows libphonenumber.
#include <phonenumbers/phonenumberutil.h>

#include "base/status_macros.h"
#include "core/phone_number.h"

namespace tocsin {
namespace {

using i18n::phonenumbers::PhoneNumberUtil;

absl::Status WhyNot(PhoneNumberUtil::ErrorType error) {
  switch (error) {
    case PhoneNumberUtil::NO_PARSING_ERROR: return absl::OkStatus();
    case PhoneNumberUtil::INVALID_COUNTRY_CODE_ERROR:
      return absl::InvalidArgumentError(
          "the country code is unknown; write +CC... or set the list's default region");
    case PhoneNumberUtil::NOT_A_NUMBER:
      return absl::InvalidArgumentError("this is not a telephone number");
    case PhoneNumberUtil::TOO_SHORT_AFTER_IDD:
    case PhoneNumberUtil::TOO_SHORT_NSN:
      return absl::InvalidArgumentError("the number is too short");
    case PhoneNumberUtil::TOO_LONG_NSN: return absl::InvalidArgumentError("the number is too long");
  }
  return absl::InvalidArgumentError("this is not a telephone number");
}

class Reader final : public PhoneNumberReader {
 public:
  absl::StatusOr<PhoneNumber> Read(std::string_view text,
                                   std::string_view default_region) const override {
    i18n::phonenumbers::PhoneNumber parsed;
    TOCSIN_RETURN_IF_ERROR(
        WhyNot(util_.Parse(std::string(text), std::string(default_region), &parsed)));
    if (parsed.has_extension()) {
      return absl::InvalidArgumentError("numbers with an extension cannot be dialed; leave it out");
    }
    if (!util_.IsValidNumber(parsed)) {
      return absl::InvalidArgumentError("no such number can exist in its country");
    }
    std::string e164;
    util_.Format(parsed, PhoneNumberUtil::E164, &e164);
    return PhoneNumber::Parse(e164);
  }

  std::string RegionOf(const PhoneNumber& number) const override {
    i18n::phonenumbers::PhoneNumber parsed;
    if (util_.Parse(number.e164(), "ZZ", &parsed) != PhoneNumberUtil::NO_PARSING_ERROR) return "";
    std::string region;
    util_.GetRegionCodeForNumber(parsed, &region);
    return region == "ZZ" ? "" : region;
  }

 private:
  const PhoneNumberUtil& util_ = *PhoneNumberUtil::GetInstance();
};

}  // namespace

const PhoneNumberReader& LibPhoneNumberReader() {
  static const Reader reader;
  return reader;
}

}  // namespace tocsin
