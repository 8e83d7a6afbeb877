#include "dialer/action_sender.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/log.h"
#include "base/status_macros.h"
#include "core/attempt_name.h"
#include "fmt/format.h"
#include "wire/digest.h"

namespace tocsin::dialer {
namespace {

constexpr std::chrono::seconds kTrunksFresh{10};
constexpr std::size_t kCampaignsMax = 10'000;

// Providers want a GUID as the key of a file; the same file has the same.
std::string CacheKeyOf(const std::string& uri) {
  const std::string hex = wire::Hex(wire::Sha256(uri));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20, 12));
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

ActionSender::ActionSender(Options options, DialStore& store, ConnectionPool& pool, FactSink& sink,
                           const Clock& clock)
    : options_(std::move(options)),
      directory_(store, clock, options_.prompt_base_url),
      pool_(pool),
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

void ActionSender::CarryOut(AttemptKey attempt, TrunkId trunk, const std::string& call,
                            const std::vector<Action>& actions) {
  // Whoever is woken finds the lock free.
  if (Enqueue(attempt, trunk, call, actions)) filled_.notify_one();
}

// Puts them in line; true if somebody has to begin with it.
bool ActionSender::Enqueue(AttemptKey attempt, TrunkId trunk, const std::string& call,
                           const std::vector<Action>& actions) {
  const std::lock_guard lock(mutex_);
  const auto found = lines_.find(attempt);
  if (stopped_ || (found == lines_.end() && lines_.size() >= options_.waiting_max)) {
    left_to_sweeper_.fetch_add(actions.size(), std::memory_order_relaxed);
    return false;
  }
  Line& line = lines_[attempt];
  const bool idle = line.orders.empty() && line.carried == 0;
  for (const Action& action : actions) {
    const bool waits = line.carried == action.ordinal ||
                       std::any_of(line.orders.begin(), line.orders.end(), [&](const Order& o) {
                         return o.action.ordinal == action.ordinal;
                       });
    if (!waits) line.orders.push_back({action, trunk, call});
  }
  if (line.orders.empty() && line.carried == 0) {
    lines_.erase(attempt);
    return false;
  }
  if (idle) ready_.push_back(attempt);
  return idle;
}

void ActionSender::Work() {
  while (true) {
    AttemptKey attempt;
    Order order;
    {
      std::unique_lock lock(mutex_);
      filled_.wait(lock, [this] { return stopped_ || !ready_.empty(); });
      if (stopped_) return;
      attempt = ready_.front();
      ready_.pop_front();
      Line& line = lines_[attempt];
      order = std::move(line.orders.front());
      line.orders.pop_front();
      line.carried = order.action.ordinal;
    }
    ++order.tries;
    const bool settled = Try(attempt, order);
    Settle(attempt, std::move(order), settled);
  }
}

// Gives the call its next action, or this one again.
void ActionSender::Settle(AttemptKey attempt, Order order, bool settled) {
  bool again = false;
  if (!settled) {
    tries_failed_.fetch_add(1, std::memory_order_relaxed);
    again = order.tries < options_.tries_max;
    if (LogIsOn(LogLevel::kDebug)) {
      Log(LogLevel::kDebug, "action_failed",
          {{"attempt", Name(attempt)},
           {"action", Name(order.action.kind)},
           {"ordinal", order.action.ordinal},
           {"tries", order.tries},
           {"again", again ? "soon" : "by the sweeper"}});
    }
    if (!again) left_to_sweeper_.fetch_add(1, std::memory_order_relaxed);
  }
  const int tries = order.tries;
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
                                                        AttemptKey attempt, const Order& order) {
  switch (order.action.kind) {
    case ActionKind::kCancelMedia: return protocol.CancelMedia(order.call, order.action.ordinal);
    case ActionKind::kHangUp: return protocol.HangUp(order.call);
    case ActionKind::kPlay: break;
  }
  TOCSIN_ASSIGN_OR_RETURN(std::string uri, directory_.AudioUri(attempt.campaign));
  std::string cache_key = CacheKeyOf(uri);
  return protocol.Play(order.call, {.audio_uri = std::move(uri),
                                    .cache_key = std::move(cache_key),
                                    .ordinal = order.action.ordinal});
}

// True if there is nothing more to try: taken, or clearly refused.
bool ActionSender::Try(AttemptKey attempt, const Order& order) {
  const auto trunk = directory_.Trunk(order.trunk);
  if (!trunk.ok()) return false;
  const Protocol* protocol = ProtocolFor(trunk->dialect);
  if (protocol == nullptr) return false;
  auto request = RequestOf(*protocol, attempt, order);
  const absl::Time sent_at = clock_.Now();
  if (absl::IsFailedPrecondition(request.status())) {
    Report(attempt, order, sent_at, 0, Message(request.status()));
    return true;
  }
  if (!request.ok()) return false;
  const auto http_order = SignedOrder(*trunk, *std::move(request), sent_at);
  if (!http_order.ok()) return false;
  auto loan = pool_.Borrow(trunk->endpoint);
  if (!loan.ok()) return false;
  const HttpResult result = loan->Send(*http_order);
  const auto* answer = std::get_if<HttpAnswer>(&result);
  if (answer == nullptr) return false;
  const bool taken = answer->status >= 200 && answer->status < 300;
  const bool refused = answer->status >= 300 && answer->status < 500 && !IsThrottled(*answer);
  if (!taken && !refused) return false;
  Report(attempt, order, sent_at, answer->status,
         taken ? std::string() : protocol->ReadError(answer->body));
  return true;
}

void ActionSender::Report(AttemptKey attempt, const Order& order, absl::Time sent_at, int status,
                          std::string text) {
  const bool taken = status >= 200 && status < 300;
  (taken ? accepted_ : refused_).fetch_add(1, std::memory_order_relaxed);
  if (LogIsOn(LogLevel::kDebug)) {
    Log(LogLevel::kDebug, taken ? "action_accepted" : "action_refused",
        {{"attempt", Name(attempt)},
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
  fact.text = std::move(text);
  sink_.Record({attempt, std::move(fact)});
}

ActionCounters ActionSender::counters() const {
  const std::lock_guard lock(mutex_);
  return {.accepted = accepted_.load(),
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
