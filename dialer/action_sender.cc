#include "dialer/action_sender.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/log.h"
#include "base/status_macros.h"
#include "base/this_thread.h"
#include "core/attempt_name.h"
#include "core/dial_guard.h"
#include "dialer/provider_values.h"
#include "fmt/format.h"

namespace tocsin::dialer {
namespace {

constexpr std::chrono::seconds kTrunksFresh{10};
constexpr std::size_t kCampaignsMax = 10'000;
// A call hears its text more than once; nobody keeps it for longer.
constexpr std::size_t kTextsMax = 2'000;

bool IsSuccess(int status) {
  return status >= 200 && status < 300;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const KnownTrunk>> DialDirectory::FindTrunk(TrunkId id) {
  const SteadyTime now = clock_.Steady();
  {
    const std::lock_guard lock(mutex_);
    const auto it = trunks_.find(id);
    if (it != trunks_.end() && now - trunks_read_at_ < kTrunksFresh) return it->second;
  }
  TOCSIN_ASSIGN_OR_RETURN(const auto trunks, store_.ListTrunks());
  const std::lock_guard lock(mutex_);
  trunks_.clear();
  for (const auto& trunk : trunks) {
    trunks_.emplace(trunk.id,
                    std::make_shared<KnownTrunk>(KnownTrunk{trunk, TrunkAddress::Of(trunk)}));
  }
  trunks_read_at_ = now;
  const auto it = trunks_.find(id);
  if (it == trunks_.end()) return NotFound("no trunk {}", id.value());
  return it->second;
}

absl::StatusOr<std::shared_ptr<const CallScript>> DialDirectory::Script(CampaignId id) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = scripts_.find(id);
    if (it != scripts_.end()) return it->second;
  }
  auto script = std::make_shared<CallScript>();
  TOCSIN_ASSIGN_OR_RETURN(script->campaign, store_.GetCampaign(id));
  const CallFlow& flow = script->campaign.spec.flow;
  script->audio_uri = flow.audio_uri;
  if (flow.prompt.is_set()) {
    TOCSIN_ASSIGN_OR_RETURN(const Prompt prompt, store_.GetPrompt(flow.prompt));
    script->audio_uri = fmt::format("{}/prompts/{}", prompt_base_url_, prompt.public_name);
  }
  script->cache_key = GuidOf(script->audio_uri);
  const std::lock_guard lock(mutex_);
  if (scripts_.size() >= kCampaignsMax) scripts_.clear();
  scripts_.emplace(id, script);
  return script;
}

absl::StatusOr<SpokenMessage> DialDirectory::Text(CampaignId campaign, TextId text) {
  const std::pair key(campaign, text);
  {
    const std::lock_guard lock(mutex_);
    const auto it = texts_.find(key);
    if (it != texts_.end()) return it->second;
  }
  TOCSIN_ASSIGN_OR_RETURN(const SpokenMessage message, store_.GetText(campaign, text));
  const std::lock_guard lock(mutex_);
  if (texts_.size() >= kTextsMax) texts_.clear();
  texts_.emplace(key, message);
  return message;
}

ActionSender::ActionSender(Options options, DialStore& store, ConnectionPool& pool,
                           Credentials& credentials, FactSink& sink, const Clock& clock)
    : options_(std::move(options)),
      store_(store),
      directory_(store, clock, options_.prompt_base_url),
      pool_(pool),
      credentials_(credentials),
      sink_(sink),
      clock_(clock),
      again_(clock, [this](std::vector<AttemptKey> due) {
        std::vector<IdleThreads::Woken> woken;
        const std::lock_guard lock(mutex_);
        ready_.insert(ready_.end(), due.begin(), due.end());
        for (std::size_t i = 0; i < due.size(); ++i) woken.push_back(idle_.Next());
      }) {
  for (int i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { Work(); });
}

ActionSender::~ActionSender() {
  Stop();
}

void ActionSender::CarryOut(const LiveCall& call, const std::vector<Action>& actions) {
  // Whoever is woken finds the lock free.
  const IdleThreads::Woken woken = Enqueue(call, actions);
}

// Puts them in line, and wakes somebody if it is to be begun with.
IdleThreads::Woken ActionSender::Enqueue(const LiveCall& call, const std::vector<Action>& actions) {
  const std::lock_guard lock(mutex_);
  const auto found = lines_.find(call.attempt);
  if (stopped_ || (found == lines_.end() && lines_.size() >= options_.waiting_max)) {
    left_to_sweeper_.fetch_add(actions.size(), std::memory_order_relaxed);
    return {};
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
    return {};
  }
  if (!idle) return {};
  ready_.push_back(call.attempt);
  return idle_.Next();
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
  NameThisThread("send-action");
  std::unique_lock lock(mutex_);
  while (true) {
    idle_.Wait(lock, [this] { return stopped_ || !ready_.empty(); });
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
           {"again", again                                        ? "soon"
                     : order.action.kind == ActionKind::kTransfer ? "no"
                                                                  : "by the sweeper"}});
    }
    if (!again && order.action.kind == ActionKind::kTransfer) {
      // The sweeper leaves these alone, and the person is waiting.
      Report(order, clock_.Now(), 0, {.text = "the transfer could not be asked for"});
    } else if (!again) {
      left_to_sweeper_.fetch_add(1, std::memory_order_relaxed);
    }
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
      ready_.push_back(attempt);  // For this thread, which looks for the next.
    }
  }
  if (!again) return;
  const absl::Duration backoff = options_.backoff_min * (1 << (tries - 1));
  again_.Arm(attempt, clock_.Steady() + absl::ToChronoNanoseconds(backoff));
}

absl::StatusOr<ProviderRequest> ActionSender::RequestOf(const KnownTrunk& trunk, const Order& order,
                                                        absl::Time now) {
  const Protocol& protocol = trunk.protocol();
  const CallAction action{order.call.attempt, order.call.call, order.action.ordinal, now};
  switch (order.action.kind) {
    case ActionKind::kCancelMedia: return protocol.CancelMedia(action);
    case ActionKind::kLeave: return protocol.Leave(action);
    case ActionKind::kHangUp: return protocol.HangUp(action);
    case ActionKind::kTransfer: return TransferOf(trunk, action, order);
    case ActionKind::kPlay: break;
  }
  if (order.call.text.is_set()) return SpeechOf(trunk, action, order.call.text);
  TOCSIN_ASSIGN_OR_RETURN(const auto script, directory_.Script(action.attempt.campaign));
  if (script->audio_uri.empty()) return FailedPrecondition("the campaign has no recording");
  return protocol.Play(
      action, {.what = Recording{.audio_uri = script->audio_uri, .cache_key = script->cache_key}});
}

// The provider says it, or fetches what we say.
absl::StatusOr<ProviderRequest> ActionSender::SpeechOf(const KnownTrunk& trunk,
                                                       const CallAction& action, TextId text) {
  const CampaignId campaign = action.attempt.campaign;
  const Protocol& protocol = trunk.protocol();
  if (ProviderSpeaks(trunk.trunk)) {
    const auto message = directory_.Text(campaign, text);
    if (absl::IsNotFound(message.status())) return FailedPrecondition("the text is gone");
    if (!message.ok()) return message.status();
    return protocol.Play(action, {.what = SpokenText{.text = message->text.Reveal(),
                                                     .language = LocaleOf(message->language),
                                                     .voice = ""}});
  }
  if (options_.texts == nullptr) return FailedPrecondition("nobody here renders texts");
  std::string uri = fmt::format("{}/prompts/{}", options_.prompt_base_url,
                                options_.texts->NameOf(campaign, text));
  std::string cache_key = GuidOf(uri);
  return protocol.Play(
      action, {.what = Recording{.audio_uri = std::move(uri), .cache_key = std::move(cache_key)}});
}

absl::StatusOr<ProviderRequest> ActionSender::TransferOf(const KnownTrunk& trunk,
                                                         const CallAction& action,
                                                         const Order& order) {
  TOCSIN_ASSIGN_OR_RETURN(const auto script, directory_.Script(action.attempt.campaign));
  const Campaign& campaign = script->campaign;
  const auto& line = campaign.spec.flow.operator_line;
  if (!line) return FailedPrecondition("the campaign has no operator");
  std::int64_t sends = 0;
  if (!IsLoopbackEndpoint(trunk.trunk.endpoint)) {
    TOCSIN_ASSIGN_OR_RETURN(const SlotCount slots, store_.CountSlots(trunk.trunk.id));
    sends = slots.sends;
  }
  if (const auto refused = GuardTransfer(campaign, trunk.trunk, *line, sends)) {
    return FailedPrecondition("guard: {}", *refused);
  }
  return trunk.protocol().PutThrough(action, line->number, order.call.from);
}

ActionSender::Reply ActionSender::Send(const TrunkAddress& trunk, ProviderRequest request,
                                       absl::Time now) {
  const auto order = SignedOrder(trunk, std::move(request), credentials_, now);
  if (!order.ok()) return {.answer = std::nullopt, .untouched = true};
  auto loan = pool_.Borrow(trunk.endpoint);
  if (!loan.ok()) return {.answer = std::nullopt, .untouched = true};
  HttpResult result = loan->Send(*order);
  auto* answer = std::get_if<HttpAnswer>(&result);
  if (answer == nullptr) {
    return {.answer = std::nullopt, .untouched = std::holds_alternative<HttpNotSent>(result)};
  }
  if (IsThrottled(*answer)) return {.answer = std::nullopt, .untouched = true};
  if (answer->status < 200 || answer->status >= 500) return {};
  return {.answer = std::move(*answer)};
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
  const auto answer = Send(trunk, *std::move(request), now).answer;
  if (!answer) return false;
  if (IsSuccess(answer->status)) return true;
  deaf = fmt::format("keys are not heard: {} {}", answer->status,
                     protocol.ReadError(answer->body).text);
  return true;
}

// True if there is nothing more to try: taken, clearly refused, or not to be
// repeated.
bool ActionSender::Try(const Order& order) {
  const auto trunk = directory_.FindTrunk(order.call.trunk);
  if (!trunk.ok()) return false;
  const TrunkAddress& address = (*trunk)->address;
  const Protocol& protocol = (*trunk)->protocol();
  std::string deaf;
  if (order.action.kind == ActionKind::kPlay && !Listen(protocol, address, order, deaf))
    return false;
  const absl::Time sent_at = clock_.Now();
  auto request = RequestOf(**trunk, order, sent_at);
  if (absl::IsFailedPrecondition(request.status())) {
    Report(order, sent_at, 0, {.text = Message(request.status())});
    return true;
  }
  if (!request.ok()) return false;
  const Reply reply = Send(address, *std::move(request), sent_at);
  if (!reply.answer) {
    const bool again = order.action.kind != ActionKind::kTransfer || reply.untouched ||
                       (RepeatsSafely(address.dialect) && order.tries < options_.tries_max);
    if (!again) {
      Log(LogLevel::kWarn, "transfer_unanswered", {{"attempt", Name(order.call.attempt)}});
    }
    return !again;
  }
  const HttpAnswer& answer = *reply.answer;
  if (!IsSuccess(answer.status)) {
    Report(order, sent_at, answer.status, protocol.ReadError(answer.body));
    return true;
  }
  if (!deaf.empty()) deaf_.fetch_add(1, std::memory_order_relaxed);
  Report(order, sent_at, answer.status, {.text = std::move(deaf)});
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
    const auto woken = idle_.All();
  }
  for (std::jthread& worker : workers_) {
    if (worker.joinable()) worker.join();
  }
}

}  // namespace tocsin::dialer
