#include "callserver/callback_poster.h"

#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "callserver/audio_file.h"

namespace tocsin::callserver {
namespace {

constexpr std::chrono::microseconds kLeastSleep(5'000);

}  // namespace

CallbackPoster::CallbackPoster(const Options& options, const Clock& clock, Report report)
    : options_(options),
      clock_(clock),
      report_(std::move(report)),
      client_({.name = "post-callback",
               .threads = options.threads,
               .connections_max = options.connections_max,
               .timeout = options.timeout,
               .ca_file = options.ca_file}),
      pauses_(clock, kLeastSleep, [this] { return ResumePaused(); }) {}

CallbackPoster::~CallbackPoster() {
  Stop();
}

void CallbackPoster::Stop() {
  pauses_.Stop();
  client_.Stop();
}

void CallbackPoster::Post(std::vector<Posting> postings) {
  std::vector<Posting> dropped;
  std::vector<Queue*> ready;
  {
    const std::lock_guard lock(mutex_);
    for (Posting& posting : postings) {
      if (static_cast<std::size_t>(stats_.waiting) >= options_.waiting_max) {
        ++stats_.dropped;
        dropped.push_back(std::move(posting));
      } else if (Queue* const queue = Enqueue(std::move(posting))) {
        ready.push_back(queue);
      }
    }
  }
  for (Queue* const queue : ready) SendFirst(*queue);
  for (const Posting& posting : dropped) report_(posting, {.dropped = true});
}

// Its queue, if that can go at once because of it.
CallbackPoster::Queue* CallbackPoster::Enqueue(Posting posting) {
  ++stats_.waiting;
  Queue& queue = queues_[posting.queue];
  queue.postings.push_back(std::move(posting));
  if (queue.postings.size() > 1) return nullptr;
  const Posting& first = queue.postings.front();
  if (first.delay <= absl::ZeroDuration()) return &queue;
  paused_.push({clock_.Steady() + absl::ToChronoNanoseconds(first.delay), &queue});
  pauses_.Nudge(paused_.top().until);
  return nullptr;
}

CallbackPoster::Stats CallbackPoster::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void CallbackPoster::SendFirst(Queue& queue) {
  const Posting* posting = nullptr;
  {
    const std::lock_guard lock(mutex_);
    ++queue.tries;
    posting = &queue.postings.front();
  }
  SplitUrl url = Split(posting->callback.callback_uri);
  client_.Post(
      std::move(url.origin),
      [this, posting, target = std::move(url.path_and_query)] {
        return RequestFor(*posting, target);
      },
      [this, &queue](const absl::StatusOr<int>& status) { Finish(queue, status); });
}

absl::StatusOr<AsyncHttpClient::Request> CallbackPoster::RequestFor(const Posting& posting,
                                                                    std::string target) const {
  try {
    AsyncHttpClient::Request request{
        .target = std::move(target),
        .content_type = "application/json",
        .body = posting.body ? *posting.body : wire::EncodeEvent(posting.callback.event)};
    std::string authorization =
        options_.authorize ? options_.authorize(posting.callback) : std::string();
    if (!authorization.empty()) {
      request.headers.emplace_back("Authorization", std::move(authorization));
    }
    return request;
  } catch (const std::exception& error) {
    Log(LogLevel::kError, "callback_failed", {{"error", error.what()}});
    return absl::InternalError(error.what());
  }
}

void CallbackPoster::Finish(Queue& queue, const absl::StatusOr<int>& status) {
  if (!status.ok()) {
    Log(LogLevel::kDebug, "callback_unanswered", {{"reason", Message(status.status())}});
  }
  Outcome outcome{.status = status.value_or(0)};
  const bool answered = outcome.status >= 200 && outcome.status < 300;
  const Posting* posting = nullptr;
  {
    const std::lock_guard lock(mutex_);
    posting = &queue.postings.front();
    const int tries_max = posting->tries_max > 0 ? posting->tries_max : options_.tries_max;
    outcome.tries = queue.tries;
    outcome.dropped = !answered && queue.tries >= tries_max;
    if (!answered && !outcome.dropped) {
      ++stats_.retried;
      const absl::Duration pause = options_.first_pause * (1 << (queue.tries - 1));
      paused_.push({clock_.Steady() + absl::ToChronoNanoseconds(pause), &queue});
      pauses_.Nudge(paused_.top().until);
      return;
    }
    ++(answered ? stats_.answered : stats_.dropped);
  }
  report_(*posting, outcome);
  if (Queue* const next = RemoveFirst(queue)) SendFirst(*next);
}

// The queue, if there is more in it.
CallbackPoster::Queue* CallbackPoster::RemoveFirst(Queue& queue) {
  Posting over;
  const std::lock_guard lock(mutex_);
  --stats_.waiting;
  over = std::move(queue.postings.front());
  queue.postings.pop_front();
  queue.tries = 0;
  if (!queue.postings.empty()) return &queue;
  queues_.erase(over.queue);
  return nullptr;
}

SteadyTime CallbackPoster::ResumePaused() {
  std::vector<Queue*> due;
  SteadyTime next = SteadyTime::max();
  {
    const std::lock_guard lock(mutex_);
    const SteadyTime now = clock_.Steady();
    for (; !paused_.empty() && paused_.top().until <= now; paused_.pop()) {
      due.push_back(paused_.top().queue);
    }
    if (!paused_.empty()) next = paused_.top().until;
  }
  for (Queue* const queue : due) SendFirst(*queue);
  return next;
}

}  // namespace tocsin::callserver
