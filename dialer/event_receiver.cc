#include "dialer/event_receiver.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/log.h"
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

// As many as may wait for a key, and some for recordings.
constexpr int kBlockingThreads = TokenVerifier::kWaitingMax + 8;

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
      clock_(clock),
      blocking_("serve-prompts", kBlockingThreads) {}

void EventReceiver::Handle(HttpRequest request, HttpReply reply) {
  if (request.path.find(kCallbacks) != std::string::npos) {
    return HandleCallback(std::move(request), std::move(reply));
  }
  const std::size_t prompts = request.path.rfind(kPrompts);
  if (prompts == std::string::npos || (request.method != "GET" && request.method != "HEAD")) {
    return reply.Answer(Refuse(CallbackRefusal::kNotOurs, "no such path"));
  }
  std::string name = request.path.substr(prompts + kPrompts.size());
  blocking_.Run(
      [this, name = std::move(name), request = std::move(request),
       reply = std::move(reply)]() mutable { reply.Answer(prompts_.Serve(request, name)); });
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

void EventReceiver::HandleCallback(HttpRequest request, HttpReply reply) {
  if (request.method == "HEAD") return reply.Answer(TellWhetherSigned(request));
  callbacks_.fetch_add(1, std::memory_order_relaxed);
  if (request.method != "POST") {
    return reply.Answer(Refuse(CallbackRefusal::kMethod, "events are posted"));
  }
  const auto callback = signer_.Verify(request.raw_path, request.raw_query);
  if (absl::IsUnauthenticated(callback.status())) {
    return reply.Answer(Refuse(CallbackRefusal::kForged, Message(callback.status())));
  }
  if (!callback.ok()) {
    return reply.Answer(Refuse(CallbackRefusal::kMalformedUrl, Message(callback.status())));
  }
  const AttemptKey attempt = callback->attempt;
  const TrunkId trunk = callback->token_trunk;
  if (!trunk.is_set()) return Take(attempt, request.body, std::move(reply));
  const auto refusal = tokens_.CheckAtOnce(trunk, request.Header("Authorization"));
  if (refusal != CallbackRefusal::kTokenUndecided) {
    return Judged(refusal, attempt, request.body, std::move(reply));
  }
  blocking_.Run(
      [this, attempt, trunk, request = std::move(request), reply = std::move(reply)]() mutable {
        Judged(tokens_.Check(trunk, request.Header("Authorization")), attempt, request.body,
               std::move(reply));
      });
}

void EventReceiver::Judged(const std::optional<CallbackRefusal>& refusal, AttemptKey attempt,
                           const std::string& body, HttpReply reply) {
  if (!refusal) return Take(attempt, body, std::move(reply));
  reply.Answer(Refuse(*refusal, "the token of this callback is not accepted"));
}

void EventReceiver::Take(AttemptKey attempt, const std::string& body, HttpReply reply) {
  const wire::EventLimits limits;
  if (body.size() > limits.body_max_bytes) {
    return reply.Answer(Refuse(CallbackRefusal::kTooLong,
                               fmt::format("a body has at most {} bytes", limits.body_max_bytes),
                               attempt));
  }
  const auto events = wire::DecodeEvents(body, limits);
  if (!events.ok()) {
    return reply.Answer(Refuse(CallbackRefusal::kMalformedBody, Message(events.status()), attempt));
  }
  std::vector<AttemptInput> inputs;
  inputs.reserve(events->size());
  const absl::Time now = clock_.Now();
  for (const wire::Event& event : *events) {
    Fact fact = FactOf(event, now);
    events_[static_cast<std::size_t>(fact.kind)].fetch_add(1, std::memory_order_relaxed);
    inputs.push_back({attempt, std::move(fact)});
  }
  Commit(attempt, std::move(inputs), std::move(reply));
}

void EventReceiver::Commit(AttemptKey attempt, std::vector<AttemptInput> inputs, HttpReply reply) {
  if (inputs.empty()) return reply.Answer(AnswerTo(attempt, RecordOutcome::kCommitted));
  const auto waiting = std::make_shared<HttpReply>(std::move(reply));
  const bool taken =
      recorder_.Submit(std::move(inputs), [this, attempt, waiting](RecordOutcome outcome) {
        waiting->Answer(AnswerTo(attempt, outcome));
      });
  if (taken) return;
  waiting->Answer(Refuse(CallbackRefusal::kOverloaded, "too busy: send it again", attempt));
}

HttpResponse EventReceiver::AnswerTo(AttemptKey attempt, RecordOutcome outcome) {
  switch (outcome) {
    case RecordOutcome::kCommitted: break;
    case RecordOutcome::kUnknownAttempt:
      return Refuse(CallbackRefusal::kUnknownAttempt, "no such call attempt", attempt);
    case RecordOutcome::kUnfit: return Refuse(CallbackRefusal::kUnfit, "cannot be stored", attempt);
    case RecordOutcome::kUnavailable:
      return Refuse(CallbackRefusal::kUnavailable, "not stored yet: send it again", attempt);
  }
  acknowledged_.fetch_add(1, std::memory_order_relaxed);
  return HttpResponse{};
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
