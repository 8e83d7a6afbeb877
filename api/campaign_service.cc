#include "api/campaign_service.h"

#include <grpc/grpc_security_constants.h>

#include <algorithm>
#include <set>

#include "api/campaign_messages.h"
#include "api/grpc_status.h"
#include "api/request_identity.h"
#include "api/resource_name.h"
#include "api/settle.h"
#include "api/wav.h"
#include "base/log.h"

namespace tocsin {
namespace {

constexpr std::size_t kWavBytesMax = 8 << 20;
constexpr int kBatchRowsMax = 1000;
constexpr int kSuppressionsMax = 1000;
constexpr std::size_t kSourceMax = 200;
constexpr int kCampaignsUsual = 50;
constexpr int kRefusedRowsUsual = 100;
// With the time until the next reading less than the second that is promised.
constexpr auto kWatchSilenceMax = std::chrono::milliseconds(700);
constexpr char kOperator[] = "operator";

// What is said of a client, cut to what the audit trail has room for.
std::string ForTheTrail(const grpc::string_ref& said) {
  std::string text(said.data(), std::min<std::size_t>(said.size(), 64));
  if (HasControlCharacters(text)) text.clear();
  return text;
}

// Who asks: the name in its certificate if it had to show one, which is proven;
// what it says of its user, which is not, and tells colleagues apart; and where
// it comes from.
std::string ActorOf(const grpc::ServerContext& context) {
  std::string actor;
  const auto& metadata = context.client_metadata();
  if (const auto said = metadata.find("tocsin-actor"); said != metadata.end()) {
    actor = ForTheTrail(said->second);
  }
  const auto proven = context.auth_context();
  if (proven != nullptr && proven->IsPeerAuthenticated()) {
    const auto names = proven->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME);
    const std::string name = names.empty() ? "" : ForTheTrail(names[0]);
    actor = fmt::format("{} with the certificate of {}", actor.empty() ? "somebody" : actor, name);
  }
  const std::string peer = context.peer();
  return actor.empty() ? peer : actor + " at " + peer;
}

template <class Request>
Request WithoutRequestId(const Request& request) {
  Request copy = request;
  copy.clear_request_id();
  return copy;
}

bool HasEnded(CampaignState state) {
  return state == CampaignState::kCompleted || state == CampaignState::kCanceled;
}

void SetImported(const ImportSummary& summary, ImportTotals totals,
                 v1::ImportRecipientsResponse* response) {
  response->set_accepted(summary.accepted);
  response->set_duplicates(summary.duplicates);
  response->set_refused(summary.refused);
  response->mutable_refused_by_reason()->insert(totals.refused_by_reason.begin(),
                                                totals.refused_by_reason.end());
  for (const RefusedRow& row : totals.first_refused)
    *response->add_first_refused() = ToMessage(row);
  response->set_ignored_numbers(totals.ignored_numbers);
  response->mutable_ignored_by_reason()->insert(totals.ignored_by_reason.begin(),
                                                totals.ignored_by_reason.end());
}

// What a watcher should be told at once. The time of reading is no news.
bool SaysTheSame(const v1::CampaignProgress& a, const v1::CampaignProgress& b) {
  v1::CampaignProgress copy = b;
  *copy.mutable_as_of() = a.as_of();
  return a.has_as_of() && Fingerprint("", a) == Fingerprint("", copy);
}

}  // namespace

grpc::Status CampaignServiceImpl::Answer(const char* method,
                                         const std::function<absl::Status()>& body) const {
  const SteadyTime began = clock_.Steady();
  const absl::Status status = body();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Steady() - began);
  const bool ours = absl::IsInternal(status) ||
                    (absl::IsUnavailable(status) && !streams_.stopping().stop_requested());
  Log(ours ? LogLevel::kWarn : LogLevel::kDebug, "api_call",
      {{"method", method},
       {"code", absl::StatusCodeToString(status.code())},
       {"ms", took.count()},
       {"error", ours ? Message(status) : ""}});
  return ToGrpcStatus(status);
}

absl::StatusOr<Campaign> CampaignServiceImpl::FindCampaign(const std::string& name,
                                                           const std::string& field) {
  std::vector<FieldViolation> violations;
  const CampaignId id = ReadCampaignName(name, field, violations);
  TOCSIN_RETURN_IF_ERROR(CheckFields(violations));
  return Settle([&] { return store_.GetCampaign(options_.tenant, id); });
}

grpc::Status CampaignServiceImpl::UploadPrompt(grpc::ServerContext*,
                                               const v1::UploadPromptRequest* request,
                                               v1::Prompt* response) {
  return Answer("UploadPrompt", [&]() -> absl::Status {
    if (request->wav().size() > kWavBytesMax) {
      return InvalidFields({{"wav", "the recording has more than 8 MiB"}});
    }
    const absl::StatusOr<absl::Duration> length = CheckWav(request->wav());
    if (!length.ok()) return InvalidFields({{"wav", Message(length.status())}});
    const absl::Time now = clock_.Now();
    TOCSIN_ASSIGN_OR_RETURN(
        const PromptId id,
        Settle([&] { return store_.SavePrompt(options_.tenant, request->wav(), *length, now); }));
    const std::int64_t milliseconds = absl::ToInt64Milliseconds(*length);
    response->set_name(PromptName(id));
    response->mutable_duration()->set_seconds(milliseconds / 1000);
    response->mutable_duration()->set_nanos(static_cast<int>(milliseconds % 1000) * 1'000'000);
    response->set_size_bytes(static_cast<std::int64_t>(request->wav().size()));
    return absl::OkStatus();
  });
}

// Texts in languages that neither the trunk's provider nor we can speak are no use.
absl::Status CampaignServiceImpl::CheckSpeech(const CampaignSpec& spec) {
  if (spec.texts.empty() || !options_.speaks) return absl::OkStatus();
  TOCSIN_ASSIGN_OR_RETURN(const Trunk trunk, Settle([&] { return store_.GetTrunk(spec.trunk); }));
  if (ProviderSpeaks(trunk)) return absl::OkStatus();
  std::vector<FieldViolation> violations;
  for (const auto& [language, text] : spec.texts.templates) {
    const absl::Status spoken = options_.speaks(language);
    if (!spoken.ok()) violations.push_back({"campaign.message.texts", Message(spoken)});
  }
  return CheckFields(violations);
}

grpc::Status CampaignServiceImpl::CreateCampaign(grpc::ServerContext* context,
                                                 const v1::CreateCampaignRequest* request,
                                                 v1::Campaign* response) {
  return Answer("CreateCampaign", [&]() -> absl::Status {
    std::vector<FieldViolation> violations;
    const CampaignSpec spec = ReadCampaign(request->campaign(), numbers_, violations);
    const ApiRequest identity =
        IdentifyRequest(options_.tenant, "CreateCampaign", request->request_id(),
                        WithoutRequestId(*request), ActorOf(*context), violations);
    TOCSIN_RETURN_IF_ERROR(CheckFields(violations));
    if (spec.flow.prompt.is_set()) {
      TOCSIN_RETURN_IF_ERROR(Settle([&] { return store_.GetPrompt(spec.flow.prompt); }).status());
    }
    TOCSIN_RETURN_IF_ERROR(CheckSpeech(spec));
    const absl::Time now = clock_.Now();
    TOCSIN_ASSIGN_OR_RETURN(const Campaign campaign,
                            Settle([&] { return store_.CreateCampaign(identity, spec, now); }));
    Log(LogLevel::kInfo, "campaign_created", {{"campaign", campaign.id.value()}});
    *response = ToMessage(campaign);
    return absl::OkStatus();
  });
}

grpc::Status CampaignServiceImpl::GetCampaign(grpc::ServerContext*,
                                              const v1::GetCampaignRequest* request,
                                              v1::Campaign* response) {
  return Answer("GetCampaign", [&]() -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(const Campaign campaign, FindCampaign(request->name(), "name"));
    *response = ToMessage(campaign);
    return absl::OkStatus();
  });
}

grpc::Status CampaignServiceImpl::ListCampaigns(grpc::ServerContext*,
                                                const v1::ListCampaignsRequest* request,
                                                v1::ListCampaignsResponse* response) {
  return Answer("ListCampaigns", [&]() -> absl::Status {
    std::vector<FieldViolation> violations;
    const int size = ReadPageSize(request->page_size(), kCampaignsUsual, violations);
    const CampaignId after(ReadPageToken(request->page_token(), violations));
    TOCSIN_RETURN_IF_ERROR(CheckFields(violations));
    TOCSIN_ASSIGN_OR_RETURN(const CampaignPage page, Settle([&] {
                              return store_.ListCampaigns(options_.tenant, after, size);
                            }));
    for (const Campaign& campaign : page.campaigns) {
      *response->add_campaigns() = ToMessage(campaign);
    }
    response->set_next_page_token(PageToken(page.next_after.value()));
    return absl::OkStatus();
  });
}

absl::Status CampaignServiceImpl::Command(CampaignCommand command, CancelMode mode,
                                          const std::string& name, const std::string& request_id,
                                          const google::protobuf::Message& request,
                                          const std::string& actor,
                                          std::vector<FieldViolation> violations,
                                          v1::Campaign* response) {
  const CampaignId id = ReadCampaignName(name, "name", violations);
  const ApiRequest identity =
      IdentifyRequest(options_.tenant, Name(command), request_id, request, actor, violations);
  TOCSIN_RETURN_IF_ERROR(CheckFields(violations));
  const absl::Time now = clock_.Now();
  TOCSIN_ASSIGN_OR_RETURN(
      const Campaign campaign,
      Settle([&] { return store_.CommandCampaign(identity, id, command, mode, kOperator, now); }));
  Log(LogLevel::kInfo, "campaign_commanded",
      {{"campaign", id.value()}, {"command", Name(command)}, {"state", Name(campaign.state)}});
  *response = ToMessage(campaign);
  return absl::OkStatus();
}

grpc::Status CampaignServiceImpl::StartCampaign(grpc::ServerContext* context,
                                                const v1::StartCampaignRequest* request,
                                                v1::Campaign* response) {
  return Answer("StartCampaign", [&] {
    return Command(CampaignCommand::kStart, CancelMode::kDrain, request->name(),
                   request->request_id(), WithoutRequestId(*request), ActorOf(*context), {},
                   response);
  });
}

grpc::Status CampaignServiceImpl::PauseCampaign(grpc::ServerContext* context,
                                                const v1::PauseCampaignRequest* request,
                                                v1::Campaign* response) {
  return Answer("PauseCampaign", [&] {
    return Command(CampaignCommand::kPause, CancelMode::kDrain, request->name(),
                   request->request_id(), WithoutRequestId(*request), ActorOf(*context), {},
                   response);
  });
}

grpc::Status CampaignServiceImpl::ResumeCampaign(grpc::ServerContext* context,
                                                 const v1::ResumeCampaignRequest* request,
                                                 v1::Campaign* response) {
  return Answer("ResumeCampaign", [&] {
    return Command(CampaignCommand::kResume, CancelMode::kDrain, request->name(),
                   request->request_id(), WithoutRequestId(*request), ActorOf(*context), {},
                   response);
  });
}

grpc::Status CampaignServiceImpl::CancelCampaign(grpc::ServerContext* context,
                                                 const v1::CancelCampaignRequest* request,
                                                 v1::Campaign* response) {
  return Answer("CancelCampaign", [&] {
    std::vector<FieldViolation> violations;
    const std::optional<CancelMode> mode = ReadCancelMode(request->mode(), "mode", violations);
    return Command(CampaignCommand::kCancel, mode.value_or(CancelMode::kDrain), request->name(),
                   request->request_id(), WithoutRequestId(*request), ActorOf(*context),
                   std::move(violations), response);
  });
}

grpc::Status CampaignServiceImpl::ImportRecipients(
    grpc::ServerContext* context, grpc::ServerReader<v1::ImportRecipientsRequest>* reader,
    v1::ImportRecipientsResponse* response) {
  return Answer("ImportRecipients", [&] { return Import(context, reader, response); });
}

bool CampaignServiceImpl::NextMessage(grpc::ServerContext* context,
                                      grpc::ServerReader<v1::ImportRecipientsRequest>* reader,
                                      v1::ImportRecipientsRequest* message) {
  streams_.Expect(context);
  const bool found = reader->Read(message);
  streams_.Heard(context);
  return found;
}

absl::Status CampaignServiceImpl::Import(grpc::ServerContext* context,
                                         grpc::ServerReader<v1::ImportRecipientsRequest>* reader,
                                         v1::ImportRecipientsResponse* response) {
  TOCSIN_ASSIGN_OR_RETURN(const OpenStreams::Ticket ticket, streams_.Enter());
  v1::ImportRecipientsRequest first;
  if (!NextMessage(context, reader, &first) || !first.has_open()) {
    return InvalidFields({{"open", "the first message must open the import"}});
  }
  std::vector<FieldViolation> violations;
  const CampaignId id = ReadCampaignName(first.open().campaign(), "open.campaign", violations);
  const ApiRequest identity =
      IdentifyRequest(options_.tenant, "ImportRecipients", first.open().request_id(),
                      WithoutRequestId(first.open()), ActorOf(*context), violations);
  TOCSIN_RETURN_IF_ERROR(CheckFields(violations));
  TOCSIN_ASSIGN_OR_RETURN(const Campaign campaign,
                          Settle([&] { return store_.GetCampaign(options_.tenant, id); }));
  const absl::Time now = clock_.Now();
  TOCSIN_ASSIGN_OR_RETURN(const ImportSummary opened,
                          Settle([&] { return store_.BeginImport(identity, id, now); }));

  ImportPipeline pipeline(options_.import, store_, numbers_, campaign.spec, opened.id, clock_);
  const absl::StatusOr<ImportSummary> finished =
      FinishImport(PumpBatches(context, reader, pipeline), opened.id);
  const ImportTotals& totals = pipeline.totals();
  if (absl::IsUnavailable(finished.status())) {
    return ImportInterrupted(finished.status(), totals.batches_stored, totals.rows_stored,
                             identity.request_id);
  }
  TOCSIN_RETURN_IF_ERROR(finished.status());
  Log(LogLevel::kInfo, "recipients_imported",
      {{"campaign", id.value()},
       {"accepted", finished->accepted},
       {"duplicates", finished->duplicates},
       {"refused", finished->refused}});
  response->set_campaign(CampaignName(id));
  SetImported(*finished, totals, response);
  return absl::OkStatus();
}

absl::StatusOr<ImportSummary> CampaignServiceImpl::FinishImport(const absl::Status& pumped,
                                                                ImportId import) {
  TOCSIN_RETURN_IF_ERROR(pumped);
  const absl::Time now = clock_.Now();
  return Settle([&] { return store_.FinishImport(import, now); });
}

absl::Status CampaignServiceImpl::PumpBatches(
    grpc::ServerContext* context, grpc::ServerReader<v1::ImportRecipientsRequest>* reader,
    ImportPipeline& pipeline) {
  v1::ImportRecipientsRequest message;
  absl::Status wrong;
  while (wrong.ok() && NextMessage(context, reader, &message)) {
    if (!message.has_batch()) {
      wrong = InvalidFields({{"batch", "each message after the first must bring a batch"}});
    } else if (const int rows = message.batch().rows_size(); rows < 1 || rows > kBatchRowsMax) {
      wrong = InvalidFields(
          {{"batch.rows", fmt::format("has {} rows; it must have 1 to {}", rows, kBatchRowsMax)}});
    } else if (!pipeline.Add(std::move(*message.mutable_batch()))) {
      break;
    }
  }
  // Whatever has come is stored, also when the rest cannot be.
  TOCSIN_RETURN_IF_ERROR(pipeline.Finish());
  TOCSIN_RETURN_IF_ERROR(wrong);
  // The end of the stream and the end of the client look alike to Read().
  if (context->IsCancelled()) {
    return absl::CancelledError("the stream ended before the list did");
  }
  return absl::OkStatus();
}

grpc::Status CampaignServiceImpl::ListRefusedRows(grpc::ServerContext*,
                                                  const v1::ListRefusedRowsRequest* request,
                                                  v1::ListRefusedRowsResponse* response) {
  return Answer("ListRefusedRows", [&]() -> absl::Status {
    std::vector<FieldViolation> violations;
    const CampaignId id = ReadCampaignName(request->campaign(), "campaign", violations);
    const int size = ReadPageSize(request->page_size(), kRefusedRowsUsual, violations);
    const std::int64_t after = ReadPageToken(request->page_token(), violations);
    TOCSIN_RETURN_IF_ERROR(CheckFields(violations));
    TOCSIN_RETURN_IF_ERROR(
        Settle([&] { return store_.GetCampaign(options_.tenant, id); }).status());
    TOCSIN_ASSIGN_OR_RETURN(const RefusedPage page, Settle([&] {
                              return store_.ListRefusedRows(options_.tenant, id, after, size);
                            }));
    for (const RefusedRow& row : page.rows) *response->add_rows() = ToMessage(row);
    response->set_next_page_token(PageToken(page.next_after));
    return absl::OkStatus();
  });
}

grpc::Status CampaignServiceImpl::WatchCampaign(grpc::ServerContext* context,
                                                const v1::WatchCampaignRequest* request,
                                                grpc::ServerWriter<v1::CampaignProgress>* writer) {
  return Answer("WatchCampaign", [&] { return Watch(context, *request, writer); });
}

absl::StatusOr<v1::CampaignProgress> CampaignServiceImpl::NextProgress(ProgressBoard::Watch& watch,
                                                                       Campaign& campaign,
                                                                       const Trunk& trunk) {
  TOCSIN_ASSIGN_OR_RETURN(const ProgressBoard::Reading reading, watch.Next());
  if (reading.progress.state != campaign.state) {
    // For the times that came with the new state.
    TOCSIN_ASSIGN_OR_RETURN(
        campaign, Settle([&] { return store_.GetCampaign(options_.tenant, campaign.id); }));
  }
  return ToMessage(campaign, reading.progress, trunk, reading.at);
}

absl::Status CampaignServiceImpl::Watch(grpc::ServerContext* context,
                                        const v1::WatchCampaignRequest& request,
                                        grpc::ServerWriter<v1::CampaignProgress>* writer) {
  TOCSIN_ASSIGN_OR_RETURN(const OpenStreams::Ticket ticket, streams_.Enter());
  TOCSIN_ASSIGN_OR_RETURN(Campaign campaign, FindCampaign(request.name(), "name"));
  TOCSIN_ASSIGN_OR_RETURN(const Trunk trunk,
                          Settle([&] { return store_.GetTrunk(campaign.spec.trunk); }));
  ProgressBoard::Watch watch(board_, campaign.id);
  v1::CampaignProgress told;
  SteadyTime told_at;
  while (!context->IsCancelled()) {
    TOCSIN_ASSIGN_OR_RETURN(const v1::CampaignProgress progress,
                            NextProgress(watch, campaign, trunk));
    const SteadyTime now = clock_.Steady();
    if (!SaysTheSame(told, progress) || now - told_at >= kWatchSilenceMax) {
      // False: the client is gone, which is no error of anybody's.
      if (!writer->Write(progress)) return absl::OkStatus();
      told = progress;
      told_at = now;
    }
    if (HasEnded(campaign.state)) return absl::OkStatus();
  }
  return absl::CancelledError("the client went away");
}

grpc::Status CampaignServiceImpl::GetReport(grpc::ServerContext*,
                                            const v1::GetReportRequest* request,
                                            v1::Report* response) {
  return Answer("GetReport", [&]() -> absl::Status {
    TOCSIN_ASSIGN_OR_RETURN(const Campaign campaign, FindCampaign(request->name(), "name"));
    TOCSIN_ASSIGN_OR_RETURN(const std::vector<ReportTable> tables,
                            Settle([&] { return store_.RunReport(campaign.id); }));
    response->set_name(CampaignName(campaign.id));
    for (const ReportTable& table : tables) *response->add_tables() = ToMessage(table);
    return absl::OkStatus();
  });
}

grpc::Status CampaignServiceImpl::RunAudit(grpc::ServerContext*, const v1::RunAuditRequest* request,
                                           v1::RunAuditResponse* response) {
  return Answer("RunAudit", [&]() -> absl::Status {
    std::optional<CampaignId> id;
    if (request->name() != "campaigns/-") {
      TOCSIN_ASSIGN_OR_RETURN(const Campaign campaign, FindCampaign(request->name(), "name"));
      id = campaign.id;
    }
    TOCSIN_ASSIGN_OR_RETURN(const std::vector<std::string> findings,
                            Settle([&] { return store_.RunAudit(id); }));
    response->mutable_findings()->Assign(findings.begin(), findings.end());
    return absl::OkStatus();
  });
}

namespace {

void CheckShortText(const std::string& field, const std::string& text, std::size_t max,
                    std::vector<FieldViolation>& violations) {
  if (text.empty() || text.size() > max || HasControlCharacters(text)) {
    violations.push_back(
        {field, fmt::format("must have 1 to {} bytes and no control characters", max)});
  }
}

std::vector<PhoneNumber> ReadSuppressions(const v1::AddSuppressionsRequest& request,
                                          const PhoneNumberReader& numbers,
                                          std::vector<FieldViolation>& violations) {
  CheckShortText("purpose", request.purpose(), 64, violations);
  CheckShortText("source", request.source(), kSourceMax, violations);
  if (request.phones_size() < 1 || request.phones_size() > kSuppressionsMax) {
    violations.push_back({"phones", fmt::format("must be 1 to {} numbers", kSuppressionsMax)});
    return {};
  }
  const std::string region = request.default_region().empty() ? "US" : request.default_region();
  std::set<PhoneNumber> different;
  for (int i = 0; i < request.phones_size(); ++i) {
    absl::StatusOr<PhoneNumber> number = numbers.Read(request.phones(i), region);
    if (number.ok()) {
      different.insert(*std::move(number));
    } else {
      violations.push_back({fmt::format("phones[{}]", i), Message(number.status())});
    }
  }
  return {different.begin(), different.end()};
}

}  // namespace

grpc::Status CampaignServiceImpl::AddSuppressions(grpc::ServerContext*,
                                                  const v1::AddSuppressionsRequest* request,
                                                  v1::AddSuppressionsResponse* response) {
  return Answer("AddSuppressions", [&]() -> absl::Status {
    std::vector<FieldViolation> violations;
    const std::vector<PhoneNumber> numbers = ReadSuppressions(*request, numbers_, violations);
    TOCSIN_RETURN_IF_ERROR(CheckFields(violations));
    const absl::Time now = clock_.Now();
    TOCSIN_RETURN_IF_ERROR(Settle([&] {
      return store_.AddSuppressions(options_.tenant, request->purpose(), numbers, request->source(),
                                    now);
    }));
    Log(LogLevel::kInfo, "numbers_suppressed",
        {{"purpose", request->purpose()}, {"numbers", numbers.size()}});
    response->set_numbers(static_cast<std::int64_t>(numbers.size()));
    return absl::OkStatus();
  });
}

}  // namespace tocsin
