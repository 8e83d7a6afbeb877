#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "cli/service_access.h"
#include "tocsin/v1/campaign_service.grpc.pb.h"

namespace tocsin {

// One thing that the service found wrong with a request.
struct RequestFault {
  std::string field;  // "campaign.flow.plays"
  std::string description;
};

// What a kInvalidArgument of the service carries; empty if it tells nothing more
// than its message.
std::vector<RequestFault> FaultsOf(const absl::Status& status);

// The service, for a command line: every call has a deadline and a request_id,
// and one that fails because the service or its database is away is repeated
// with the same request_id, a few times and saying so. Errors have the
// service's code and words. Not thread-safe.
class CampaignClient {
 public:
  // `announce` is given a sentence whenever a call is to be repeated.
  CampaignClient(ServiceChannel service, const Clock& clock,
                 std::function<void(const std::string&)> announce);

  absl::StatusOr<v1::Prompt> UploadPrompt(std::string wav);
  absl::StatusOr<v1::Campaign> Create(const v1::Campaign& campaign);
  absl::StatusOr<v1::Campaign> Get(const std::string& name);
  // Newest first, at most `limit`.
  absl::StatusOr<std::vector<v1::Campaign>> List(std::int64_t limit);
  absl::StatusOr<v1::Campaign> Start(const std::string& name);
  absl::StatusOr<v1::Campaign> Pause(const std::string& name);
  absl::StatusOr<v1::Campaign> Resume(const std::string& name);
  absl::StatusOr<v1::Campaign> Cancel(const std::string& name, v1::CancelMode mode);

  // Sends a list; `on_rows` is told how many rows have gone out. An import that
  // is interrupted begins again with the same request_id, and what is stored is
  // skipped. `path` has been checked (CheckRecipientFile), with the same `variables`.
  absl::StatusOr<v1::ImportRecipientsResponse> Import(
      const std::string& name, const std::string& request_id, const std::string& path,
      const std::vector<std::string>& variables, const std::function<void(std::int64_t)>& on_rows);
  // In the order of their arrival, at most `limit`.
  absl::StatusOr<std::vector<v1::RefusedRow>> ListRefused(const std::string& name,
                                                          std::int64_t limit);

  // Calls `on_progress` again and again until the campaign has ended, or until
  // it returns false.
  absl::Status Watch(const std::string& name,
                     const std::function<bool(const v1::CampaignProgress&)>& on_progress);
  absl::StatusOr<v1::CampaignProgress> GetProgress(const std::string& name);

  absl::StatusOr<v1::Report> GetReport(const std::string& name);
  absl::StatusOr<v1::RunAuditResponse> RunAudit(const std::string& name);

 private:
  template <class Request, class Response>
  using Method = grpc::Status (v1::CampaignService::Stub::*)(grpc::ClientContext*, const Request&,
                                                             Response*);
  template <class Request, class Response>
  absl::StatusOr<Response> Call(Method<Request, Response> method, const Request& request,
                                absl::Duration deadline);
  template <class Request>
  absl::StatusOr<v1::Campaign> Command(Method<Request, v1::Campaign> method, Request request,
                                       const std::string& name);

  void Prepare(grpc::ClientContext& context, absl::Duration deadline) const;
  absl::Status FromGrpc(const grpc::Status& status) const;
  // Waits before try number `tries` + 1; false: it is not worth one.
  bool WaitToRepeat(const absl::Status& status, int tries, int tries_max) const;
  absl::StatusOr<v1::ImportRecipientsResponse> TryImport(
      const v1::ImportRecipientsRequest& open, const std::string& path,
      const std::vector<std::string>& variables, const std::function<void(std::int64_t)>& on_rows);

  const ServiceChannel service_;
  const Clock& clock_;
  const std::function<void(const std::string&)> announce_;
  std::unique_ptr<v1::CampaignService::Stub> stub_;
};

}  // namespace tocsin
