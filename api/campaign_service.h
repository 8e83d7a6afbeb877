#pragma once
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "api/import_pipeline.h"
#include "api/open_streams.h"
#include "api/progress_board.h"
#include "base/clock.h"
#include "core/store.h"
#include "tocsin/v1/campaign_service.grpc.pb.h"

namespace tocsin {

// tocsin.v1.CampaignService over a CampaignStore: reads requests, asks the
// store, and puts answers into messages. Decides nothing. What the methods
// promise stands in the .proto.
//
// Thread-safe; the arguments of the constructor must outlive it.
class CampaignServiceImpl final : public v1::CampaignService::Service {
 public:
  struct Options {
    TenantId tenant{1};
    ImportPipeline::Options import;
    // As in ApiServer::Options.
    std::function<absl::Status(std::string_view language)> speaks;
  };

  CampaignServiceImpl(const Options& options, CampaignStore& store,
                      const PhoneNumberReader& numbers, const Clock& clock, OpenStreams& streams,
                      ProgressBoard& board)
      : options_(options),
        store_(store),
        numbers_(numbers),
        clock_(clock),
        streams_(streams),
        board_(board) {}

  grpc::Status UploadPrompt(grpc::ServerContext* context, const v1::UploadPromptRequest* request,
                            v1::Prompt* response) override;
  grpc::Status CreateCampaign(grpc::ServerContext* context,
                              const v1::CreateCampaignRequest* request,
                              v1::Campaign* response) override;
  grpc::Status GetCampaign(grpc::ServerContext* context, const v1::GetCampaignRequest* request,
                           v1::Campaign* response) override;
  grpc::Status ListCampaigns(grpc::ServerContext* context, const v1::ListCampaignsRequest* request,
                             v1::ListCampaignsResponse* response) override;
  grpc::Status StartCampaign(grpc::ServerContext* context, const v1::StartCampaignRequest* request,
                             v1::Campaign* response) override;
  grpc::Status PauseCampaign(grpc::ServerContext* context, const v1::PauseCampaignRequest* request,
                             v1::Campaign* response) override;
  grpc::Status ResumeCampaign(grpc::ServerContext* context,
                              const v1::ResumeCampaignRequest* request,
                              v1::Campaign* response) override;
  grpc::Status CancelCampaign(grpc::ServerContext* context,
                              const v1::CancelCampaignRequest* request,
                              v1::Campaign* response) override;
  grpc::Status ImportRecipients(grpc::ServerContext* context,
                                grpc::ServerReader<v1::ImportRecipientsRequest>* reader,
                                v1::ImportRecipientsResponse* response) override;
  grpc::Status ListRefusedRows(grpc::ServerContext* context,
                               const v1::ListRefusedRowsRequest* request,
                               v1::ListRefusedRowsResponse* response) override;
  grpc::Status WatchCampaign(grpc::ServerContext* context, const v1::WatchCampaignRequest* request,
                             grpc::ServerWriter<v1::CampaignProgress>* writer) override;
  grpc::Status GetReport(grpc::ServerContext* context, const v1::GetReportRequest* request,
                         v1::Report* response) override;
  grpc::Status RunAudit(grpc::ServerContext* context, const v1::RunAuditRequest* request,
                        v1::RunAuditResponse* response) override;
  grpc::Status AddSuppressions(grpc::ServerContext* context,
                               const v1::AddSuppressionsRequest* request,
                               v1::AddSuppressionsResponse* response) override;

 private:
  // Start, pause, resume and cancel. `request`: without its request_id.
  absl::Status Command(CampaignCommand command, CancelMode mode, const std::string& name,
                       const std::string& request_id, const google::protobuf::Message& request,
                       const std::string& actor, std::vector<FieldViolation> violations,
                       v1::Campaign* response);
  absl::Status CheckSpeech(const CampaignSpec& spec);
  absl::StatusOr<Campaign> FindCampaign(const std::string& name, const std::string& field);

  absl::Status Import(grpc::ServerContext* context,
                      grpc::ServerReader<v1::ImportRecipientsRequest>* reader,
                      v1::ImportRecipientsResponse* response);
  bool NextMessage(grpc::ServerContext* context,
                   grpc::ServerReader<v1::ImportRecipientsRequest>* reader,
                   v1::ImportRecipientsRequest* message);
  absl::Status PumpBatches(grpc::ServerContext* context,
                           grpc::ServerReader<v1::ImportRecipientsRequest>* reader,
                           ImportPipeline& pipeline);
  absl::StatusOr<ImportSummary> FinishImport(const absl::Status& pumped, ImportId import);
  absl::Status Watch(grpc::ServerContext* context, const v1::WatchCampaignRequest& request,
                     grpc::ServerWriter<v1::CampaignProgress>* writer);
  absl::StatusOr<v1::CampaignProgress> NextProgress(ProgressBoard::Watch& watch, Campaign& campaign,
                                                    const Trunk& trunk);

  // Runs a method's body, logs what came of it, and makes the answer's status.
  grpc::Status Answer(const char* method, const std::function<absl::Status()>& body) const;

  const Options options_;
  CampaignStore& store_;
  const PhoneNumberReader& numbers_;
  const Clock& clock_;
  OpenStreams& streams_;
  ProgressBoard& board_;
};

}  // namespace tocsin
