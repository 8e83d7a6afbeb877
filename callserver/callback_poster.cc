#include "callserver/callback_poster.h"

#include <httplib.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/http_client.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "callserver/audio_file.h"

namespace tocsin::callserver {
namespace {

constexpr std::chrono::microseconds kLeastSleep(5'000);
// More receivers than this at once is not a use of this server.
constexpr std::size_t kOriginsMax = 64;

}  // namespace

// One thread's connections, one for each receiver, kept open.
class CallbackPoster::Connections {
 public:
  Connections(absl::Duration timeout, std::string ca_file)
      : timeout_(timeout), ca_file_(std::move(ca_file)) {}

  // The status of the answer; 0 if none came.
  int Post(const Callback& callback, const std::string& authorization) {
    const SplitUrl url = Split(callback.callback_uri);
    if (url.origin.empty()) return 0;
    HttpClient* const client = Client(url.origin);
    if (client == nullptr) return 0;
    httplib::Headers headers;
    if (!authorization.empty()) headers.emplace("Authorization", authorization);
    const httplib::Result result = client->Post(
        url.path_and_query, headers, wire::EncodeEvent(callback.event), "application/json");
    if (!result && !client->tls_status().ok()) {
      Log(LogLevel::kDebug, "callback_not_sent", {{"reason", Message(client->tls_status())}});
    }
    return result ? result->status : 0;
  }

 private:
  // Null if the origin is no address.
  HttpClient* Client(const std::string& origin) {
    if (clients_.size() >= kOriginsMax && !clients_.contains(origin)) clients_.clear();
    std::unique_ptr<HttpClient>& client = clients_[origin];
    if (client) return client.get();
    client = NewHttpClient(origin, ca_file_);
    if (!client) return nullptr;
    client->set_follow_location(false);
    const auto timeout = absl::ToChronoMilliseconds(timeout_);
    client->set_connection_timeout(timeout);
    client->set_read_timeout(timeout);
    client->set_write_timeout(timeout);
    return client.get();
  }

  const absl::Duration timeout_;
  const std::string ca_file_;
  std::unordered_map<std::string, std::unique_ptr<HttpClient>> clients_;
};

CallbackPoster::CallbackPoster(const Options& options, const Clock& clock, Report report)
    : options_(options),
      clock_(clock),
      report_(std::move(report)),
      pauses_(clock, kLeastSleep, [this] { return ResumePaused(); }) {
  threads_.reserve(static_cast<std::size_t>(options.threads));
  for (int i = 0; i < options.threads; ++i) {
    threads_.emplace_back([this](std::stop_token stop) { Run(std::move(stop)); });
  }
}

CallbackPoster::~CallbackPoster() {
  Stop();
}

void CallbackPoster::Stop() {
  pauses_.Stop();
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

void CallbackPoster::Post(std::vector<Callback> callbacks) {
  std::vector<Callback> dropped;
  std::size_t made_ready = 0;
  {
    std::lock_guard lock(mutex_);
    for (Callback& callback : callbacks) {
      if (static_cast<std::size_t>(stats_.waiting) >= options_.waiting_max) {
        ++stats_.dropped;
        dropped.push_back(std::move(callback));
        continue;
      }
      ++stats_.waiting;
      const std::string& call_leg_id = wire::CallLegId(callback.event);
      CallQueue& call = calls_[call_leg_id];
      if (call.callbacks.empty()) {
        ready_.push_back(call_leg_id);
        ++made_ready;
      }
      call.callbacks.push_back(std::move(callback));
    }
  }
  for (std::size_t i = 0; i < made_ready; ++i) ready_or_stopped_.notify_one();
  for (const Callback& callback : dropped) report_(callback, {.dropped = true});
}

CallbackPoster::Stats CallbackPoster::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

void CallbackPoster::Run(std::stop_token stop) {
  Connections connections(options_.timeout, options_.ca_file);
  while (true) {
    std::string call_leg_id;
    {
      std::unique_lock lock(mutex_);
      if (!ready_or_stopped_.wait(lock, stop, [this] { return !ready_.empty(); }) ||
          stop.stop_requested()) {
        return;
      }
      call_leg_id = std::move(ready_.front());
      ready_.pop_front();
    }
    PostFirst(call_leg_id, connections);
  }
}

void CallbackPoster::PostFirst(const std::string& call_leg_id, Connections& connections) {
  const Callback* callback = nullptr;
  {
    std::lock_guard lock(mutex_);
    CallQueue& call = calls_.at(call_leg_id);
    ++call.tries;
    callback = &call.callbacks.front();  // Only this thread removes it; deques do not move it.
  }
  int status = 0;
  try {
    status = connections.Post(*callback, options_.authorize ? options_.authorize(*callback) : "");
  } catch (const std::exception& error) {
    Log(LogLevel::kError, "callback_failed", {{"error", error.what()}});
  }
  Finish(call_leg_id, *callback, status);
}

void CallbackPoster::Finish(const std::string& call_leg_id, const Callback& callback, int status) {
  const bool answered = status >= 200 && status < 300;
  Outcome outcome{.status = status};
  {
    std::lock_guard lock(mutex_);
    CallQueue& call = calls_.at(call_leg_id);
    outcome.tries = call.tries;
    outcome.dropped = !answered && call.tries >= options_.tries_max;
    if (!answered && !outcome.dropped) {
      ++stats_.retried;
      const absl::Duration pause = options_.first_pause * (1 << (call.tries - 1));
      paused_.push({clock_.Steady() + absl::ToChronoNanoseconds(pause), call_leg_id});
      pauses_.Nudge(paused_.top().until);
      return;
    }
    ++(answered ? stats_.answered : stats_.dropped);
  }
  report_(callback, outcome);
  bool more = false;
  {
    std::lock_guard lock(mutex_);
    --stats_.waiting;
    const auto it = calls_.find(call_leg_id);
    it->second.callbacks.pop_front();
    it->second.tries = 0;
    more = !it->second.callbacks.empty();
    if (more) {
      ready_.push_back(call_leg_id);
    } else {
      calls_.erase(it);
    }
  }
  if (more) ready_or_stopped_.notify_one();
}

SteadyTime CallbackPoster::ResumePaused() {
  std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.Steady();
  while (!paused_.empty() && paused_.top().until <= now) {
    ready_.push_back(paused_.top().call_leg_id);
    paused_.pop();
    ready_or_stopped_.notify_one();
  }
  return paused_.empty() ? SteadyTime::max() : paused_.top().until;
}

}  // namespace tocsin::callserver
