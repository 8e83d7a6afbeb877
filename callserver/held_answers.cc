#include "callserver/held_answers.h"

#include <utility>

namespace tocsin::callserver {
namespace {

constexpr std::chrono::microseconds kLeastSleep(1'000);

}  // namespace

HeldAnswers::HeldAnswers(const Clock& clock)
    : clock_(clock), wakes_(clock, kLeastSleep, [this] { return GiveDue(); }) {}

void HeldAnswers::Hold(HttpReply reply, HttpResponse response, SteadyTime until,
                       const std::string& call_id) {
  {
    const std::lock_guard lock(mutex_);
    const bool taken = !call_id.empty() && !expected_.contains(call_id);
    if (!taken && !stopped_) {
      const auto it = held_.emplace(until, Held{std::move(reply), std::move(response), call_id});
      if (!call_id.empty()) by_call_.emplace(call_id, it);
      wakes_.Nudge(until);
      return;
    }
  }
  reply.Answer(std::move(response));
}

void HeldAnswers::Expect(const std::string& call_id) {
  const std::lock_guard lock(mutex_);
  expected_.insert(call_id);
}

void HeldAnswers::NoteTaken(const std::string& call_id) {
  std::vector<Held> freed;
  {
    const std::lock_guard lock(mutex_);
    if (expected_.erase(call_id) == 0) return;
    const auto it = by_call_.find(call_id);
    if (it == by_call_.end()) return;
    freed.push_back(std::move(it->second->second));
    held_.erase(it->second);
    by_call_.erase(it);
  }
  Give(std::move(freed));
}

SteadyTime HeldAnswers::GiveDue() {
  std::vector<Held> due;
  SteadyTime next;
  {
    const std::lock_guard lock(mutex_);
    const auto end = stopped_ ? held_.end() : held_.upper_bound(clock_.Steady());
    for (auto it = held_.begin(); it != end; it = held_.erase(it)) {
      by_call_.erase(it->second.call_id);
      expected_.erase(it->second.call_id);
      due.push_back(std::move(it->second));
    }
    next = held_.empty() ? SteadyTime::max() : held_.begin()->first;
  }
  Give(std::move(due));
  return next;
}

void HeldAnswers::Give(std::vector<Held> due) {
  for (Held& held : due) held.reply.Answer(std::move(held.response));
}

void HeldAnswers::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  GiveDue();
  wakes_.Stop();
}

}  // namespace tocsin::callserver
