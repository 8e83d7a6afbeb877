#include "dialer/action_sender.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/log.h"
#include "base/status_macros.h"
#include "core/attempt_name.h"
#include "dialer/provider_values.h"
#include "fmt/format.h"

namespace tocsin::dialer {
namespace {

constexpr std::chrono::seconds kTrunksFresh{10};
constexpr std::size_t kCampaignsMax = 10'000;

bool IsSuccess(int status) {
  return status >= 200 && status < 300;
}

}  // namespace

absl::StatusOr<TrunkAddress> DialDirectory::Trunk(TrunkId id) {
  const SteadyTime now = clock_.Steady();
  {
    const std::lock_guard lock(mutex_);
    const auto it = trunks_.find(id);
    if (it != trunks_.end() && now - trunks_read_at_ < kTrunksFresh) return it->second;
  }
  TOCSIN_ASSIGN_OR_RETURN(const auto trunks, store_.ListTrunks());
  const std::lock_guard lock(mutex_);
  trunks_.clear();
  for (const auto& trunk : trunks) trunks_.emplace(trunk.id, TrunkAddress::Of(trunk));
  trunks_read_at_ = now;
  const auto it = trunks_.find(id);
  if (it == trunks_.end()) return NotFound("no trunk {}", id.value());
  return it->second;
}

absl::StatusOr<std::string> DialDirectory::AudioUri(CampaignId id) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = audio_uris_.find(id);
    if (it != audio_uris_.end()) return it->second;
  }
  TOCSIN_ASSIGN_OR_RETURN(const Campaign campaign, store_.GetCampaign(id));
  const CallFlow& flow = campaign.spec.flow;
  std::string uri = flow.audio_uri;
  if (uri.empty()) {
    if (!flow.prompt.is_set()) return FailedPrecondition("the campaign has no recording");
    TOCSIN_ASSIGN_OR_RETURN(const Prompt prompt, store_.GetPrompt(flow.prompt));
    uri = fmt::format("{}/prompts/{}", prompt_base_url_, prompt.public_name);
  }
  const std::lock_guard lock(mutex_);
  if (audio_uris_.size() >= kCampaignsMax) audio_uris_.clear();
  audio_uris_.emplace(id, uri);
  return uri;
}

ActionSender::ActionSender(Options options, DialStore& store, ConnectionPool& pool,
                           Credentials& credentials, FactSink& sink, const Clock& clock)
    : options_(std::move(options)),
      directory_(store, clock, options_.prompt_base_url),
      pool_(pool),
      credentials_(credentials),
      sink_(sink),
      clock_(clock),
      again_(clock, [this](std::vector<AttemptKey> due) {
        {
          const std::lock_guard lock(mutex_);
          ready_.insert(ready_.end(), due.begin(), due.end());
        }
        filled_.notify_all();
      }) {
  for (int i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { Work(); });
}

ActionSender::~ActionSender() {
  Stop();
}

void ActionSender::CarryOut(const LiveCall& call, const std::vector<Action>& actions) {
  // Whoever is woken finds the lock free.
  if (Enqueue(call, actions)) filled_.notify_one();
}

// Puts them in line; true if somebody has to begin with it.
bool ActionSender::Enqueue(const LiveCall& call, const std::vector<Action>& actions) {
  const std::lock_guard lock(mutex_);
  const auto found = lines_.find(call.attempt);
  if (stopped_ || (found == lines_.end() && lines_.size() >= options_.waiting_max)) {
    left_to_sweeper_.fetch_add(actions.size(), std::memory_order_relaxed);
    return false;
  }
  Line& line = lines_[call.attempt];
  const bool idle = line.orders.empty() && line.carried == 0;
  for (const Action& action : actions) {
    const bool waits = line.carried == action.ordinal ||
                       std::any_of(line.orders.begin(), line.orders.end(), [&](const Order& o) {
                         return o.action.ordinal == action.ordinal;
                       });
    if (!waits) line.orders.push_back({action, call});
  }
  if (line.orders.empty() && line.carried == 0) {
    lines_.erase(call.attempt);
    return false;
  }
  if (idle) ready_.push_back(call.attempt);
  return idle;
}

// The call's next order, which is now being carried out. The lock is held.
ActionSender::Order ActionSender::TakeNext() {
  Line& line = lines_[ready_.front()];
  ready_.pop_front();
  Order order = std::move(line.orders.front());
  line.orders.pop_front();
  line.carried = order.action.ordinal;
  return order;
}

void ActionSender::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    filled_.wait(lock, [this] { return stopped_ || !ready_.empty(); });
    if (stopped_) return;
    Order order = TakeNext();
    lock.unlock();
    ++order.tries;
    const bool settled = Try(order);
    Settle(std::move(order), settled);
    lock.lock();
  }
}

// Gives the call its next action, or this one again.
void ActionSender::Settle(Order order, bool settled) {
  bool again = false;
  if (!settled) {
    tries_failed_.fetch_add(1, std::memory_order_relaxed);
    again = order.tries < options_.tries_max;
    if (LogIsOn(LogLevel::kDebug)) {
      Log(LogLevel::kDebug, "action_failed",
          {{"attempt", Name(order.call.attempt)},
           {"action", Name(order.action.kind)},
           {"ordinal", order.action.ordinal},
           {"tries", order.tries},
           {"again", again ? "soon" : "by the sweeper"}});
    }
    if (!again) left_to_sweeper_.fetch_add(1, std::memory_order_relaxed);
  }
  const int tries = order.tries;
  const AttemptKey attempt = order.call.attempt;
  {
    const std::lock_guard lock(mutex_);
    Line& line = lines_[attempt];
    line.carried = 0;
    if (again) {
      line.orders.push_front(std::move(order));
    } else if (line.orders.empty()) {
      lines_.erase(attempt);
      return;
    } else {
      ready_.push_back(attempt);
    }
  }
  if (!again) return filled_.notify_one();
  const absl::Duration backoff = options_.backoff_min * (1 << (tries - 1));
  again_.Arm(attempt, clock_.Steady() + absl::ToChronoNanoseconds(backoff));
}

absl::StatusOr<ProviderRequest> ActionSender::RequestOf(const Protocol& protocol,
                                                        const Order& order, absl::Time now) {
  const CallAction action{order.call.attempt, order.call.call, order.action.ordinal, now};
  switch (order.action.kind) {
    case ActionKind::kCancelMedia: return protocol.CancelMedia(action);
    case ActionKind::kHangUp: return protocol.HangUp(action);
    case ActionKind::kPlay: break;
  }
  TOCSIN_ASSIGN_OR_RETURN(std::string uri, directory_.AudioUri(action.attempt.campaign));
  std::string cache_key = GuidOf(uri);
  return protocol.Play(
      action, {.what = Recording{.audio_uri = std::move(uri), .cache_key = std::move(cache_key)}});
}

// The answer, if it says anything clear: done, or refused.
std::optional<HttpAnswer> ActionSender::Send(const TrunkAddress& trunk, ProviderRequest request,
                                             absl::Time now) {
  const auto order = SignedOrder(trunk, std::move(request), credentials_, now);
  if (!order.ok()) return std::nullopt;
  auto loan = pool_.Borrow(trunk.endpoint);
  if (!loan.ok()) return std::nullopt;
  HttpResult result = loan->Send(*order);
  auto* answer = std::get_if<HttpAnswer>(&result);
  if (answer == nullptr || IsThrottled(*answer)) return std::nullopt;
  if (answer->status < 200 || answer->status >= 500) return std::nullopt;
  return std::move(*answer);
}

// Before the first copy is played, so that no key is missed. `deaf` says why keys
// will not be heard if they will not: the message is worth playing all the same.
// False if that is not clear yet.
bool ActionSender::Listen(const Protocol& protocol, const TrunkAddress& trunk, const Order& order,
                          std::string& deaf) {
  if (order.action.ordinal != kFirstPlayOrdinal) return true;
  const absl::Time now = clock_.Now();
  auto request = protocol.ListenForKeys(
      {order.call.attempt, order.call.call, order.action.ordinal, now}, order.call.to);
  if (!request) return true;
  const auto answer = Send(trunk, *std::move(request), now);
  if (!answer) return false;
  if (IsSuccess(answer->status)) return true;
  deaf = fmt::format("keys are not heard: {} {}", answer->status,
                     protocol.ReadError(answer->body).text);
  return true;
}

// True if there is nothing more to try: taken, or clearly refused.
bool ActionSender::Try(const Order& order) {
  const auto trunk = directory_.Trunk(order.call.trunk);
  if (!trunk.ok()) return false;
  const Protocol& protocol = ProtocolFor(trunk->dialect, trunk->spelling);
  std::string deaf;
  if (order.action.kind == ActionKind::kPlay && !Listen(protocol, *trunk, order, deaf))
    return false;
  const absl::Time sent_at = clock_.Now();
  auto request = RequestOf(protocol, order, sent_at);
  if (absl::IsFailedPrecondition(request.status())) {
    Report(order, sent_at, 0, {.text = Message(request.status())});
    return true;
  }
  if (!request.ok()) return false;
  const auto answer = Send(*trunk, *std::move(request), sent_at);
  if (!answer) return false;
  if (!IsSuccess(answer->status)) {
    Report(order, sent_at, answer->status, protocol.ReadError(answer->body));
    return true;
  }
  if (!deaf.empty()) deaf_.fetch_add(1, std::memory_order_relaxed);
  Report(order, sent_at, answer->status, {.text = std::move(deaf)});
  return true;
}

void ActionSender::Report(const Order& order, absl::Time sent_at, int status, ProviderError error) {
  const bool taken = IsSuccess(status);
  (taken ? accepted_ : refused_).fetch_add(1, std::memory_order_relaxed);
  if (LogIsOn(LogLevel::kDebug)) {
    Log(LogLevel::kDebug, taken ? "action_accepted" : "action_refused",
        {{"attempt", Name(order.call.attempt)},
         {"action", Name(order.action.kind)},
         {"ordinal", order.action.ordinal},
         {"status", status}});
  }
  Fact fact;
  fact.kind = taken ? FactKind::kActionAccepted : FactKind::kActionRefused;
  fact.at = sent_at;
  fact.received_at = clock_.Now();
  fact.number = order.action.ordinal;
  fact.key = OwnFactKey(fact.kind, fact.number);
  fact.code = status;
  fact.subcode = error.subcode;
  fact.text = std::move(error.text);
  sink_.Record({order.call.attempt, std::move(fact)});
}

ActionCounters ActionSender::counters() const {
  const std::lock_guard lock(mutex_);
  return {.accepted = accepted_.load(),
          .deaf = deaf_.load(),
          .refused = refused_.load(),
          .tries_failed = tries_failed_.load(),
          .left_to_sweeper = left_to_sweeper_.load(),
          .waiting = lines_.size()};
}

void ActionSender::Stop() {
  again_.Stop();
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  filled_.notify_all();
  for (std::jthread& worker : workers_) {
    if (worker.joinable()) worker.join();
  }
}

}  // namespace tocsin::dialer
