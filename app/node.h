#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "api/server.h"
#include "app/admin_server.h"
#include "app/backlog_watch.h"
#include "app/config.h"
#include "app/heartbeat.h"
#include "app/tls_settings.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/service_clock.h"
#include "core/store.h"
#include "db/change_feed.h"
#include "db/pg_store.h"
#include "dialer/dialer.h"
#include "scheduler/runner.h"
#include "scheduler/scheduler.h"
#include "speech/speaker.h"
#include "wire/callback_url.h"

namespace tocsin {

// One node of the service: what `up` and `serve` have in common. Nodes on one
// database are equal, and any of them may die. All of a node goes by the database's
// time (base/service_clock.h).
//
// Started and stopped by the main thread; nothing else is to be called.
class Node final : private ChangeListener {
 public:
  struct Options {
    Secret database_url;
    std::vector<wire::CallbackKey> callback_keys;
    bool api = true;
    bool scheduler = true;
    bool receiver = true;  // A scheduler needs one too, and brings it along.
    // Stored before anything is dialed, in place of the one of its name.
    std::optional<Trunk> trunk;
    ListenerCertificates certificates;
  };

  // Connects, checks that we can live with the schema, and starts the roles.
  // `config` is only read during the call; `machine` is the machine's clock and must
  // outlive the node. kUnavailable if the database cannot be reached or an address is
  // in use; kFailedPrecondition if the schema is another one.
  static absl::StatusOr<std::unique_ptr<Node>> Start(const Config& config, const Options& options,
                                                     const Clock& machine);
  // Stops if Stop() was not called.
  ~Node() override;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  db::PgStore& store() { return *store_; }

  // 0 if the role is not ours.
  int api_port() const;
  int receiver_port() const;
  int admin_port() const { return admin_->port(); }

  // In order: claims and intends nothing more, finishes the requests in flight
  // and gives the lease back; answers the callbacks that have come and writes
  // what is held; ends the API. What is left undone another node, or the next
  // start, goes on with. At last it takes its leave of the others.
  void Stop();

 private:
  explicit Node(const Clock& machine) : clock_(machine) {}
  absl::Status StartDialer(const Config& config, const Options& options);
  void StartScheduler();
  absl::Status StartApi(const Config& config);
  absl::Status StartHeartbeat(const Options& options);
  absl::Status StartAdmin(const Config& config);
  void WriteMetrics(MetricsPage& page);
  absl::Status Live() const;
  absl::Status Ready();
  void OnChange(std::string_view channel) override;

  ServiceClock clock_;
  std::string name_;  // Unique to this life of the process.
  ListenerCertificates certificates_;
  // In the order in which they need one another.
  std::unique_ptr<db::PgStore> store_;
  std::unique_ptr<speech::Speaker> speaker_;
  std::unique_ptr<Heartbeat> heartbeat_;
  // The dialer is there first and tells the scheduler of what it commits.
  std::atomic<scheduler::Scheduler*> told_{nullptr};
  std::unique_ptr<dialer::Dialer> dialer_;
  // For the heartbeat, which is there before it.
  std::atomic<const dialer::Dialer*> heard_by_{nullptr};
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::unique_ptr<scheduler::Runner> runner_;
  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<db::ChangeFeed> changes_;
  std::unique_ptr<BacklogWatch> backlog_;
  std::unique_ptr<AdminServer> admin_;
  std::atomic<bool> stopping_{false};
};

}  // namespace tocsin
