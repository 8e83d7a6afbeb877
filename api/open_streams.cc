#include "api/open_streams.h"

#include "base/status_macros.h"
#include "grpcpp/server_context.h"

namespace tocsin {

OpenStreams::OpenStreams(int streams_max, absl::Duration silence_max, const Clock& clock)
    : streams_max_(streams_max),
      silence_max_(silence_max),
      clock_(clock),
      watch_([this](const std::stop_token& stop) { RunWatch(stop); }) {}

OpenStreams::~OpenStreams() = default;

absl::StatusOr<OpenStreams::Ticket> OpenStreams::Enter() {
  if (stop_.stop_requested()) return Unavailable("the service is stopping");
  std::lock_guard lock(mutex_);
  if (open_ >= streams_max_) {
    return MakeStatus(absl::StatusCode::kResourceExhausted,
                      "{} streams are open, and no more are allowed; try again when one has ended",
                      open_);
  }
  ++open_;
  return Ticket(this);
}

void OpenStreams::Leave() {
  std::lock_guard lock(mutex_);
  --open_;
}

void OpenStreams::Expect(grpc::ServerContext* context) {
  std::lock_guard lock(mutex_);
  expected_by_[context] = clock_.Steady() + absl::ToChronoNanoseconds(silence_max_);
}

void OpenStreams::Heard(grpc::ServerContext* context) {
  std::lock_guard lock(mutex_);
  expected_by_.erase(context);
}

void OpenStreams::CutOffSilent() {
  const SteadyTime now = clock_.Steady();
  // Under the lock: Heard() must not return, and the context go, in between.
  std::lock_guard lock(mutex_);
  for (const auto& [context, by] : expected_by_) {
    if (by < now) context->TryCancel();
  }
}

void OpenStreams::RunWatch(const std::stop_token& stop) {
  const auto pause = absl::ToChronoNanoseconds(silence_max_ / 8);
  while (clock_.SleepUntil(clock_.Steady() + pause, stop)) CutOffSilent();
}

void OpenStreams::Stop() {
  stop_.request_stop();
}

}  // namespace tocsin
