#include "db/change_feed.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <pqxx/pqxx>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/this_thread.h"
#include "db/connection.h"
#include "db/error.h"

namespace tocsin::db {
namespace {

constexpr const char* kChannel = "tocsin";
constexpr const char* kChanges[] = {"campaigns", "due", "slots"};
constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{2000};

// What was committed comes as the payload.
class Receiver final : public pqxx::notification_receiver {
 public:
  Receiver(pqxx::connection& connection, ChangeListener& listener)
      : pqxx::notification_receiver(connection, kChannel), listener_(listener) {}

  void operator()(const std::string& payload, int) override { listener_.OnChange(payload); }

 private:
  ChangeListener& listener_;
};

}  // namespace

ChangeFeed::ChangeFeed(Secret database_url, ChangeListener& listener, const Clock& clock)
    : database_url_(std::move(database_url)),
      listener_(listener),
      clock_(clock),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  TOCSIN_CHECK(wake_fd_ >= 0);
  thread_ = std::jthread([this](std::stop_token stop) { Run(std::move(stop)); });
}

ChangeFeed::~ChangeFeed() {
  thread_.request_stop();
  const std::uint64_t one = 1;
  // Cannot fail: the counter of an eventfd does not overflow by one.
  static_cast<void>(write(wake_fd_, &one, sizeof(one)));
  thread_.join();
  close(wake_fd_);
}

void ChangeFeed::Run(std::stop_token stop) {
  NameThisThread("hear-changes");
  std::chrono::milliseconds pause = kFirstPause;
  while (!stop.stop_requested()) {
    const SteadyTime began = clock_.Steady();
    Listen(stop);
    if (stop.stop_requested()) return;
    // A connection that held for a while earns a quick return.
    if (clock_.Steady() - began > kLongestPause) pause = kFirstPause;
    clock_.SleepUntil(clock_.Steady() + pause, stop);
    pause = std::min(pause * 2, kLongestPause);
  }
}

void ChangeFeed::Listen(std::stop_token stop) {
  auto connection = Connection::Open(database_url_, SessionKind::kReports);
  if (!connection.ok()) {
    if (!broken_) {
      Log(LogLevel::kWarn, "change_feed_away", {{"error", Message(connection.status())}});
    }
    broken_ = true;
    return;
  }
  try {
    pqxx::connection& raw = (*connection)->raw();
    Receiver receiver(raw, listener_);
    if (broken_) Log(LogLevel::kInfo, "change_feed_back", {});
    broken_ = false;
    for (const char* change : kChanges) listener_.OnChange(change);
    while (!stop.stop_requested()) {
      pollfd fds[] = {{raw.sock(), POLLIN, 0}, {wake_fd_, POLLIN, 0}};
      poll(fds, 2, -1);
      if (!stop.stop_requested()) raw.get_notifs();
    }
  } catch (const std::exception&) {
    const absl::Status status = CurrentExceptionToStatus("listen");
    if (!broken_) Log(LogLevel::kWarn, "change_feed_away", {{"error", Message(status)}});
    broken_ = true;
  }
}

}  // namespace tocsin::db
