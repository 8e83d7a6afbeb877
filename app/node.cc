#include "app/node.h"

#include <unistd.h>

#include <chrono>
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
// Longer than a statement may take.
constexpr std::chrono::minutes kStandstill{3};

// The pacer's lease must tell a restarted process from its former self.
std::string NewNodeName() {
  char host[256] = "";
  gethostname(host, sizeof(host) - 1);
  std::random_device random;
  return fmt::format("{}-{}-{:08x}", host, getpid(), random());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Node>> Node::Start(const Config& config, const Options& options,
                                                  const Clock& machine) {
  std::unique_ptr<Node> node(new Node(machine));
  const ServiceClock& clock = node->clock_;
  node->name_ = NewNodeName();
  node->certificates_ = options.certificates;
  node->speaker_ = std::make_unique<speech::Speaker>(speech::Speaker::Options());
  TOCSIN_RETURN_IF_ERROR(db::CheckMigrated(options.database_url));
  TOCSIN_ASSIGN_OR_RETURN(
      node->store_,
      db::PgStore::Open(
          {.database_url = options.database_url, .pool_size = config.database_connections}, clock));

  TOCSIN_RETURN_IF_ERROR(node->StartHeartbeat(options));
  if (options.trunk) {
    TOCSIN_RETURN_IF_ERROR(node->store_->SaveTrunk(*options.trunk, clock.Now()).status());
  }
  if (options.scheduler || options.receiver) {
    TOCSIN_RETURN_IF_ERROR(node->StartDialer(config, options));
  }
  if (options.api) TOCSIN_RETURN_IF_ERROR(node->StartApi(config));
  if (options.scheduler) node->StartScheduler();
  node->changes_ = std::make_unique<db::ChangeFeed>(options.database_url,
                                                    static_cast<ChangeListener&>(*node), clock);
  TOCSIN_RETURN_IF_ERROR(node->StartAdmin(config));
  Log(LogLevel::kInfo, "node_started", {{"node", node->name_}, {"version", TOCSIN_VERSION}});
  return node;
}

// First of all: what is written afterwards has the service's time.
absl::Status Node::StartHeartbeat(const Options& options) {
  Heartbeat::Options settings;
  settings.node = name_;
  settings.build = TOCSIN_VERSION;
  if (options.api) settings.roles.emplace_back("api");
  if (options.scheduler) settings.roles.emplace_back("scheduler");
  if (options.scheduler || options.receiver) {
    settings.roles.emplace_back("receiver");
    settings.callback_lag = [this] {
      const dialer::Dialer* dialer = heard_by_.load();
      return dialer == nullptr ? absl::ZeroDuration() : dialer->callback_lag();
    };
  }
  TOCSIN_ASSIGN_OR_RETURN(heartbeat_, Heartbeat::Start(std::move(settings), *store_, clock_));
  return absl::OkStatus();
}

absl::Status Node::StartDialer(const Config& config, const Options& options) {
  dialer::Dialer::Options settings;
  settings.listen_host = config.receiver_host;
  settings.listen_port = config.receiver_port;
  settings.certificate = certificates_.receiver;
  settings.callback_base_url = config.callback_url;
  settings.ca_file = config.tls_ca_file;
  settings.callback_keys = options.callback_keys;
  settings.environment = FromEnvironment;
  settings.send_workers = config.dialer_threads;
  settings.receiver_connections = config.receiver_connections;
  // One prepares and reads while PostgreSQL works for the other.
  settings.recorder.writers = 2;
  settings.timeouts.read = config.request_timeout;
  settings.timeouts.request = config.request_timeout + absl::Seconds(5);
  settings.speak_text = [this](const SpokenMessage& message) { return speaker_->Say(message); };
  const auto find_prompt = [store = store_.get()](const std::string& name) {
    return store->FindPrompt(name);
  };
  const auto observer = [this](const AttemptChange& change) {
    if (scheduler::Scheduler* scheduler = told_.load()) scheduler->OnAttemptChange(change);
  };
  auto started = dialer::Dialer::Start(settings, *store_, find_prompt, observer, clock_);
  if (!started.ok()) return NamingPort(started.status(), "--receiver-port");
  dialer_ = *std::move(started);
  heard_by_ = dialer_.get();
  return absl::OkStatus();
}

void Node::StartScheduler() {
  scheduler::Scheduler::Options settings;
  settings.node = name_;
  scheduler_ = std::make_unique<scheduler::Scheduler>(
      settings, *store_, dialer_->gateway(), dialer_->recorder(), LibPhoneNumberReader(), clock_);
  told_ = scheduler_.get();
  runner_ = std::make_unique<scheduler::Runner>(*scheduler_, clock_);
}

absl::Status Node::StartApi(const Config& config) {
  ApiServer::Options settings;
  settings.listen_address = JoinHostPort(config.api_host, config.api_port);
  settings.certificate = certificates_.api;
  settings.told_of_changes = true;
  settings.speaks = [this](std::string_view language) { return speaker_->Speaks(language); };
  auto started = ApiServer::Start(settings, *store_, LibPhoneNumberReader(), clock_);
  if (!started.ok()) return NamingPort(started.status(), "--api-port");
  api_ = *std::move(started);
  return absl::OkStatus();
}

absl::Status Node::StartAdmin(const Config& config) {
  backlog_ = std::make_unique<BacklogWatch>(*store_, clock_);
  AdminServer::Answers answers;
  answers.write_metrics = [this](MetricsPage& page) { WriteMetrics(page); };
  answers.live = [this] { return Live(); };
  answers.ready = [this] { return Ready(); };
  auto started = AdminServer::Start(
      {.host = config.admin_host, .port = config.admin_port, .certificate = certificates_.admin},
      std::move(answers));
  if (!started.ok()) return NamingPort(started.status(), "--admin-port");
  admin_ = *std::move(started);
  return absl::OkStatus();
}

void Node::WriteMetrics(MetricsPage& page) {
  page.Gauge("tocsin_build_info", "1; the label tells which build this is.", 1,
             {{"version", TOCSIN_VERSION}});
  page.Gauge("tocsin_machine_clock_ahead_seconds",
             "The machine's calendar before the database's, which the node goes by.",
             absl::ToDoubleSeconds(clock_.MachineAhead()));
  backlog_->WriteMetrics(page);
  if (dialer_) {
    dialer_->WriteMetrics(page, [this](TrunkId trunk) { return backlog_->NameOf(trunk); });
  }
  if (scheduler_) scheduler_->WriteMetrics(page);
  store_->WriteMetrics(page);
  certificates_.WriteMetrics(page);
}

// A scheduler that stands still while its database answers will not move again.
absl::Status Node::Live() const {
  if (!scheduler_ || stopping_) return absl::OkStatus();
  const auto since = clock_.Steady() - scheduler_->stats().stepped_at;
  if (since < kStandstill) return absl::OkStatus();
  return Unavailable("the scheduler has not moved for {} s",
                     std::chrono::duration_cast<std::chrono::seconds>(since).count());
}

absl::Status Node::Ready() {
  if (stopping_) return Unavailable("stopping");
  const absl::Status answered = store_->Ping();
  if (answered.ok()) return answered;
  return Unavailable("the database does not answer: {}", Message(answered));
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
  stopping_ = true;
  changes_.reset();
  if (runner_) runner_->Stop();
  if (dialer_) dialer_->Stop();
  if (api_) api_->Shutdown(kApiGrace);
  admin_.reset();
  if (heartbeat_) heartbeat_->Stop();
}

}  // namespace tocsin
