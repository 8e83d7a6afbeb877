#include "callserver/callback_poster.h"

#include <httplib.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/http_client.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/this_thread.h"
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
  int Post(const Posting& posting, const std::string& authorization) {
    const SplitUrl url = Split(posting.callback.callback_uri);
    if (url.origin.empty()) return 0;
    HttpClient* const client = Client(url.origin);
    if (client == nullptr) return 0;
    httplib::Headers headers;
    if (!authorization.empty()) headers.emplace("Authorization", authorization);
    const httplib::Result result =
        client->Post(url.path_and_query, headers,
                     posting.body ? *posting.body : wire::EncodeEvent(posting.callback.event),
                     "application/json");
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
  {
    const std::lock_guard lock(mutex_);
    const auto woken = idle_.All();
  }
  threads_.clear();
}

void CallbackPoster::Post(std::vector<Posting> postings) {
  std::vector<Posting> dropped;
  {
    std::vector<IdleThreads::Woken> woken;
    std::lock_guard lock(mutex_);
    for (Posting& posting : postings) {
      if (static_cast<std::size_t>(stats_.waiting) >= options_.waiting_max) {
        ++stats_.dropped;
        dropped.push_back(std::move(posting));
      } else if (Enqueue(std::move(posting))) {
        woken.push_back(idle_.Next());
      }
    }
  }
  for (const Posting& posting : dropped) report_(posting, {.dropped = true});
}

// Whether its queue can go at once because of it.
bool CallbackPoster::Enqueue(Posting posting) {
  ++stats_.waiting;
  Queue& queue = queues_[posting.queue];
  const bool first = queue.postings.empty();
  queue.postings.push_back(std::move(posting));
  if (!first) return false;
  const Posting& waits = queue.postings.front();
  if (waits.delay <= absl::ZeroDuration()) {
    ready_.push_back(waits.queue);
    return true;
  }
  paused_.push({clock_.Steady() + absl::ToChronoNanoseconds(waits.delay), waits.queue});
  pauses_.Nudge(paused_.top().until);
  return false;
}

CallbackPoster::Stats CallbackPoster::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

void CallbackPoster::Run(std::stop_token stop) {
  NameThisThread("post-callback");
  Connections connections(options_.timeout, options_.ca_file);
  while (true) {
    std::string queue;
    {
      std::unique_lock lock(mutex_);
      idle_.Wait(lock, [&] { return stop.stop_requested() || !ready_.empty(); });
      if (stop.stop_requested()) return;
      queue = std::move(ready_.front());
      ready_.pop_front();
    }
    PostFirst(queue, connections);
  }
}

void CallbackPoster::PostFirst(const std::string& queue, Connections& connections) {
  const Posting* posting = nullptr;
  {
    std::lock_guard lock(mutex_);
    Queue& of_it = queues_.at(queue);
    ++of_it.tries;
    posting = &of_it.postings.front();  // Only this thread removes it; deques do not move it.
  }
  int status = 0;
  try {
    status = connections.Post(
        *posting, options_.authorize ? options_.authorize(posting->callback) : std::string());
  } catch (const std::exception& error) {
    Log(LogLevel::kError, "callback_failed", {{"error", error.what()}});
  }
  Finish(queue, *posting, status);
}

void CallbackPoster::Finish(const std::string& queue, const Posting& posting, int status) {
  const bool answered = status >= 200 && status < 300;
  const int tries_max = posting.tries_max > 0 ? posting.tries_max : options_.tries_max;
  Outcome outcome{.status = status};
  {
    std::lock_guard lock(mutex_);
    const Queue& of_it = queues_.at(queue);
    outcome.tries = of_it.tries;
    outcome.dropped = !answered && of_it.tries >= tries_max;
    if (!answered && !outcome.dropped) {
      ++stats_.retried;
      const absl::Duration pause = options_.first_pause * (1 << (of_it.tries - 1));
      paused_.push({clock_.Steady() + absl::ToChronoNanoseconds(pause), queue});
      pauses_.Nudge(paused_.top().until);
      return;
    }
    ++(answered ? stats_.answered : stats_.dropped);
  }
  report_(posting, outcome);
  const std::lock_guard lock(mutex_);
  --stats_.waiting;
  const auto it = queues_.find(queue);
  it->second.postings.pop_front();
  it->second.tries = 0;
  if (it->second.postings.empty()) {
    queues_.erase(it);
  } else {
    ready_.push_back(queue);  // For this thread, which looks for the next.
  }
}

SteadyTime CallbackPoster::ResumePaused() {
  std::vector<IdleThreads::Woken> woken;
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.Steady();
  while (!paused_.empty() && paused_.top().until <= now) {
    ready_.push_back(paused_.top().queue);
    paused_.pop();
    woken.push_back(idle_.Next());
  }
  return paused_.empty() ? SteadyTime::max() : paused_.top().until;
}

}  // namespace tocsin::callserver
