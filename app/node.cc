#include "app/node.h"

#include <unistd.h>

#include <random>

#include "app/settings.h"
#include "base/host_port.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "db/migrator.h"

namespace tocsin {
namespace {

// For calls of the API that are in progress when we are told to stop.
constexpr absl::Duration kApiGrace = absl::Seconds(5);

// The pacer's lease must tell a restarted process from its former self.
std::string NewNodeName() {
  char host[256] = "";
  gethostname(host, sizeof(host) - 1);
  std::random_device random;
  return fmt::format("{}-{}-{:08x}", host, getpid(), random());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Node>> Node::Start(const Config& config, const Options& options,
                                                  const Clock& clock) {
  std::unique_ptr<Node> node(new Node);
  node->name_ = NewNodeName();
  TOCSIN_RETURN_IF_ERROR(db::CheckMigrated(options.database_url));
  TOCSIN_ASSIGN_OR_RETURN(
      node->store_,
      db::PgStore::Open(
          {.database_url = options.database_url, .pool_size = config.database_connections}, clock));

  if (options.trunk) {
    TOCSIN_RETURN_IF_ERROR(node->store_->SaveTrunk(*options.trunk, clock.Now()).status());
  }
  if (options.scheduler || options.receiver) {
    TOCSIN_RETURN_IF_ERROR(node->StartDialer(config, options, clock));
  }
  if (options.api) TOCSIN_RETURN_IF_ERROR(node->StartApi(config, clock));
  if (options.scheduler) node->StartScheduler(clock);
  node->changes_ = std::make_unique<db::ChangeFeed>(options.database_url,
                                                    static_cast<ChangeListener&>(*node), clock);
  Log(LogLevel::kInfo, "node_started", {{"node", node->name_}});
  return node;
}

absl::Status Node::StartDialer(const Config& config, const Options& options, const Clock& clock) {
  dialer::Dialer::Options settings;
  settings.listen_host = config.receiver_host;
  settings.listen_port = config.receiver_port;
  settings.callback_base_url = config.callback_url;
  settings.callback_keys = options.callback_keys;
  settings.send_workers = config.dialer_threads;
  settings.receiver_threads = config.receiver_threads;
  // One prepares and reads while PostgreSQL works for the other.
  settings.recorder.writers = 2;
  settings.timeouts.read = config.request_timeout;
  settings.timeouts.request = config.request_timeout + absl::Seconds(5);
  const auto find_prompt = [store = store_.get()](const std::string& name) {
    return store->FindPrompt(name);
  };
  const auto observer = [this](const AttemptChange& change) {
    if (scheduler::Scheduler* scheduler = told_.load()) scheduler->OnAttemptChange(change);
  };
  auto started = dialer::Dialer::Start(settings, *store_, find_prompt, observer, clock);
  if (!started.ok()) return NamingPort(started.status(), "--receiver-port");
  dialer_ = *std::move(started);
  return absl::OkStatus();
}

void Node::StartScheduler(const Clock& clock) {
  scheduler::Scheduler::Options settings;
  settings.node = name_;
  scheduler_ = std::make_unique<scheduler::Scheduler>(
      settings, *store_, dialer_->gateway(), dialer_->recorder(), LibPhoneNumberReader(), clock);
  told_ = scheduler_.get();
  runner_ = std::make_unique<scheduler::Runner>(*scheduler_, clock);
}

absl::Status Node::StartApi(const Config& config, const Clock& clock) {
  ApiServer::Options settings;
  settings.listen_address = JoinHostPort(config.api_host, config.api_port);
  settings.told_of_changes = true;
  auto started = ApiServer::Start(settings, *store_, LibPhoneNumberReader(), clock);
  if (!started.ok()) return NamingPort(started.status(), "--api-port");
  api_ = *std::move(started);
  return absl::OkStatus();
}

void Node::OnChange(std::string_view channel) {
  if (scheduler_) scheduler_->OnChange(channel);
  if (dialer_ && channel == "campaigns") dialer_->CampaignsChanged();
  if (api_) api_->OnChange();
}

int Node::api_port() const {
  return api_ ? api_->port() : 0;
}

int Node::receiver_port() const {
  return dialer_ ? dialer_->callback_port() : 0;
}

Node::~Node() {
  Stop();
}

void Node::Stop() {
  changes_.reset();
  if (runner_) runner_->Stop();
  if (dialer_) dialer_->Stop();
  if (api_) api_->Shutdown(kApiGrace);
}

}  // namespace tocsin
