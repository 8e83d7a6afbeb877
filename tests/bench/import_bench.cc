// Sends a list through the front door: streams batches of rows to the gRPC API
// of a node that runs (--server host:port), into a campaign of its own, and
// waits for the answer, after which all of it is durable. The trunk is there
// already. With --people N and --batch N. Prints a line of JSON: per_second.
#include <grpcpp/grpcpp.h>

#include "base/check.h"
#include "tests/bench/bench.h"
#include "tocsin/v1/campaign_service.grpc.pb.h"

namespace tocsin::bench {
namespace {

v1::Campaign Wanted() {
  v1::Campaign campaign;
  campaign.set_display_name("bench");
  campaign.set_purpose("bench");
  campaign.set_trunk("trunks/local");
  campaign.mutable_message()->set_audio_uri("http://127.0.0.1:9/bench.wav");
  campaign.mutable_recipients()->set_synthetic(true);
  campaign.mutable_window()->set_open("00:00");
  campaign.mutable_window()->set_close("24:00");
  return campaign;
}

std::vector<v1::ImportRecipientsRequest> Batches(std::int64_t people, std::int64_t batch) {
  std::vector<v1::ImportRecipientsRequest> messages;
  for (std::int64_t i = 0; i < people; ++i) {
    if (i % batch == 0) messages.emplace_back();
    v1::RecipientRow& row = *messages.back().mutable_batch()->add_rows();
    row.set_line(i + 1);
    row.set_person_key(KeyOf(i));
    row.set_person_name(NameOf(i));
    row.add_phones(NumberOf(i));
    row.set_time_zone(kZone);
  }
  return messages;
}

void Check(const grpc::Status& status) {
  if (!status.ok()) Stop(status.error_message());
}

Figures Run(const std::string& server, std::int64_t people, std::int64_t batch, bool start) {
  const auto stub =
      v1::CampaignService::NewStub(grpc::CreateChannel(server, grpc::InsecureChannelCredentials()));
  v1::CreateCampaignRequest create;
  *create.mutable_campaign() = Wanted();
  v1::Campaign campaign;
  grpc::ClientContext create_context;
  Check(stub->CreateCampaign(&create_context, create, &campaign));
  const std::vector<v1::ImportRecipientsRequest> batches = Batches(people, batch);

  const double cpu = CpuSeconds();
  const SteadyTime began = SystemClock().Steady();
  grpc::ClientContext context;
  v1::ImportRecipientsResponse response;
  const auto writer = stub->ImportRecipients(&context, &response);
  v1::ImportRecipientsRequest open;
  open.mutable_open()->set_campaign(campaign.name());
  writer->Write(open);
  for (const auto& message : batches) {
    if (!writer->Write(message)) break;
  }
  writer->WritesDone();
  Check(writer->Finish());
  const double seconds = SecondsSince(began);
  const double cpu_us = (CpuSeconds() - cpu) / static_cast<double>(people) * 1e6;
  if (response.accepted() != people) {
    Stop(fmt::format("{} of {} rows were taken", response.accepted(), people));
  }
  if (start) {
    v1::StartCampaignRequest request;
    request.set_name(campaign.name());
    grpc::ClientContext start_context;
    Check(stub->StartCampaign(&start_context, request, &campaign));
  }
  return {{"per_second", static_cast<double>(people) / seconds}, {"cpu_us", cpu_us}};
}

}  // namespace
}  // namespace tocsin::bench

int main(int argc, char** argv) {
  tocsin::bench::Flags flags(argc, argv);
  const std::string server = flags.Text("--server");
  const std::int64_t people = flags.Number("--people", 100'000);
  const std::int64_t batch = flags.Number("--batch", 1000);
  const bool start = flags.Text("--start") == "yes";
  flags.RefuseTheRest();
  tocsin::bench::Print(tocsin::bench::Run(server, people, batch, start));
}
