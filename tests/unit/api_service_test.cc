// The services behind a real gRPC server on a port of its own, over the store in
// memory, which fails as told.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>

#include "api/import_pipeline.h"
#include "api/server.h"
#include "base/status_macros.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "tests/support/faulty_campaign_store.h"
#include "tests/support/in_memory_store.h"
#include "tests/support/wav_file.h"
#include "tocsin/v1/campaign_service.grpc.pb.h"
#include "tocsin/v1/trunk_service.grpc.pb.h"

namespace tocsin {
namespace {

using grpc::StatusCode;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

Trunk LocalTrunk() {
  Trunk trunk;
  trunk.name = "local";
  trunk.endpoint = "http://127.0.0.1:1";
  trunk.credential = {CredentialKind::kAccessKey, "file:/keys/c2VjcmV0"};
  trunk.caller_numbers = {*PhoneNumber::Parse("+12025550100"), *PhoneNumber::Parse("+12025550101")};
  trunk.calls_per_second = 500;
  trunk.concurrent_max = 100;
  trunk.concurrent_max_per_caller = 2;
  trunk.time_scale = 60;
  return trunk;
}

class ApiServiceTest : public testing::Test {
 protected:
  ApiServiceTest() {
    EXPECT_TRUE(memory_.SaveTrunk(LocalTrunk(), absl::FromUnixSeconds(1)).ok());
    Serve({.listen_address = "127.0.0.1:0"});
  }

  void Serve(const ApiServer::Options& options) {
    auto server = ApiServer::Start(options, store_, LibPhoneNumberReader(), SystemClock());
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(fmt::format("127.0.0.1:{}", server_->port()),
                                   grpc::InsecureChannelCredentials());
    campaigns_ = v1::CampaignService::NewStub(channel_);
    trunks_ = v1::TrunkService::NewStub(channel_);
  }

  template <class Request, class Response>
  grpc::Status Call(grpc::Status (v1::CampaignService::Stub::*method)(grpc::ClientContext*,
                                                                      const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    return (campaigns_.get()->*method)(&context, request, response);
  }

  static v1::CreateCampaignRequest CreateRequest(const std::string& request_id) {
    v1::CreateCampaignRequest request;
    request.set_request_id(request_id);
    v1::Campaign& campaign = *request.mutable_campaign();
    campaign.set_display_name("Outage");
    campaign.set_purpose("outage");
    campaign.mutable_message()->set_audio_uri("http://127.0.0.1/a.wav");
    campaign.mutable_recipients()->set_synthetic(true);
    return request;
  }

  v1::Campaign Create() {
    v1::Campaign campaign;
    const grpc::Status status =
        Call(&v1::CampaignService::Stub::CreateCampaign, CreateRequest(""), &campaign);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return campaign;
  }

  using Batches = std::vector<std::vector<v1::RecipientRow>>;

  grpc::Status Import(const std::string& name, const std::string& request_id,
                      const Batches& batches, v1::ImportRecipientsResponse* response) {
    grpc::ClientContext context;
    const auto writer = campaigns_->ImportRecipients(&context, response);
    v1::ImportRecipientsRequest message;
    message.mutable_open()->set_campaign(name);
    message.mutable_open()->set_request_id(request_id);
    writer->Write(message);
    for (const auto& rows : batches) {
      message.Clear();
      message.mutable_batch();
      for (const v1::RecipientRow& row : rows) *message.mutable_batch()->add_rows() = row;
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }

  static v1::RecipientRow Row(const std::string& key, const std::string& phone) {
    v1::RecipientRow row;
    row.set_person_key(key);
    row.add_phones(phone);
    return row;
  }

  // `count` people with different numbers.
  static std::vector<v1::RecipientRow> People(int first, int count) {
    std::vector<v1::RecipientRow> rows;
    for (int i = first; i < first + count; ++i) {
      rows.push_back(
          Row(fmt::format("c-{}", i), fmt::format("+1{}555{:04}", 202 + i / 10'000, i % 1000)));
    }
    return rows;
  }

  v1::Campaign CreateWithPeople(int count) {
    const v1::Campaign campaign = Create();
    v1::ImportRecipientsResponse response;
    EXPECT_TRUE(Import(campaign.name(), "", {People(0, count)}, &response).ok());
    return campaign;
  }

  grpc::Status Command(const std::string& command, const std::string& name,
                       const std::string& request_id, v1::Campaign* campaign) {
    if (command == "start") {
      v1::StartCampaignRequest request;
      request.set_name(name);
      request.set_request_id(request_id);
      return Call(&v1::CampaignService::Stub::StartCampaign, request, campaign);
    }
    if (command == "pause") {
      v1::PauseCampaignRequest request;
      request.set_name(name);
      return Call(&v1::CampaignService::Stub::PauseCampaign, request, campaign);
    }
    if (command == "resume") {
      v1::ResumeCampaignRequest request;
      request.set_name(name);
      return Call(&v1::CampaignService::Stub::ResumeCampaign, request, campaign);
    }
    v1::CancelCampaignRequest request;
    request.set_name(name);
    request.set_mode(v1::CANCEL_MODE_HANG_UP);
    return Call(&v1::CampaignService::Stub::CancelCampaign, request, campaign);
  }

  InMemoryStore memory_;
  FaultyCampaignStore store_{memory_};
  std::unique_ptr<ApiServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::CampaignService::Stub> campaigns_;
  std::unique_ptr<v1::TrunkService::Stub> trunks_;
};

std::vector<std::string> ViolatedFields(const grpc::Status& status) {
  google::rpc::Status rich;
  google::rpc::BadRequest bad;
  std::vector<std::string> fields;
  if (!rich.ParseFromString(status.error_details()) || rich.details().empty()) return fields;
  rich.details(0).UnpackTo(&bad);
  for (const auto& violation : bad.field_violations()) fields.push_back(violation.field());
  return fields;
}

TEST_F(ApiServiceTest, CreatesACampaignOnceForOneRequestId) {
  v1::Campaign first;
  v1::Campaign again;
  ASSERT_TRUE(Call(&v1::CampaignService::Stub::CreateCampaign, CreateRequest("r-1"), &first).ok());
  ASSERT_TRUE(Call(&v1::CampaignService::Stub::CreateCampaign, CreateRequest("r-1"), &again).ok());

  EXPECT_EQ(first.name(), again.name());
  EXPECT_EQ(first.state(), v1::CAMPAIGN_STATE_DRAFT);
  EXPECT_EQ(first.time_scale(), 60);

  v1::CreateCampaignRequest other = CreateRequest("r-1");
  other.mutable_campaign()->set_priority(3);
  EXPECT_EQ(Call(&v1::CampaignService::Stub::CreateCampaign, other, &again).error_code(),
            StatusCode::ALREADY_EXISTS);
}

TEST_F(ApiServiceTest, RepeatsACommitOfUnknownFateByItself) {
  store_.FailNext("CreateCampaign", {{absl::UnknownError("lost"), true}});
  v1::Campaign campaign;

  EXPECT_TRUE(Call(&v1::CampaignService::Stub::CreateCampaign, CreateRequest(""), &campaign).ok());

  v1::ListCampaignsResponse page;
  ASSERT_TRUE(
      Call(&v1::CampaignService::Stub::ListCampaigns, v1::ListCampaignsRequest(), &page).ok());
  EXPECT_EQ(page.campaigns_size(), 1);
}

TEST_F(ApiServiceTest, TellsEverythingThatIsWrongWithARequest) {
  v1::CreateCampaignRequest request = CreateRequest("has a space");
  request.mutable_campaign()->clear_purpose();
  request.mutable_campaign()->mutable_flow()->set_plays(9);
  v1::Campaign campaign;

  const grpc::Status status = Call(&v1::CampaignService::Stub::CreateCampaign, request, &campaign);

  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(ViolatedFields(status),
              UnorderedElementsAre("campaign.purpose", "campaign.flow.plays", "request_id"));
}

TEST_F(ApiServiceTest, SaysThatSomethingIsNotThere) {
  v1::Campaign campaign;
  v1::CreateCampaignRequest request = CreateRequest("");
  request.mutable_campaign()->set_trunk("trunks/nowhere");
  EXPECT_EQ(Call(&v1::CampaignService::Stub::CreateCampaign, request, &campaign).error_code(),
            StatusCode::NOT_FOUND);
  request = CreateRequest("");
  request.mutable_campaign()->mutable_message()->set_prompt("prompts/77");
  EXPECT_EQ(Call(&v1::CampaignService::Stub::CreateCampaign, request, &campaign).error_code(),
            StatusCode::NOT_FOUND);
  v1::GetCampaignRequest get;
  get.set_name("campaigns/77");
  EXPECT_EQ(Call(&v1::CampaignService::Stub::GetCampaign, get, &campaign).error_code(),
            StatusCode::NOT_FOUND);
  get.set_name("nonsense");
  EXPECT_EQ(Call(&v1::CampaignService::Stub::GetCampaign, get, &campaign).error_code(),
            StatusCode::INVALID_ARGUMENT);
}

TEST_F(ApiServiceTest, ListsCampaignsPageByPageNewestFirst) {
  std::vector<std::string> created;
  for (int i = 0; i < 5; ++i) created.push_back(Create().name());
  std::vector<std::string> listed;
  v1::ListCampaignsRequest request;
  request.set_page_size(2);
  int pages = 0;
  do {
    v1::ListCampaignsResponse page;
    ASSERT_TRUE(Call(&v1::CampaignService::Stub::ListCampaigns, request, &page).ok());
    for (const v1::Campaign& campaign : page.campaigns()) listed.push_back(campaign.name());
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());

  EXPECT_EQ(listed, std::vector<std::string>(created.rbegin(), created.rend()));
  EXPECT_EQ(pages, 3);
}

TEST_F(ApiServiceTest, SteersACampaignThroughItsStates) {
  const v1::Campaign campaign = CreateWithPeople(3);
  v1::Campaign after;

  ASSERT_TRUE(Command("start", campaign.name(), "s", &after).ok());
  EXPECT_EQ(after.state(), v1::CAMPAIGN_STATE_RUNNING);
  EXPECT_TRUE(after.has_start_time());
  ASSERT_TRUE(Command("start", campaign.name(), "s", &after).ok()) << "repeated";
  ASSERT_TRUE(Command("pause", campaign.name(), "", &after).ok());
  EXPECT_EQ(after.state(), v1::CAMPAIGN_STATE_PAUSED);
  ASSERT_TRUE(Command("resume", campaign.name(), "", &after).ok());
  EXPECT_EQ(after.state(), v1::CAMPAIGN_STATE_RUNNING);
  ASSERT_TRUE(Command("cancel", campaign.name(), "", &after).ok());
  EXPECT_EQ(after.cancel_mode(), v1::CANCEL_MODE_HANG_UP);
  const grpc::Status status = Command("start", campaign.name(), "", &after);
  EXPECT_EQ(status.error_code(), StatusCode::FAILED_PRECONDITION) << status.error_message();
}

TEST_F(ApiServiceTest, DoesNotStartWithoutPeopleOrCancelWithoutAMode) {
  const v1::Campaign campaign = Create();
  v1::Campaign after;
  EXPECT_EQ(Command("start", campaign.name(), "", &after).error_code(),
            StatusCode::FAILED_PRECONDITION);
  v1::CancelCampaignRequest request;
  request.set_name(campaign.name());
  EXPECT_EQ(Call(&v1::CampaignService::Stub::CancelCampaign, request, &after).error_code(),
            StatusCode::INVALID_ARGUMENT);
}

TEST_F(ApiServiceTest, KeepsARecordingOnceAndRefusesWhatCannotBePlayed) {
  v1::UploadPromptRequest request;
  request.set_wav(WavFile());
  v1::Prompt first;
  v1::Prompt again;
  ASSERT_TRUE(Call(&v1::CampaignService::Stub::UploadPrompt, request, &first).ok());
  ASSERT_TRUE(Call(&v1::CampaignService::Stub::UploadPrompt, request, &again).ok());
  EXPECT_EQ(first.name(), again.name());
  EXPECT_EQ(first.duration().seconds(), 1);

  request.set_wav(WavFile({.channels = 2}));
  const grpc::Status status = Call(&v1::CampaignService::Stub::UploadPrompt, request, &again);
  EXPECT_THAT(ViolatedFields(status), ElementsAre("wav"));
  EXPECT_THAT(status.error_message(), HasSubstr("mono"));
}

TEST_F(ApiServiceTest, ImportsAMessyListAndCountsEverything) {
  const v1::Campaign campaign = Create();
  v1::RecipientRow two = Row("c-3", "nonsense");
  two.add_phones("(202) 555-0103");
  v1::ImportRecipientsResponse response;

  const grpc::Status status =
      Import(campaign.name(), "",
             {{Row("c-1", "(202) 555-0101"), Row("c-2", "call me"), two},
              {Row("c-1", "+12025550109"), Row("c-4", ""), Row("c-5", "+12024561414")}},
             &response);

  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.accepted(), 2);
  EXPECT_EQ(response.duplicates(), 1);
  EXPECT_EQ(response.refused(), 3);
  EXPECT_EQ(response.ignored_numbers(), 1);
  EXPECT_THAT(response.refused_by_reason(),
              UnorderedElementsAre(Pair("INVALID_NUMBER", 1), Pair("DUPLICATE_PERSON", 1),
                                   Pair("MISSING_NUMBER", 1), Pair("NOT_SYNTHETIC", 1)));
  std::vector<std::int64_t> lines;
  for (const v1::RefusedRow& row : response.first_refused()) lines.push_back(row.line());
  EXPECT_THAT(lines, ElementsAre(2, 4, 5, 6));
}

TEST_F(ApiServiceTest, ListsAllRefusedRowsPageByPage) {
  const v1::Campaign campaign = Create();
  Batches batches(2);
  for (int i = 0; i < 2000; ++i) {
    batches[static_cast<std::size_t>(i / 1000)].push_back(Row(fmt::format("c-{}", i), "no number"));
  }
  v1::ImportRecipientsResponse response;
  ASSERT_TRUE(Import(campaign.name(), "", batches, &response).ok());
  EXPECT_EQ(response.refused(), 2000);
  EXPECT_EQ(response.first_refused_size(), 1000);

  v1::ListRefusedRowsRequest request;
  request.set_campaign(campaign.name());
  request.set_page_size(700);
  int rows = 0;
  do {
    v1::ListRefusedRowsResponse page;
    ASSERT_TRUE(Call(&v1::CampaignService::Stub::ListRefusedRows, request, &page).ok());
    rows += page.rows_size();
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(rows, 2000);
}

TEST_F(ApiServiceTest, RefusesAnImportOutOfForm) {
  const v1::Campaign campaign = Create();
  v1::ImportRecipientsResponse response;

  EXPECT_THAT(ViolatedFields(Import("nonsense", "", {}, &response)), ElementsAre("open.campaign"));
  EXPECT_THAT(ViolatedFields(Import(campaign.name(), "", {{}}, &response)),
              ElementsAre("batch.rows"));
  EXPECT_THAT(ViolatedFields(Import(campaign.name(), "", {People(0, 1001)}, &response)),
              ElementsAre("batch.rows"));
  EXPECT_EQ(Import("campaigns/77", "", {}, &response).error_code(), StatusCode::NOT_FOUND);
  grpc::ClientContext context;
  const auto writer = campaigns_->ImportRecipients(&context, &response);
  v1::ImportRecipientsRequest message;
  *message.mutable_batch()->add_rows() = Row("c-1", "+12025550101");
  writer->Write(message);
  writer->WritesDone();
  EXPECT_THAT(ViolatedFields(writer->Finish()), ElementsAre("open"));
}

TEST_F(ApiServiceTest, GoesOnWithAnImportThatLostItsDatabase) {
  // One after the other, so that it is known which one fails.
  Serve({.listen_address = "127.0.0.1:0", .import_storers = 1});
  const v1::Campaign campaign = Create();
  const Batches batches = {People(0, 100), People(100, 100), People(150, 100)};
  std::atomic<int> seen = 0;
  store_.OnImportBatch([&] {
    if (++seen == 2) store_.FailNext("ImportBatch", {{absl::UnavailableError("database away")}});
  });
  v1::ImportRecipientsResponse response;

  const grpc::Status status = Import(campaign.name(), "i-1", batches, &response);

  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("100 rows are stored"));
  EXPECT_THAT(status.error_message(), HasSubstr("i-1"));
  google::rpc::Status rich;
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(rich.ParseFromString(status.error_details()));
  ASSERT_TRUE(rich.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "IMPORT_INTERRUPTED");
  EXPECT_EQ(info.metadata().at("rows_stored"), "100");

  v1::Campaign after;
  EXPECT_EQ(Command("start", campaign.name(), "", &after).error_code(),
            StatusCode::FAILED_PRECONDITION)
      << "the import is open";
  const grpc::Status again = Import(campaign.name(), "i-1", batches, &response);
  ASSERT_TRUE(again.ok()) << again.error_message();
  EXPECT_EQ(response.accepted(), 250);
  EXPECT_EQ(response.duplicates(), 50);
  EXPECT_TRUE(Command("start", campaign.name(), "", &after).ok());
}

TEST_F(ApiServiceTest, StoresABatchOnceWhoseAnswerWasLost) {
  const v1::Campaign campaign = Create();
  store_.FailNext("ImportBatch",
                  {{absl::UnknownError("lost"), true}, {absl::AbortedError("deadlock")}});
  v1::ImportRecipientsResponse response;

  ASSERT_TRUE(Import(campaign.name(), "", {People(0, 10)}, &response).ok());

  EXPECT_EQ(response.accepted(), 10);
  EXPECT_EQ(response.duplicates(), 0);
}

TEST_F(ApiServiceTest, HoldsABoundedNumberOfBatchesHoweverLongTheList) {
  const v1::Campaign campaign = Create();
  const CampaignId id(std::stoll(campaign.name().substr(10)));
  CampaignSpec spec;
  spec.synthetic = true;
  const auto import = memory_.BeginImport({.tenant = TenantId(1)}, id, SystemClock().Now());
  ASSERT_TRUE(import.ok());
  std::atomic<int> added = 0;
  std::atomic<int> stored = 0;
  store_.OnImportBatch([&] { EXPECT_LE(added, stored++ + 4); });
  ImportPipeline pipeline({.readers = 3, .batches_in_flight = 4}, store_, LibPhoneNumberReader(),
                          spec, import->id, SystemClock());

  for (int i = 0; i < 100; ++i) {
    v1::RecipientBatch batch;
    for (const v1::RecipientRow& row : People(10 * i, 10)) *batch.add_rows() = row;
    ASSERT_TRUE(pipeline.Add(std::move(batch)));
    ++added;
  }

  ASSERT_TRUE(pipeline.Finish().ok());
  EXPECT_EQ(pipeline.totals().rows_stored, 1000);
  EXPECT_EQ(stored, 100);
}

TEST_F(ApiServiceTest, StoresBatchesAtOnceThatHaveNobodyInCommon) {
  const v1::Campaign campaign = Create();
  std::mutex mutex;
  std::condition_variable came;
  int inside = 0;
  store_.OnImportBatch([&] {
    std::unique_lock lock(mutex);
    ++inside;
    came.notify_all();
    EXPECT_TRUE(came.wait_for(lock, std::chrono::seconds(60), [&] { return inside >= 2; }));
  });
  v1::ImportRecipientsResponse response;

  ASSERT_TRUE(Import(campaign.name(), "", {People(0, 10), People(10, 10)}, &response).ok());

  EXPECT_EQ(response.accepted(), 20);
}

TEST_F(ApiServiceTest, OfRowsWithOneKeyTheFirstWinsHoweverManyAreStoredAtOnce) {
  const v1::Campaign campaign = Create();
  Batches batches;
  for (int i = 0; i < 100; ++i) batches.push_back(People(i, 2));  // Each has one of the next.
  v1::ImportRecipientsResponse response;

  ASSERT_TRUE(Import(campaign.name(), "", batches, &response).ok());

  EXPECT_EQ(response.accepted(), 101);
  EXPECT_EQ(response.duplicates(), 99);
  for (int i = 0; i < 99; ++i) {
    // The first row of the batch: the last one of that before it is the person.
    EXPECT_EQ(response.first_refused(i).line(), 2 * (i + 1) + 1);
  }
}

TEST_F(ApiServiceTest, CutsOffASenderWhoFallsSilent) {
  Serve({.listen_address = "127.0.0.1:0", .silence_max = absl::Milliseconds(200)});
  const v1::Campaign campaign = Create();
  grpc::ClientContext context;
  v1::ImportRecipientsResponse response;
  const auto writer = campaigns_->ImportRecipients(&context, &response);
  v1::ImportRecipientsRequest open;
  open.mutable_open()->set_campaign(campaign.name());
  writer->Write(open);

  EXPECT_EQ(writer->Finish().error_code(), StatusCode::CANCELLED);
}

TEST_F(ApiServiceTest, BoundsTheStreamsThatAreOpenAtOnce) {
  Serve({.listen_address = "127.0.0.1:0", .streams_max = 2});
  const v1::Campaign campaign = CreateWithPeople(1);
  v1::WatchCampaignRequest request;
  request.set_name(campaign.name());
  grpc::ClientContext contexts[3];
  std::vector<std::unique_ptr<grpc::ClientReader<v1::CampaignProgress>>> readers;
  v1::CampaignProgress progress;
  for (grpc::ClientContext& context : contexts) {
    readers.push_back(campaigns_->WatchCampaign(&context, request));
    readers.back()->Read(&progress);
  }

  EXPECT_EQ(readers[2]->Finish().error_code(), StatusCode::RESOURCE_EXHAUSTED);

  for (grpc::ClientContext& context : contexts) context.TryCancel();
  readers[0]->Finish();
  readers[1]->Finish();
}

TEST_F(ApiServiceTest, WatchTellsAtOnceOnChangeAndToTheEnd) {
  const v1::Campaign campaign = CreateWithPeople(2);
  v1::WatchCampaignRequest request;
  request.set_name(campaign.name());
  grpc::ClientContext context;
  const auto reader = campaigns_->WatchCampaign(&context, request);
  v1::CampaignProgress progress;

  ASSERT_TRUE(reader->Read(&progress));
  EXPECT_EQ(progress.state(), v1::CAMPAIGN_STATE_DRAFT);
  EXPECT_EQ(progress.people(), 2);
  EXPECT_EQ(progress.calls_per_second_max(), 500);
  EXPECT_EQ(progress.concurrent_max(), 4) << "two caller numbers with two calls each";
  ASSERT_TRUE(reader->Read(&progress)) << "also when nothing changes";

  v1::Campaign after;
  ASSERT_TRUE(Command("start", campaign.name(), "", &after).ok());
  while (progress.state() != v1::CAMPAIGN_STATE_RUNNING) ASSERT_TRUE(reader->Read(&progress));
  ASSERT_TRUE(Command("cancel", campaign.name(), "", &after).ok());
  const CampaignId id(std::stoll(campaign.name().substr(10)));
  while (*memory_.ConcludeRecipients(id, Outcome::kCanceled, 10, SystemClock().Now()) > 0) {
  }
  ASSERT_TRUE(*memory_.CompleteIfDone(id, SystemClock().Now()));
  while (reader->Read(&progress)) {
  }
  EXPECT_EQ(progress.state(), v1::CAMPAIGN_STATE_CANCELED);
  EXPECT_EQ(progress.done(), 2);
  EXPECT_THAT(progress.outcomes(), ElementsAre(Pair("CANCELED", 2)));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(ApiServiceTest, WatchEndsWhenTheServiceStops) {
  const v1::Campaign campaign = CreateWithPeople(1);
  v1::WatchCampaignRequest request;
  request.set_name(campaign.name());
  grpc::ClientContext context;
  const auto reader = campaigns_->WatchCampaign(&context, request);
  v1::CampaignProgress progress;
  ASSERT_TRUE(reader->Read(&progress));

  server_->Shutdown(absl::Seconds(5));

  while (reader->Read(&progress)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), StatusCode::UNAVAILABLE);
}

TEST_F(ApiServiceTest, SuppressesNumbersOrSaysWhichAreNone) {
  v1::AddSuppressionsRequest request;
  request.set_purpose("*");
  request.set_source("registry");
  request.add_phones("(202) 555-0123");
  request.add_phones("+1 202 555 0123");
  v1::AddSuppressionsResponse response;
  ASSERT_TRUE(Call(&v1::CampaignService::Stub::AddSuppressions, request, &response).ok());
  EXPECT_EQ(response.numbers(), 1);

  request.add_phones("12");
  request.clear_source();
  const grpc::Status status = Call(&v1::CampaignService::Stub::AddSuppressions, request, &response);
  EXPECT_THAT(ViolatedFields(status), UnorderedElementsAre("source", "phones[2]"));
}

TEST_F(ApiServiceTest, ShowsTrunksWithoutTheirSecrets) {
  grpc::ClientContext context;
  v1::ListTrunksResponse response;
  ASSERT_TRUE(trunks_->ListTrunks(&context, {}, &response).ok());

  ASSERT_EQ(response.trunks_size(), 1);
  EXPECT_EQ(response.trunks(0).name(), "trunks/local");
  EXPECT_TRUE(response.trunks(0).signed_());
  EXPECT_EQ(response.trunks(0).caller_numbers(), 2);
  EXPECT_THAT(response.DebugString(), Not(HasSubstr("c2VjcmV0")));

  grpc::ClientContext other;
  v1::GetTrunkRequest request;
  request.set_name("trunks/nowhere");
  v1::Trunk trunk;
  EXPECT_EQ(trunks_->GetTrunk(&other, request, &trunk).error_code(), StatusCode::NOT_FOUND);
}

TEST_F(ApiServiceTest, PassesOnThatTheDatabaseIsAway) {
  store_.FailNext("ListCampaigns", {{absl::UnavailableError("the database is away")}});
  v1::ListCampaignsResponse page;

  const grpc::Status status =
      Call(&v1::CampaignService::Stub::ListCampaigns, v1::ListCampaignsRequest(), &page);

  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("database is away"));
}

TEST_F(ApiServiceTest, DoesNotShareAPortWithAnotherServer) {
  const auto second =
      ApiServer::Start({.listen_address = fmt::format("127.0.0.1:{}", server_->port())}, store_,
                       LibPhoneNumberReader(), SystemClock());

  EXPECT_TRUE(absl::IsUnavailable(second.status()));
  EXPECT_THAT(Message(second.status()), HasSubstr(std::to_string(server_->port())));
}

TEST_F(ApiServiceTest, AnswersTheHealthServiceAndReflection) {
  grpc::GenericStub stub(channel_);
  grpc::CompletionQueue queue;
  const auto ask = [&](const std::string& method, const std::string& request) {
    // Raw bytes, so that no copy of those protocols is needed here.
    grpc::Slice slice(request);
    grpc::ByteBuffer question(&slice, 1);
    grpc::ByteBuffer answer;
    grpc::Status status;
    grpc::ClientContext context;
    const auto call = stub.PrepareUnaryCall(&context, method, question, &queue);
    call->StartCall();
    call->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok) && ok);
    EXPECT_TRUE(status.ok()) << status.error_message();
    grpc::Slice whole;
    if (!answer.DumpToSingleSlice(&whole).ok()) return std::string("no answer");
    return std::string(reinterpret_cast<const char*>(whole.begin()), whole.size());
  };

  EXPECT_EQ(ask("/grpc.health.v1.Health/Check", ""), "\x08\x01") << "SERVING";
  const std::string services =
      ask("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "\x3a\x01*");
  EXPECT_THAT(services, HasSubstr("tocsin.v1.CampaignService"));
}

}  // namespace
}  // namespace tocsin
