// Trunks, recordings, suppressions.
#include <optional>

#include "base/status_macros.h"
#include "db/array_literal.h"
#include "db/pg_store.h"
#include "db/pool.h"
#include "db/row_reader.h"
#include "db/time_text.h"
#include "db/transaction.h"

namespace tocsin::db {
namespace {

std::vector<Trunk> ReadTrunks(Session& session, const std::optional<std::string>& name) {
  std::vector<Trunk> trunks;
  for (const pqxx::row& raw : session.Run(query::kReadTrunks, name)) {
    RowReader row(raw);
    Trunk trunk;
    trunk.id = TrunkId(row.Int64());
    trunk.name = row.Text();
    trunk.endpoint = row.Text();
    trunk.dialect = row.Enum<Dialect>();
    trunk.api_version = row.Text();
    trunk.spelling = row.Enum<Spelling>();
    trunk.credential.kind = row.Enum<CredentialKind>();
    trunk.credential.source = row.Text();
    trunk.source_user = row.Text();
    trunk.resource_id = row.Text();
    trunk.callback_issuer = row.Text();
    trunk.jwks_url = row.Text();
    trunk.openid_configuration_url = row.Text();
    trunk.calls_per_second = row.Double();
    trunk.concurrent_max = row.Int();
    trunk.concurrent_max_per_caller = row.Int();
    trunk.time_scale = row.Double();
    trunk.live_dialing = row.Bool();
    trunk.allowed_regions = row.Texts();
    trunk.spend_ceiling_calls = row.Int64();
    trunk.cognitive_services_endpoint = row.Text();
    for (const std::string& text : row.Texts()) {
      if (auto number = PhoneNumber::Parse(text); number.ok()) {
        trunk.caller_numbers.push_back(*std::move(number));
      }
    }
    trunks.push_back(std::move(trunk));
  }
  return trunks;
}

std::string Hex(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::string Unhex(const std::string& hex) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(value(hex[i]) * 16 + value(hex[i + 1]));
  }
  return bytes;
}

Prompt ReadPrompt(const pqxx::row& raw) {
  RowReader row(raw);
  Prompt prompt;
  prompt.id = PromptId(row.Int64());
  prompt.public_name = row.Text();
  // encode() breaks no lines in hex; the text is pairs of digits.
  prompt.wav = Unhex(row.Text());
  prompt.length = row.Milliseconds();
  return prompt;
}

}  // namespace

absl::StatusOr<PromptId> PgStore::SavePrompt(TenantId tenant, const std::string& wav,
                                             absl::Duration length, absl::Time now) {
  return Transact(*pool_, [&](Session& session) -> absl::StatusOr<PromptId> {
    const pqxx::result saved = session.Run(query::kSavePrompt, tenant.value(), Hex(wav),
                                           absl::ToInt64Milliseconds(length), TimeText(now));
    return PromptId(saved.front()[0].as<std::int64_t>());
  });
}

absl::StatusOr<Prompt> PgStore::GetPrompt(PromptId id) {
  return Read(*pool_, [&](Session& session) -> absl::StatusOr<Prompt> {
    const pqxx::result found = session.Run(query::kReadPrompt, id.value());
    if (found.empty()) return NotFound("there is no prompt {}", id.value());
    return ReadPrompt(found.front());
  });
}

absl::StatusOr<Prompt> PgStore::FindPrompt(const std::string& public_name) {
  return Read(*pool_, [&](Session& session) -> absl::StatusOr<Prompt> {
    const pqxx::result found = session.Run(query::kFindPrompt, public_name);
    if (found.empty()) return absl::NotFoundError("there is no such prompt");
    return ReadPrompt(found.front());
  });
}

absl::StatusOr<SpokenMessage> PgStore::GetText(CampaignId campaign, TextId text) {
  return Read(*pool_, [&](Session& session) -> absl::StatusOr<SpokenMessage> {
    const pqxx::result found = session.Run(query::kReadText, campaign.value(), text.value());
    if (found.empty()) return absl::NotFoundError("there is no such text");
    const pqxx::row raw = found.front();
    RowReader row(raw);
    std::string language = row.Text();
    return SpokenMessage{std::move(language), MessageText(row.Text())};
  });
}

absl::StatusOr<Trunk> PgStore::SaveTrunk(const Trunk& trunk, absl::Time now) {
  return Transact(*pool_, [&](Session& session) -> absl::StatusOr<Trunk> {
    const pqxx::result saved = session.Run(
        query::kSaveTrunk, trunk.name, trunk.endpoint, std::string(Name(trunk.dialect)),
        trunk.api_version, std::string(Name(trunk.spelling)),
        std::string(Name(trunk.credential.kind)), trunk.credential.source, trunk.source_user,
        trunk.resource_id, trunk.callback_issuer, trunk.jwks_url, trunk.openid_configuration_url,
        trunk.calls_per_second, trunk.concurrent_max, trunk.concurrent_max_per_caller,
        trunk.time_scale, trunk.live_dialing, ArrayOf(trunk.allowed_regions),
        trunk.spend_ceiling_calls, trunk.cognitive_services_endpoint, TimeText(now));
    const auto id = saved.front()[0].as<std::int64_t>();
    std::vector<std::string> numbers;
    for (const PhoneNumber& number : trunk.caller_numbers) numbers.push_back(number.e164());
    session.Run(query::kDeleteCallerNumbers, id);
    session.Run(query::kInsertCallerNumbers, id, ArrayOf(numbers));
    session.Run(query::kNotify, "campaigns");
    return ReadTrunks(session, trunk.name).front();
  });
}

absl::StatusOr<Trunk> PgStore::GetTrunk(const std::string& name) {
  return Read(*pool_, [&](Session& session) -> absl::StatusOr<Trunk> {
    std::vector<Trunk> found = ReadTrunks(session, name);
    if (found.empty()) return NotFound("there is no trunk '{}'", name);
    return std::move(found.front());
  });
}

absl::StatusOr<std::vector<Trunk>> PgStore::ListTrunks() {
  return Read(*pool_, [&](Session& session) -> absl::StatusOr<std::vector<Trunk>> {
    return ReadTrunks(session, std::nullopt);
  });
}

absl::Status PgStore::AddSuppressions(TenantId tenant, const std::string& purpose,
                                      const std::vector<PhoneNumber>& numbers,
                                      const std::string& source, absl::Time now) {
  return Transact(*pool_, [&](Session& session) -> absl::Status {
    ArrayLiteral tenants, e164s, purposes, campaigns, attempts;
    for (const PhoneNumber& number : numbers) {
      tenants.Add(tenant.value());
      e164s.Add(number.e164());
      purposes.Add(purpose);
      campaigns.AddNull();
      attempts.AddNull();
    }
    if (tenants.size() == 0) return absl::OkStatus();
    session.Run(query::kAddSuppressions, std::move(tenants).Take(), std::move(e164s).Take(),
                std::move(purposes).Take(), source, std::move(campaigns).Take(),
                std::move(attempts).Take(), TimeText(now));
    return absl::OkStatus();
  });
}

}  // namespace tocsin::db
