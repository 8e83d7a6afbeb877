#include "cli/campaign_client.h"

#include <grpcpp/grpcpp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>

#include "base/status_macros.h"
#include "base/uuid.h"
#include "cli/recipient_file.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace tocsin {
namespace {

constexpr char kBadRequest[] = "type.googleapis.com/google.rpc.BadRequest";
constexpr absl::Duration kUsualDeadline = absl::Seconds(30);
// To start a campaign is to put everybody in it into the queue.
constexpr absl::Duration kCommandDeadline = absl::Minutes(5);
// Recounts everything.
constexpr absl::Duration kReportDeadline = absl::Minutes(5);
constexpr absl::Duration kImportDeadline = absl::Hours(2);
constexpr absl::Duration kFirstWait = absl::Milliseconds(500);
constexpr absl::Duration kLongestWait = absl::Seconds(8);
// Waits of 7.5 s in all: a mistyped address should not take longer.
constexpr int kTriesMax = 5;
// Of what has begun and is worth waiting for: half a minute, as long as a
// database takes to restart.
constexpr int kTriesOfStreamsMax = 8;
constexpr int kBatchRows = 1000;
constexpr int kPageSize = 1000;

std::string UserName() {
  const passwd* user = getpwuid(geteuid());
  return user == nullptr ? "" : user->pw_name;
}

std::shared_ptr<grpc::Channel> Connect(const ServiceChannel& service) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  // A lost connection is looked up anew before it is tried anew, by default every 30 s at most.
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 200);
  // A line that died without a word is noticed while a campaign is watched.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  // A report of a big campaign is larger than the usual 4 MiB.
  arguments.SetMaxReceiveMessageSize(64 << 20);
  return grpc::CreateCustomChannel(service.address, service.credentials, arguments);
}

}  // namespace

std::vector<RequestFault> FaultsOf(const absl::Status& status) {
  std::vector<RequestFault> faults;
  const absl::optional<absl::Cord> payload = status.GetPayload(kBadRequest);
  google::rpc::BadRequest bad;
  if (!payload || !bad.ParseFromString(std::string(*payload))) return faults;
  for (const auto& violation : bad.field_violations()) {
    faults.push_back({violation.field(), violation.description()});
  }
  return faults;
}

CampaignClient::CampaignClient(ServiceChannel service, const Clock& clock,
                               std::function<void(const std::string&)> announce)
    : service_(std::move(service)),
      clock_(clock),
      announce_(std::move(announce)),
      stub_(v1::CampaignService::NewStub(Connect(service_))) {}

void CampaignClient::Prepare(grpc::ClientContext& context, absl::Duration deadline) const {
  if (const std::string user = UserName(); !user.empty()) {
    context.AddMetadata("tocsin-actor", user);
  }
  context.set_deadline(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_millis(absl::ToInt64Milliseconds(deadline), GPR_TIMESPAN)));
}

absl::Status CampaignClient::FromGrpc(const grpc::Status& status) const {
  if (status.ok()) return absl::OkStatus();
  const bool unreachable = status.error_code() == grpc::StatusCode::UNAVAILABLE &&
                           status.error_message().find("connect to") != std::string::npos;
  if (unreachable) return WhyUnreachable(service_);
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status rich;
  if (rich.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : rich.details()) {
      result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
    }
  }
  return result;
}

bool CampaignClient::WaitToRepeat(const absl::Status& status, int tries, int tries_max) const {
  // Canceled by the service, that is: it was stopping. We ourselves never give up so.
  const bool passing =
      absl::IsUnavailable(status) || absl::IsAborted(status) || absl::IsCancelled(status);
  if (!passing || tries >= tries_max) return false;
  const absl::Duration wait = std::min(kFirstWait * (1 << (tries - 1)), kLongestWait);
  announce_(fmt::format("{}; trying again in {} ({} of {})", Message(status),
                        absl::FormatDuration(wait), tries + 1, tries_max));
  return clock_.SleepUntil(clock_.Steady() + absl::ToChronoNanoseconds(wait), {});
}

template <class Request, class Response>
absl::StatusOr<Response> CampaignClient::Call(Method<Request, Response> method,
                                              const Request& request, absl::Duration deadline) {
  for (int tries = 1;; ++tries) {
    grpc::ClientContext context;
    Prepare(context, deadline);
    Response response;
    absl::Status status = FromGrpc((stub_.get()->*method)(&context, request, &response));
    if (status.ok()) return response;
    if (!WaitToRepeat(status, tries, kTriesMax)) return status;
  }
}

template <class Request>
absl::StatusOr<v1::Campaign> CampaignClient::Command(Method<Request, v1::Campaign> method,
                                                     Request request, const std::string& name) {
  request.set_name(name);
  request.set_request_id(RandomUuid());
  return Call(method, request, kCommandDeadline);
}

absl::StatusOr<v1::Prompt> CampaignClient::UploadPrompt(std::string wav) {
  v1::UploadPromptRequest request;
  request.set_wav(std::move(wav));
  return Call<v1::UploadPromptRequest, v1::Prompt>(&v1::CampaignService::Stub::UploadPrompt,
                                                   request, kUsualDeadline);
}

absl::StatusOr<v1::Campaign> CampaignClient::Create(const v1::Campaign& campaign) {
  v1::CreateCampaignRequest request;
  *request.mutable_campaign() = campaign;
  request.set_request_id(RandomUuid());
  return Call<v1::CreateCampaignRequest, v1::Campaign>(&v1::CampaignService::Stub::CreateCampaign,
                                                       request, kUsualDeadline);
}

absl::StatusOr<v1::Campaign> CampaignClient::Get(const std::string& name) {
  v1::GetCampaignRequest request;
  request.set_name(name);
  return Call<v1::GetCampaignRequest, v1::Campaign>(&v1::CampaignService::Stub::GetCampaign,
                                                    request, kUsualDeadline);
}

absl::StatusOr<std::vector<v1::Campaign>> CampaignClient::List(std::int64_t limit) {
  std::vector<v1::Campaign> campaigns;
  v1::ListCampaignsRequest request;
  do {
    const std::int64_t left = limit - static_cast<std::int64_t>(campaigns.size());
    request.set_page_size(static_cast<int>(std::min<std::int64_t>(left, kPageSize)));
    auto page = Call<v1::ListCampaignsRequest, v1::ListCampaignsResponse>(
        &v1::CampaignService::Stub::ListCampaigns, request, kUsualDeadline);
    if (!page.ok()) return page.status();
    campaigns.insert(campaigns.end(), page->campaigns().begin(), page->campaigns().end());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty() && static_cast<std::int64_t>(campaigns.size()) < limit);
  return campaigns;
}

absl::StatusOr<v1::Campaign> CampaignClient::Start(const std::string& name) {
  return Command(&v1::CampaignService::Stub::StartCampaign, v1::StartCampaignRequest(), name);
}

absl::StatusOr<v1::Campaign> CampaignClient::Pause(const std::string& name) {
  return Command(&v1::CampaignService::Stub::PauseCampaign, v1::PauseCampaignRequest(), name);
}

absl::StatusOr<v1::Campaign> CampaignClient::Resume(const std::string& name) {
  return Command(&v1::CampaignService::Stub::ResumeCampaign, v1::ResumeCampaignRequest(), name);
}

absl::StatusOr<v1::Campaign> CampaignClient::Cancel(const std::string& name, v1::CancelMode mode) {
  v1::CancelCampaignRequest request;
  request.set_mode(mode);
  return Command(&v1::CampaignService::Stub::CancelCampaign, request, name);
}

absl::StatusOr<v1::ImportRecipientsResponse> CampaignClient::TryImport(
    const v1::ImportRecipientsRequest& open, const std::string& path,
    const std::vector<std::string>& variables, const std::function<void(std::int64_t)>& on_rows) {
  TOCSIN_ASSIGN_OR_RETURN(std::ifstream in, OpenFile(path));
  TOCSIN_ASSIGN_OR_RETURN(RecipientReader rows, RecipientReader::Open(in, variables));
  grpc::ClientContext context;
  Prepare(context, kImportDeadline);
  v1::ImportRecipientsResponse response;
  const auto writer = stub_->ImportRecipients(&context, &response);
  bool going = writer->Write(open);
  std::int64_t sent = 0;
  absl::StatusOr<bool> found = true;
  while (going && found.ok() && *found) {
    v1::ImportRecipientsRequest message;
    v1::RecipientBatch& batch = *message.mutable_batch();
    while (batch.rows_size() < kBatchRows) {
      found = rows.Next(*batch.add_rows());
      if (found.ok() && *found) continue;
      batch.mutable_rows()->RemoveLast();
      break;
    }
    if (batch.rows().empty()) break;
    going = writer->Write(message);
    sent += batch.rows_size();
    on_rows(sent);
  }
  if (!found.ok()) context.TryCancel();
  if (found.ok()) writer->WritesDone();
  const absl::Status status = FromGrpc(writer->Finish());
  TOCSIN_RETURN_IF_ERROR(found.status());
  TOCSIN_RETURN_IF_ERROR(status);
  return response;
}

absl::StatusOr<v1::ImportRecipientsResponse> CampaignClient::Import(
    const std::string& name, const std::string& request_id, const std::string& path,
    const std::vector<std::string>& variables, const std::function<void(std::int64_t)>& on_rows) {
  v1::ImportRecipientsRequest open;
  open.mutable_open()->set_campaign(name);
  open.mutable_open()->set_request_id(request_id);
  for (int tries = 1;; ++tries) {
    absl::StatusOr<v1::ImportRecipientsResponse> response =
        TryImport(open, path, variables, on_rows);
    if (response.ok() || !WaitToRepeat(response.status(), tries, kTriesOfStreamsMax))
      return response;
  }
}

absl::StatusOr<std::vector<v1::RefusedRow>> CampaignClient::ListRefused(const std::string& name,
                                                                        std::int64_t limit) {
  std::vector<v1::RefusedRow> rows;
  v1::ListRefusedRowsRequest request;
  request.set_campaign(name);
  do {
    const std::int64_t left = limit - static_cast<std::int64_t>(rows.size());
    request.set_page_size(static_cast<int>(std::min<std::int64_t>(left, kPageSize)));
    auto page = Call<v1::ListRefusedRowsRequest, v1::ListRefusedRowsResponse>(
        &v1::CampaignService::Stub::ListRefusedRows, request, kUsualDeadline);
    if (!page.ok()) return page.status();
    rows.insert(rows.end(), page->rows().begin(), page->rows().end());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty() && static_cast<std::int64_t>(rows.size()) < limit);
  return rows;
}

absl::Status CampaignClient::Watch(
    const std::string& name, const std::function<bool(const v1::CampaignProgress&)>& on_progress) {
  v1::WatchCampaignRequest request;
  request.set_name(name);
  for (int tries = 1;; ++tries) {
    // Without a deadline: a campaign may take a day. Keep-alive finds a dead line.
    grpc::ClientContext context;
    const auto reader = stub_->WatchCampaign(&context, request);
    v1::CampaignProgress progress;
    while (reader->Read(&progress)) {
      tries = 1;
      if (on_progress(progress)) continue;
      context.TryCancel();
      reader->Finish();
      return absl::OkStatus();
    }
    const absl::Status status = FromGrpc(reader->Finish());
    if (status.ok() || !WaitToRepeat(status, tries, kTriesOfStreamsMax)) return status;
  }
}

absl::StatusOr<v1::CampaignProgress> CampaignClient::GetProgress(const std::string& name) {
  v1::CampaignProgress first;
  TOCSIN_RETURN_IF_ERROR(Watch(name, [&](const v1::CampaignProgress& progress) {
    first = progress;
    return false;
  }));
  return first;
}

absl::StatusOr<v1::Report> CampaignClient::GetReport(const std::string& name) {
  v1::GetReportRequest request;
  request.set_name(name);
  return Call<v1::GetReportRequest, v1::Report>(&v1::CampaignService::Stub::GetReport, request,
                                                kReportDeadline);
}

absl::StatusOr<v1::RunAuditResponse> CampaignClient::RunAudit(const std::string& name) {
  v1::RunAuditRequest request;
  request.set_name(name);
  return Call<v1::RunAuditRequest, v1::RunAuditResponse>(&v1::CampaignService::Stub::RunAudit,
                                                         request, kReportDeadline);
}

}  // namespace tocsin
