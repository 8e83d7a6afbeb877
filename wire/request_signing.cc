#include "wire/request_signing.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "fmt/ranges.h"
#include "wire/digest.h"

namespace tocsin::wire {
namespace {

constexpr char kDateFormat[] = "%a, %d %b %Y %H:%M:%S GMT";
constexpr std::string_view kScheme = "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256";
constexpr std::string_view kSignatureMember = "&Signature=";

std::string Lower(std::string_view text) {
  return absl::AsciiStrToLower(absl::string_view(text.data(), text.size()));
}

std::string Signature(const Secret& access_key, const RequestToSign& request, std::string_view date,
                      std::string_view content_sha256) {
  const std::string text = fmt::format("{}\n{}\n{};{};{}", request.method, request.path_and_query,
                                       date, request.host, content_sha256);
  return Base64(HmacSha256(access_key.Reveal(), text));
}

// The signature in an Authorization header; empty if it is of another scheme.
// Signed headers in another case or order would sign another text, so they are
// not accepted either, except that "date" may stand for "x-ms-date".
std::string_view SignatureIn(std::string_view authorization) {
  constexpr std::string_view kWithDate = "HMAC-SHA256 SignedHeaders=date;host;x-ms-content-sha256";
  for (const std::string_view scheme : {kScheme, kWithDate}) {
    if (!authorization.starts_with(scheme)) continue;
    const std::string_view rest = authorization.substr(scheme.size());
    if (rest.starts_with(kSignatureMember)) return rest.substr(kSignatureMember.size());
  }
  return {};
}

absl::Status Unauthenticated(std::string_view message) {
  return absl::UnauthenticatedError(absl::string_view(message.data(), message.size()));
}

absl::StatusOr<std::string> CheckedEndpoint(std::string_view text) {
  std::string_view rest = text;
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (Lower(text).starts_with(scheme)) rest = text.substr(scheme.size());
  }
  if (rest.size() == text.size()) {
    return InvalidArgument("endpoint must start with https:// or http://");
  }
  if (text.ends_with('/')) text.remove_suffix(1);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty()) return InvalidArgument("endpoint must name a host");
  if (rest.find_first_of("/?#@ ") != std::string_view::npos) {
    return InvalidArgument(
        "endpoint must be scheme, host and perhaps port, without path, query or user, such as "
        "https://contoso.communication.azure.com/");
  }
  return std::string(text);
}

struct Members {
  std::optional<std::string_view> endpoint;
  std::optional<std::string_view> access_key;
};

// Adds to `faults` what stands there besides the two.
Members SplitMembers(std::string_view text, std::vector<std::string>& faults) {
  Members members;
  bool unknown = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view member = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (member.empty()) continue;
    const std::size_t equals = member.find('=');
    const std::string name = Lower(member.substr(0, equals));
    std::optional<std::string_view>* const slot = name == "endpoint"    ? &members.endpoint
                                                  : name == "accesskey" ? &members.access_key
                                                                        : nullptr;
    if (equals == std::string_view::npos || slot == nullptr) {
      unknown = true;
    } else if (slot->has_value()) {
      faults.push_back(fmt::format("{} comes twice", name));
    } else {
      *slot = member.substr(equals + 1);
    }
  }
  if (unknown) {
    faults.emplace_back("only endpoint=... and accesskey=..., separated by ';', are known");
  }
  return members;
}

}  // namespace

absl::StatusOr<ConnectionString> ParseConnectionString(std::string_view text) {
  std::vector<std::string> faults;
  const Members members = SplitMembers(text, faults);
  ConnectionString parsed;
  if (!members.endpoint) {
    faults.emplace_back("endpoint is missing");
  } else if (auto endpoint = CheckedEndpoint(*members.endpoint); endpoint.ok()) {
    parsed.endpoint = *std::move(endpoint);
  } else {
    faults.push_back(Message(endpoint.status()));
  }
  if (!members.access_key) {
    faults.emplace_back("accesskey is missing");
  } else if (auto key = DecodeBase64(*members.access_key); key.ok() && !key->empty()) {
    parsed.access_key = Secret(*std::move(key));
  } else {
    faults.emplace_back("accesskey must be the base64 text of the key");
  }
  if (faults.empty()) return parsed;
  return InvalidArgument("connection string: {}; expected endpoint=https://...;accesskey=...",
                         fmt::join(faults, "; "));
}

std::string FormatRfc1123(absl::Time time) {
  return absl::FormatTime(kDateFormat, time, absl::UTCTimeZone());
}

absl::StatusOr<absl::Time> ParseRfc1123(std::string_view text) {
  absl::Time time;
  const absl::string_view view(text.data(), text.size());
  // Formatting it again catches what the parser is lax about: spaces, a wrong
  // weekday, one digit for two. "infinite-future" it reads in any format.
  if (!absl::ParseTime(kDateFormat, view, absl::UTCTimeZone(), &time, nullptr) ||
      time == absl::InfiniteFuture() || time == absl::InfinitePast() ||
      FormatRfc1123(time) != text) {
    return InvalidArgument("the date must look like 'Wed, 05 May 2021 20:08:39 GMT'");
  }
  return time;
}

std::vector<std::pair<std::string, std::string>> RequestSigner::Sign(const RequestToSign& request,
                                                                     absl::Time now) const {
  std::string date = FormatRfc1123(now);
  std::string content_sha256 = Base64(Sha256(request.body));
  std::string authorization = fmt::format("{}{}{}", kScheme, kSignatureMember,
                                          Signature(access_key_, request, date, content_sha256));
  return {{"x-ms-date", std::move(date)},
          {"x-ms-content-sha256", std::move(content_sha256)},
          {"Authorization", std::move(authorization)}};
}

absl::Status RequestSigner::Verify(const RequestToSign& request, const RequestSignature& signature,
                                   absl::Time now) const {
  const std::string_view received = SignatureIn(signature.authorization);
  if (received.empty()) {
    return Unauthenticated(
        "Authorization must be HMAC-SHA256 over x-ms-date;host;"
        "x-ms-content-sha256");
  }
  const absl::StatusOr<absl::Time> date = ParseRfc1123(signature.date);
  if (!date.ok()) {
    return Unauthenticated("x-ms-date is missing or not like 'Wed, 05 May 2021 20:08:39 GMT'");
  }
  if (absl::AbsDuration(now - *date) > kSignatureDateSkew) {
    return Unauthenticated("x-ms-date is more than 15 minutes off; check the clocks");
  }
  if (!EqualInConstantTime(Base64(Sha256(request.body)), signature.content_sha256)) {
    return Unauthenticated("x-ms-content-sha256 is not the hash of the body");
  }
  const std::string expected =
      Signature(access_key_, request, signature.date, signature.content_sha256);
  if (!EqualInConstantTime(expected, received)) {
    return Unauthenticated("the signature does not match this access key and request");
  }
  return absl::OkStatus();
}

}  // namespace tocsin::wire
