#include "dialer/http_call_gateway.h"

#include <array>
#include <utility>
#include <variant>

#include "base/log.h"
#include "base/status_macros.h"
#include "base/this_thread.h"
#include "core/attempt_name.h"
#include "fmt/format.h"

namespace tocsin::dialer {

namespace {

constexpr int kMonthlyLimit = 8529;

}  // namespace

CreateCallResult ReadCreateCallAnswer(const Protocol& protocol, const HttpAnswer& answer,
                                      absl::Time now) {
  if (answer.status >= 200 && answer.status < 300) {
    std::optional<std::string> call = protocol.ReadCallId(answer.body);
    if (call) return CallAccepted{*std::move(call)};
    return CallOutcomeUnknown{fmt::format("answered {} without a readable id", answer.status)};
  }
  const ProviderError error = protocol.ReadError(answer.body);
  if (IsThrottled(answer)) {
    return CallThrottled{RetryAfter(answer, now), error.subcode == kMonthlyLimit};
  }
  if (answer.status < 300 || answer.status >= 500) {
    return CallOutcomeUnknown{fmt::format("answered {}", answer.status)};
  }
  std::string reason = error.text;
  if (reason.empty() && answer.status < 400) reason = "redirects are not followed";
  if (reason.empty()) reason = fmt::format("answered {}", answer.status);
  return CallRefused{answer.status, std::move(reason)};
}

namespace {

// Callbacks of GA carry a token, which is checked as the trunk wants it.
wire::SignedCallback CallbackOf(const TrunkAddress& trunk, const AttemptKey& attempt) {
  return {attempt, trunk.dialect == Dialect::kGa ? trunk.id : TrunkId()};
}

std::string NameOfResult(std::size_t alternative) {
  static constexpr std::array<const char*, std::variant_size_v<CreateCallResult>> kNames = {
      "accepted", "refused", "throttled", "not_sent", "unknown"};
  return kNames[alternative];
}

// A person may have been rung, and only the reconciler can find out: that is worth
// a line of its own.
void Tell(const CreateCallCompletion& completion) {
  if (const auto* unknown = std::get_if<CallOutcomeUnknown>(&completion.result)) {
    Log(LogLevel::kWarn, "create_call_unanswered",
        {{"attempt", Name(completion.attempt)}, {"reason", unknown->reason}});
  } else if (LogIsOn(LogLevel::kDebug)) {
    Log(LogLevel::kDebug, "create_call_ended",
        {{"attempt", Name(completion.attempt)},
         {"result", NameOfResult(completion.result.index())},
         {"ms", absl::ToInt64Milliseconds(completion.answered_at - completion.sent_at)}});
  }
}

}  // namespace

HttpCallGateway::HttpCallGateway(Options options, wire::CallbackSigner signer, ConnectionPool& pool,
                                 Credentials& credentials, const Clock& clock)
    : options_(std::move(options)),
      signer_(std::move(signer)),
      pool_(pool),
      credentials_(credentials),
      clock_(clock) {
  workers_.reserve(static_cast<std::size_t>(options_.workers));
  for (int i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { Work(); });
}

HttpCallGateway::~HttpCallGateway() {
  Stop();
}

void HttpCallGateway::Send(const Trunk& trunk, CreateCallRequest request, SendPermit& permit,
                           Done done) {
  Order order{TrunkAddress::Of(trunk), std::move(request), &permit, std::move(done)};
  IdleThreads::Woken woken;
  if (const char* const reason = Enqueue(order, woken)) {
    order.done(NotSent(order.request, reason));
  }
}

// Takes `order` over, or says why not.
const char* HttpCallGateway::Enqueue(Order& order, IdleThreads::Woken& woken) {
  const std::lock_guard lock(mutex_);
  const std::size_t waiting_max = 2 * static_cast<std::size_t>(options_.workers);
  if (stopped_) return "shutting down";
  if (queue_.size() + static_cast<std::size_t>(carried_) >= waiting_max) {
    return "too many requests at once";
  }
  queue_.push_back(std::move(order));
  woken = idle_.Next();
  return nullptr;
}

absl::Status HttpCallGateway::Probe(const Trunk& trunk) {
  // Without its secret nothing can leave for it either.
  const auto authority = credentials_.Get(trunk.credential, trunk.endpoint);
  if (!authority.ok()) return Unavailable("{}", Message(authority.status()));
  auto loan = pool_.Borrow(trunk.endpoint);
  TOCSIN_RETURN_IF_ERROR(loan.status());
  const HttpResult result = loan->Send({.method = "GET", .path_and_query = "/"});
  if (std::holds_alternative<HttpAnswer>(result)) return absl::OkStatus();
  return Unavailable("{} does not answer", trunk.endpoint);
}

void HttpCallGateway::Stop() {
  std::deque<Order> waiting;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    waiting.swap(queue_);
    const auto woken = idle_.All();
  }
  for (Order& order : waiting) order.done(NotSent(order.request, "shutting down"));
  for (std::jthread& worker : workers_) {
    if (worker.joinable()) worker.join();
  }
}

void HttpCallGateway::Work() {
  NameThisThread("send-call");
  FavorThisThread();  // A permit is for a moment; whoever wakes late has lost it.
  std::unique_lock lock(mutex_);
  while (true) {
    idle_.Wait(lock, [this] { return stopped_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Order order = std::move(queue_.front());
    queue_.pop_front();
    ++carried_;
    lock.unlock();
    CreateCallCompletion completion = Place(order);
    // Before `done`, which may send the next one at once.
    lock.lock();
    --carried_;
    lock.unlock();
    order.done(std::move(completion));
    lock.lock();
  }
}

CreateCallCompletion HttpCallGateway::NotSent(const CreateCallRequest& request,
                                              std::string reason) const {
  const absl::Time now = clock_.Now();
  return {.attempt = request.attempt,
          .send_no = request.send_no,
          .caller_full = request.caller_full,
          .repetition = request.repetition,
          .result = CallNotSent{std::move(reason)},
          .sent_at = now,
          .answered_at = now};
}

CreateCallCompletion HttpCallGateway::Place(const Order& order) {
  CreateCallCompletion completion = NotSent(order.request, "");
  completion.result = Exchange(order, completion);
  completion.answered_at = clock_.Now();
  latencies_[completion.result.index()].Observe(completion.answered_at - completion.sent_at);
  Tell(completion);
  return completion;
}

void HttpCallGateway::WriteMetrics(MetricsPage& page) const {
  for (std::size_t i = 0; i < kResults; ++i) {
    page.Histogram("tocsin_create_call_seconds",
                   "From the send of a create-call to its answer, by what that was.", latencies_[i],
                   {{"result", NameOfResult(i)}});
  }
}

CreateCallResult HttpCallGateway::Exchange(const Order& order, CreateCallCompletion& completion) {
  const Protocol& protocol = ProtocolFor(order.trunk.dialect, order.trunk.spelling);
  const absl::Time now = clock_.Now();
  const CallSetup setup{.callback_url = signer_.Sign(CallbackOf(order.trunk, order.request.attempt),
                                                     options_.callback_base_url),
                        .source_user = order.trunk.source_user,
                        .cognitive_services_endpoint = order.trunk.cognitive_services_endpoint,
                        .first_sent = order.request.intended_at};
  auto signed_order =
      SignedOrder(order.trunk, protocol.CreateCall(order.request, setup), credentials_, now);
  if (!signed_order.ok()) return CallNotSent{Message(signed_order.status())};
  auto loan = pool_.Borrow(order.trunk.endpoint);
  if (!loan.ok()) return CallNotSent{Message(loan.status())};
  const std::optional<absl::Time> sent_at = order.permit->Acquire(order.request);
  if (!sent_at) return CallNotSent{kNoPermit};
  completion.sent_at = *sent_at;
  HttpResult result = loan->Send(*signed_order);
  if (auto* not_sent = std::get_if<HttpNotSent>(&result)) {
    return CallNotSent{std::move(not_sent->reason)};
  }
  if (auto* unanswered = std::get_if<HttpUnanswered>(&result)) {
    return CallOutcomeUnknown{std::move(unanswered->reason)};
  }
  return ReadCreateCallAnswer(protocol, std::get<HttpAnswer>(result), clock_.Now());
}

}  // namespace tocsin::dialer
