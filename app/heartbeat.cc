#include "app/heartbeat.h"

#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "db/migrator.h"

namespace tocsin {
namespace {

constexpr std::chrono::seconds kApart{1};
// A machine whose calendar is so wrong judges certificates wrongly.
constexpr absl::Duration kWorthSaying = absl::Seconds(30);

}  // namespace

absl::StatusOr<std::unique_ptr<Heartbeat>> Heartbeat::Start(Options options, db::PgStore& store,
                                                            ServiceClock& clock) {
  std::unique_ptr<Heartbeat> heartbeat(new Heartbeat(std::move(options), store, clock));
  // Twice: what is told of the clock can be known only then.
  TOCSIN_RETURN_IF_ERROR(heartbeat->Beat());
  TOCSIN_RETURN_IF_ERROR(heartbeat->Beat());
  const absl::Duration ahead = clock.MachineAhead();
  if (absl::AbsDuration(ahead) > kWorthSaying) {
    Log(LogLevel::kWarn, "machine_clock_differs",
        {{"ahead_s", absl::ToInt64Seconds(ahead)}, {"from", "the database's clock"}});
  }
  heartbeat->thread_ =
      std::jthread([self = heartbeat.get()](const std::stop_token& stop) { self->Run(stop); });
  return heartbeat;
}

Heartbeat::Heartbeat(Options options, db::PgStore& store, ServiceClock& clock)
    : options_(std::move(options)), store_(store), clock_(clock) {}

Heartbeat::~Heartbeat() {
  Stop();
}

absl::Status Heartbeat::Beat() {
  db::PgStore::NodeReport report;
  report.node = options_.node;
  report.roles = options_.roles;
  report.build = options_.build;
  report.program = db::NewestMigration();
  if (options_.callback_lag) report.callback_lag = options_.callback_lag();
  report.clock_ahead = clock_.MachineAhead();
  const SteadyTime asked = clock_.Steady();
  TOCSIN_ASSIGN_OR_RETURN(const absl::Time then, store_.NoteNode(report));
  clock_.Learn(then, asked, clock_.Steady());
  return absl::OkStatus();
}

void Heartbeat::Run(const std::stop_token& stop) {
  bool failing = false;
  while (clock_.SleepUntil(clock_.Steady() + kApart, stop)) {
    const absl::Status beat = Beat();
    // Once each time, not every second while the database is away.
    if (!beat.ok() && !failing) {
      Log(LogLevel::kWarn, "heartbeat_failed", {{"error", Message(beat)}});
    }
    failing = !beat.ok();
  }
}

void Heartbeat::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  const absl::Status forgotten = store_.ForgetNode(options_.node);
  if (forgotten.ok()) return;
  Log(LogLevel::kWarn, "heartbeat_failed", {{"error", Message(forgotten)}});
}

}  // namespace tocsin
