#pragma once
#include <string>
#include <string_view>

namespace tocsin::wire {

// Somebody who can take part in a call, of any kind that the API knows.
//
// Every party has a raw id, one string that says kind and id at once. It is
// what parties are compared by: the same party may come with more or fewer of
// the other members.
struct Identifier {
  enum class Kind {
    kUnknown,            // Known by its raw id alone.
    kPhoneNumber,        // 4:+14255550123
    kCommunicationUser,  // 8:acs:<resource>_<user>
    kTeamsUser,          // 8:orgid:<user>
    kTeamsApp,           // 28:orgid:<app>
    kTeamsExtensionUser  // 8:acs:<resource>_<tenant>_<user>
  };
  enum class Cloud { kPublic, kDod, kGcch };

  Kind kind = Kind::kUnknown;
  // The number with '+', the user's or the app's id; of a communication user
  // and of an unknown party the whole raw id.
  std::string value;

  Cloud cloud = Cloud::kPublic;  // Teams users, apps and extension users.
  bool is_anonymous = false;     // Telephone numbers and Teams users.
  std::string asserted_id;       // Telephone numbers.
  std::string tenant_id;         // Teams extension users, likewise below.
  std::string resource_id;
  // As it was sent, if that is not what the rest amounts to.
  std::string other_raw_id;

  static Identifier PhoneNumber(std::string_view e164) {
    return {Kind::kPhoneNumber, std::string(e164)};
  }
  static Identifier CommunicationUser(std::string_view id) {
    return {Kind::kCommunicationUser, std::string(id)};
  }

  friend bool operator==(const Identifier&, const Identifier&) = default;
};

// As the real SDK derives it.
std::string RawId(const Identifier& identifier);

// The party that a raw id names; what has no known form is kUnknown. For every
// text, RawId(ParseRawId(text)) == text.
Identifier ParseRawId(std::string_view raw_id);

// "public", "dod", "gcch".
std::string_view Name(Identifier::Cloud cloud);

}  // namespace tocsin::wire
