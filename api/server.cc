#include "api/server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <atomic>
#include <mutex>

#include "api/block_number_reader.h"
#include "api/campaign_service.h"
#include "api/open_streams.h"
#include "api/progress_board.h"
#include "api/tls_credentials.h"
#include "api/trunk_service.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace tocsin {
namespace {

constexpr int kKeepAliveMs = 60'000;
constexpr int kKeepAliveTimeoutMs = 20'000;
constexpr int kStreamsOfConnectionMax = 100;
// A client may ask whether we are alive this often, also while nothing else is said.
constexpr int kPingIntervalLeastMs = 10'000;

// The library's own words say in a paragraph what our errors say in a line.
void LogForLibrary(gpr_log_func_args* said) {
  Log(LogLevel::kDebug, "grpc", {{"said", said->message}});
}

void EnableLibraryServices() {
  static std::once_flag once;
  std::call_once(once, [] {
    gpr_set_log_function(&LogForLibrary);
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

void Bound(const ApiServer::Options& options, grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("api");
  quota.SetMaxThreads(options.threads_max);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(options.message_bytes_max);
  // Two servers on one port would each get half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsOfConnectionMax);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepAliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kPingIntervalLeastMs);
}

}  // namespace

class ApiServer::Impl {
 public:
  Impl(const Options& options, CampaignStore& store, const PhoneNumberReader& numbers,
       const Clock& clock)
      : numbers_(numbers),
        streams_(options.streams_max, options.silence_max, clock),
        board_({.told_of_changes = options.told_of_changes}, store, clock, streams_.stopping()),
        campaigns_(
            {.tenant = options.tenant,
             .import = {.readers = options.import_readers, .storers = options.import_storers},
             .speaks = options.speaks},
            store, numbers_, clock, streams_, board_),
        trunks_(store) {}

  absl::Status Start(const Options& options) {
    EnableLibraryServices();
    grpc::ServerBuilder builder;
    Bound(options, builder);
    credentials_ = CredentialsOf(options.certificate);
    builder.AddListeningPort(options.listen_address, credentials_, &port_);
    builder.RegisterService(&campaigns_);
    builder.RegisterService(&trunks_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return Unavailable(
          "cannot listen on {}: the address is not of this machine, or another "
          "process has the port; choose another one, or end that process",
          options.listen_address);
    }
    Log(LogLevel::kInfo, "api_listening", {{"address", options.listen_address}, {"port", port_}});
    return absl::OkStatus();
  }

  void Shutdown(absl::Duration grace) {
    if (server_ == nullptr || stopped_.exchange(true)) return;
    if (auto* health = server_->GetHealthCheckService()) health->SetServingStatus(false);
    streams_.Stop();
    server_->Shutdown(
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                     gpr_time_from_millis(absl::ToInt64Milliseconds(grace), GPR_TIMESPAN)));
    server_->Wait();
  }

  int port() const { return port_; }
  void OnChange() { board_.OnChange(); }

 private:
  BlockNumberReader numbers_;  // Shared by all imports, present and past.
  OpenStreams streams_;
  ProgressBoard board_;
  CampaignServiceImpl campaigns_;
  TrunkServiceImpl trunks_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;  // Asked as long as the server is.
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::atomic<bool> stopped_ = false;
};

absl::StatusOr<std::unique_ptr<ApiServer>> ApiServer::Start(const Options& options,
                                                            CampaignStore& store,
                                                            const PhoneNumberReader& numbers,
                                                            const Clock& clock) {
  auto impl = std::make_unique<Impl>(options, store, numbers, clock);
  TOCSIN_RETURN_IF_ERROR(impl->Start(options));
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiServer::~ApiServer() {
  impl_->Shutdown(absl::ZeroDuration());
}
int ApiServer::port() const {
  return impl_->port();
}
void ApiServer::OnChange() {
  impl_->OnChange();
}
void ApiServer::Shutdown(absl::Duration grace) {
  impl_->Shutdown(grace);
}

}  // namespace tocsin
