#include "db/api_requests.h"

#include "base/status_macros.h"
#include "db/row_reader.h"
#include "db/time_text.h"

namespace tocsin::db {

absl::StatusOr<std::optional<FirstAnswer>> FindRequest(Session& session, const ApiRequest& request,
                                                       std::string_view method) {
  if (request.request_id.empty()) return std::nullopt;
  const pqxx::result found =
      session.Run(query::kFindApiRequest, request.tenant.value(), request.request_id);
  if (found.empty()) return std::nullopt;
  const pqxx::row raw = found.front();
  RowReader row(raw);
  const std::string fingerprint = row.Text();
  const std::string first_method = row.Text();
  if (fingerprint != request.fingerprint || first_method != method) {
    return absl::AlreadyExistsError(
        "request_id was used for another request; choose a new one for each request");
  }
  FirstAnswer answer;
  answer.campaign = CampaignId(row.Int64());
  answer.import = ImportId(row.Int64());
  answer.state = row.OptEnum<CampaignState>();
  answer.state_reason = row.Text();
  return answer;
}

absl::Status KeepRequest(Session& session, const ApiRequest& request, std::string_view method,
                         const FirstAnswer& answer, absl::Time now) {
  if (request.request_id.empty()) return absl::OkStatus();
  std::optional<std::string> import, state, reason;
  if (answer.import.is_set()) import = std::to_string(answer.import.value());
  if (answer.state) {
    state = std::string(Name(*answer.state));
    reason = answer.state_reason;
  }
  const pqxx::result kept = session.Run(
      query::kInsertApiRequest, request.tenant.value(), request.request_id, request.fingerprint,
      std::string(method), answer.campaign.value(), import, state, reason, TimeText(now));
  if (kept.affected_rows() == 0) return absl::AbortedError("the same request is being answered");
  return absl::OkStatus();
}

}  // namespace tocsin::db
