#pragma once
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/service_clock.h"
#include "db/pg_store.h"

namespace tocsin {

// Tells the database every second that this node lives and what it is, and the
// node's clock what time it is there.
//
// A thread of its own; while the database is away it keeps asking, and the clock
// goes on by itself.
class Heartbeat {
 public:
  struct Options {
    std::string node;
    std::vector<std::string> roles;
    std::string build;
    // How late events come here; unset: none come.
    std::function<absl::Duration()> callback_lag;
  };

  // Has told and learnt before it returns: from then on `clock` is the service's.
  // All must outlive it. The status is the database's if it cannot be told.
  static absl::StatusOr<std::unique_ptr<Heartbeat>> Start(Options options, db::PgStore& store,
                                                          ServiceClock& clock);
  // Stops if Stop() was not called.
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  // The node is not missed from then on, if the database can be told. May be
  // called twice.
  void Stop();

 private:
  Heartbeat(Options options, db::PgStore& store, ServiceClock& clock);
  absl::Status Beat();
  void Run(const std::stop_token& stop);

  const Options options_;
  db::PgStore& store_;
  ServiceClock& clock_;
  std::jthread thread_;
};

}  // namespace tocsin
