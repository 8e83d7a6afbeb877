#include "dialer/event_receiver.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/semaphore.h"
#include "base/status_macros.h"
#include "core/attempt_name.h"
#include "dialer/event_facts.h"
#include "fmt/format.h"
#include "wire/calls_2021.h"
#include "wire/events.h"

namespace tocsin::dialer {
namespace {

constexpr std::string_view kCallbacks = "/callbacks/";
constexpr std::string_view kPrompts = "/prompts/";

int StatusOf(CallbackRefusal refusal) {
  switch (refusal) {
    case CallbackRefusal::kNotOurs:
    case CallbackRefusal::kUnknownAttempt: return 404;
    case CallbackRefusal::kMethod: return 405;
    case CallbackRefusal::kMalformedUrl:
    case CallbackRefusal::kMalformedBody: return 400;
    case CallbackRefusal::kForged:
    case CallbackRefusal::kTokenMissing:
    case CallbackRefusal::kTokenMalformed:
    case CallbackRefusal::kTokenUnknownKey:
    case CallbackRefusal::kTokenForged:
    case CallbackRefusal::kTokenOtherIssuer:
    case CallbackRefusal::kTokenOtherAudience:
    case CallbackRefusal::kTokenExpired:
    case CallbackRefusal::kTokenNotYetValid:
    case CallbackRefusal::kTokenOtherTrunk: return 401;
    case CallbackRefusal::kTooLong: return 413;
    case CallbackRefusal::kUnfit: return 500;
    case CallbackRefusal::kOverloaded:
    case CallbackRefusal::kUnavailable:
    case CallbackRefusal::kTokenUndecided: return 503;
  }
  return 500;
}

// One callback's wait for its commit. Shared by the two sides: the waiter may
// be gone before the teller is done.
class CommitWait {
 public:
  void Tell(RecordOutcome outcome) {
    outcome_ = outcome;
    told_.Post();
  }

  RecordOutcome Outcome() {
    told_.Wait();
    return outcome_;
  }

 private:
  RecordOutcome outcome_ = RecordOutcome::kUnavailable;
  Semaphore told_;
};

}  // namespace

std::string_view Name(CallbackRefusal refusal) {
  switch (refusal) {
    case CallbackRefusal::kNotOurs: return "not_ours";
    case CallbackRefusal::kMethod: return "method";
    case CallbackRefusal::kMalformedUrl: return "malformed_url";
    case CallbackRefusal::kForged: return "forged";
    case CallbackRefusal::kTooLong: return "too_long";
    case CallbackRefusal::kMalformedBody: return "malformed_body";
    case CallbackRefusal::kUnknownAttempt: return "unknown_attempt";
    case CallbackRefusal::kUnfit: return "unfit";
    case CallbackRefusal::kOverloaded: return "overloaded";
    case CallbackRefusal::kUnavailable: return "unavailable";
    case CallbackRefusal::kTokenMissing: return "token_missing";
    case CallbackRefusal::kTokenMalformed: return "token_malformed";
    case CallbackRefusal::kTokenUnknownKey: return "token_unknown_key";
    case CallbackRefusal::kTokenForged: return "token_forged";
    case CallbackRefusal::kTokenOtherIssuer: return "token_other_issuer";
    case CallbackRefusal::kTokenOtherAudience: return "token_other_audience";
    case CallbackRefusal::kTokenExpired: return "token_expired";
    case CallbackRefusal::kTokenNotYetValid: return "token_not_yet_valid";
    case CallbackRefusal::kTokenOtherTrunk: return "token_other_trunk";
    case CallbackRefusal::kTokenUndecided: return "token_undecided";
  }
  return "";
}

EventReceiver::EventReceiver(wire::CallbackSigner signer, TokenVerifier& tokens,
                             FactRecorder& recorder, PromptFinder finder, const Clock& clock,
                             const TextPrompts* texts)
    : signer_(std::move(signer)),
      tokens_(tokens),
      recorder_(recorder),
      prompts_(std::move(finder), texts),
      clock_(clock) {}

HttpResponse EventReceiver::Handle(const HttpRequest& request) {
  if (request.path.find(kCallbacks) != std::string::npos) return HandleCallback(request);
  const std::size_t prompts = request.path.rfind(kPrompts);
  if (prompts != std::string::npos && (request.method == "GET" || request.method == "HEAD")) {
    return prompts_.Serve(request, request.path.substr(prompts + kPrompts.size()));
  }
  return Refuse(CallbackRefusal::kNotOurs, "no such path");
}

// What a proxy asks before it reads a body. It knows two answers only, and takes
// anything else for a fault of ours.
HttpResponse EventReceiver::TellWhetherSigned(const HttpRequest& request) {
  const auto attempt = signer_.Verify(request.raw_path, request.raw_query);
  if (attempt.ok()) return {.status = 204};
  HttpResponse refused =
      Refuse(absl::IsUnauthenticated(attempt.status()) ? CallbackRefusal::kForged
                                                       : CallbackRefusal::kMalformedUrl,
             Message(attempt.status()));
  refused.status = 401;
  return refused;
}

HttpResponse EventReceiver::HandleCallback(const HttpRequest& request) {
  if (request.method == "HEAD") return TellWhetherSigned(request);
  callbacks_.fetch_add(1, std::memory_order_relaxed);
  if (request.method != "POST") return Refuse(CallbackRefusal::kMethod, "events are posted");
  const auto callback = signer_.Verify(request.raw_path, request.raw_query);
  if (absl::IsUnauthenticated(callback.status())) {
    return Refuse(CallbackRefusal::kForged, Message(callback.status()));
  }
  if (!callback.ok()) return Refuse(CallbackRefusal::kMalformedUrl, Message(callback.status()));
  if (callback->token_trunk.is_set()) {
    const auto refusal = tokens_.Check(callback->token_trunk, request.Header("Authorization"));
    if (refusal) return Refuse(*refusal, "the token of this callback is not accepted");
  }
  const wire::EventLimits limits;
  if (request.body.size() > limits.body_max_bytes) {
    return Refuse(CallbackRefusal::kTooLong,
                  fmt::format("a body has at most {} bytes", limits.body_max_bytes),
                  callback->attempt);
  }
  const auto events = wire::DecodeEvents(request.body, limits);
  if (!events.ok()) {
    return Refuse(CallbackRefusal::kMalformedBody, Message(events.status()), callback->attempt);
  }
  std::vector<AttemptInput> inputs;
  inputs.reserve(events->size());
  const absl::Time now = clock_.Now();
  for (const wire::Event& event : *events) {
    Fact fact = FactOf(event, now);
    events_[static_cast<std::size_t>(fact.kind)].fetch_add(1, std::memory_order_relaxed);
    inputs.push_back({callback->attempt, std::move(fact)});
  }
  bool taken = true;
  switch (Commit(std::move(inputs), taken)) {
    case RecordOutcome::kCommitted: break;
    case RecordOutcome::kUnknownAttempt:
      return Refuse(CallbackRefusal::kUnknownAttempt, "no such call attempt", callback->attempt);
    case RecordOutcome::kUnfit:
      return Refuse(CallbackRefusal::kUnfit, "cannot be stored", callback->attempt);
    case RecordOutcome::kUnavailable:
      return taken ? Refuse(CallbackRefusal::kUnavailable, "not stored yet: send it again",
                            callback->attempt)
                   : Refuse(CallbackRefusal::kOverloaded, "too busy: send it again",
                            callback->attempt);
  }
  acknowledged_.fetch_add(1, std::memory_order_relaxed);
  return HttpResponse{};
}

RecordOutcome EventReceiver::Commit(std::vector<AttemptInput> inputs, bool& taken) {
  if (inputs.empty()) return RecordOutcome::kCommitted;
  const auto wait = std::make_shared<CommitWait>();
  taken =
      recorder_.Submit(std::move(inputs), [wait](RecordOutcome outcome) { wait->Tell(outcome); });
  return taken ? wait->Outcome() : RecordOutcome::kUnavailable;
}

HttpResponse EventReceiver::Refuse(CallbackRefusal refusal, std::string_view message,
                                   const std::optional<AttemptKey>& attempt) {
  refused_[static_cast<std::size_t>(refusal)].fetch_add(1, std::memory_order_relaxed);
  if (LogIsOn(LogLevel::kDebug)) {
    Log(LogLevel::kDebug, "callback_refused",
        {{"attempt", attempt ? Name(*attempt) : "none"},
         {"reason", Name(refusal)},
         {"message", message}});
  }
  HttpResponse response;
  response.status = StatusOf(refusal);
  response.body = wire::Encode(
      wire::ErrorBody{.code = std::string(Name(refusal)), .message = std::string(message)});
  if (response.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

ReceiverCounters EventReceiver::counters() const {
  ReceiverCounters counters;
  counters.callbacks = callbacks_.load();
  counters.acknowledged = acknowledged_.load();
  for (std::size_t i = 0; i < events_.size(); ++i) {
    if (const auto count = events_[i].load()) counters.events[static_cast<FactKind>(i)] = count;
  }
  for (std::size_t i = 0; i < refused_.size(); ++i) {
    if (const auto count = refused_[i].load()) {
      counters.refused[static_cast<CallbackRefusal>(i)] = count;
    }
  }
  return counters;
}

}  // namespace tocsin::dialer
