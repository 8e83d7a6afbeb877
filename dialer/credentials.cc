#include "dialer/credentials.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "wire/digest.h"
#include "wire/json_web_token.h"
#include "wire/request_signing.h"

namespace tocsin::dialer {
namespace {

constexpr std::string_view kFile = "file:";
constexpr std::string_view kVariable = "env:";
constexpr std::chrono::seconds kLookAgain{1};
constexpr std::size_t kSecretBytesMax = 1 << 16;
constexpr std::size_t kKeyBytesMin = 16;

std::string Trimmed(const std::string& text) {
  return std::string(absl::StripAsciiWhitespace(text));
}

absl::StatusOr<Authority> ReadAccessKey(const std::string& text) {
  absl::StatusOr<std::string> bytes = wire::DecodeBase64(text);
  if (!bytes.ok() || bytes->size() < kKeyBytesMin) {
    return InvalidArgument("must hold a key of at least {} bytes in base64", kKeyBytesMin);
  }
  return Authority{.access_key = Secret(*std::move(bytes))};
}

absl::StatusOr<Authority> ReadConnectionString(const std::string& text, std::string_view endpoint) {
  TOCSIN_ASSIGN_OR_RETURN(wire::ConnectionString parsed, wire::ParseConnectionString(text));
  if (endpoint.ends_with('/')) endpoint.remove_suffix(1);
  if (!endpoint.empty() && parsed.endpoint != endpoint) {
    return InvalidArgument("connection string: it is for another endpoint than the trunk's");
  }
  return Authority{.access_key = std::move(parsed.access_key)};
}

absl::StatusOr<Authority> ReadBearerToken(const std::string& text) {
  const bool fits = !text.empty() && std::all_of(text.begin(), text.end(),
                                                 [](char c) { return c > ' ' && c <= '~'; });
  if (!fits) return InvalidArgument("must hold a token alone, without spaces and 'Bearer'");
  return Authority{.bearer_token = Secret(text),
                   .expires_at = wire::TokenExpiry(text).value_or(absl::InfiniteFuture())};
}

}  // namespace

absl::StatusOr<Authority> ReadAuthority(CredentialKind kind, const Secret& text,
                                        std::string_view endpoint) {
  const std::string trimmed = Trimmed(text.Reveal());
  switch (kind) {
    case CredentialKind::kNone: return Authority{};
    case CredentialKind::kAccessKey: return ReadAccessKey(trimmed);
    case CredentialKind::kConnectionString: return ReadConnectionString(trimmed, endpoint);
    case CredentialKind::kBearerToken: return ReadBearerToken(trimmed);
  }
  return Authority{};
}

absl::StatusOr<Secret> ReadSecret(const std::string& source, const Environment& environment) {
  if (source.starts_with(kVariable)) {
    const std::string name = source.substr(kVariable.size());
    std::optional<std::string> value = environment ? environment(name) : std::nullopt;
    if (!value) return FailedPrecondition("the environment variable {} is not set", name);
    return Secret(*std::move(value));
  }
  const std::string path = source.substr(std::min(kFile.size(), source.size()));
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kSecretBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    return FailedPrecondition("{} cannot be read: {}", path, std::strerror(errno));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kSecretBytesMax) return FailedPrecondition("{} is too long", path);
  return Secret(std::move(text));
}

absl::StatusOr<Authority> Credentials::Get(const Credential& credential,
                                           const std::string& endpoint) {
  if (credential.kind == CredentialKind::kNone) return Authority{};
  const std::string key =
      fmt::format("{} {} {}", Name(credential.kind), endpoint, credential.source);
  const std::lock_guard lock(mutex_);
  const auto [it, is_new] = entries_.try_emplace(key);
  Entry& entry = it->second;
  if (is_new || clock_.Steady() - entry.read_at >= kLookAgain) {
    const absl::Status looked = LookAgain(credential, endpoint, entry);
    if (!looked.ok() && entry.authority.ok()) {
      Log(LogLevel::kWarn, "credential_unreadable", {{"error", Message(looked)}});
    } else if (!looked.ok()) {
      entry.authority = looked;
    }
  }
  if (entry.authority.ok() && entry.authority->expires_at <= clock_.Now()) {
    return FailedPrecondition("the bearer token in {} has expired; put a new one there",
                              credential.source);
  }
  return entry.authority;
}

// Leaves the entry as it is if there is nothing better.
absl::Status Credentials::LookAgain(const Credential& credential, const std::string& endpoint,
                                    Entry& entry) {
  entry.read_at = clock_.Steady();
  TOCSIN_ASSIGN_OR_RETURN(const Secret text, ReadSecret(credential.source, environment_));
  if (entry.authority.ok() && text.Reveal() == entry.text) return absl::OkStatus();
  absl::StatusOr<Authority> read = ReadAuthority(credential.kind, text, endpoint);
  if (!read.ok()) {
    return FailedPrecondition("{}: {}", credential.source, Message(read.status()));
  }
  if (entry.authority.ok()) {
    Log(LogLevel::kInfo, "credential_replaced", {{"source", credential.source}});
  }
  entry.text = text.Reveal();
  entry.authority = *std::move(read);
  return absl::OkStatus();
}

}  // namespace tocsin::dialer
