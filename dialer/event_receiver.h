#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/http_server.h"
#include "base/worker_pool.h"
#include "core/facts.h"
#include "dialer/callback_refusal.h"
#include "dialer/fact_recorder.h"
#include "dialer/prompt_server.h"
#include "dialer/token_verifier.h"
#include "wire/callback_url.h"

namespace tocsin::dialer {

struct ReceiverCounters {
  std::uint64_t callbacks = 0;               // Requests.
  std::uint64_t acknowledged = 0;            // Answered 200.
  std::map<FactKind, std::uint64_t> events;  // Decoded, by what they say.
  std::map<CallbackRefusal, std::uint64_t> refused;
};

// What the provider calls: POST <any prefix>/callbacks/<campaign>/<attempt>
// with events, GET /prompts/<name>. The URL's signature first, then the token
// where that says that one is owed, then the body; all of a body is taken or none
// of it. A 200 means that every event is durable.
//
// Thread-safe; never blocks its caller.
class EventReceiver {
 public:
  // Everything that is referred to must live longer.
  EventReceiver(wire::CallbackSigner signer, TokenVerifier& tokens, FactRecorder& recorder,
                PromptFinder finder, const Clock& clock, const TextPrompts* texts = nullptr);

  // Answers once the facts are committed, on any thread.
  void Handle(HttpRequest request, HttpReply reply);

  ReceiverCounters counters() const;

 private:
  void HandleCallback(HttpRequest request, HttpReply reply);
  void Judged(const std::optional<CallbackRefusal>& refusal, AttemptKey attempt,
              const std::string& body, HttpReply reply);
  void Take(AttemptKey attempt, const std::string& body, HttpReply reply);
  void Commit(AttemptKey attempt, std::vector<AttemptInput> inputs, HttpReply reply);
  HttpResponse AnswerTo(AttemptKey attempt, RecordOutcome outcome);
  HttpResponse TellWhetherSigned(const HttpRequest& request);
  // `attempt`: whose callback it was, if that is proven.
  HttpResponse Refuse(CallbackRefusal refusal, std::string_view message,
                      const std::optional<AttemptKey>& attempt = std::nullopt);

  const wire::CallbackSigner signer_;
  TokenVerifier& tokens_;
  FactRecorder& recorder_;
  PromptServer prompts_;
  const Clock& clock_;
  std::atomic<std::uint64_t> callbacks_{0};
  std::atomic<std::uint64_t> acknowledged_{0};
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(FactKind::kLost) + 1> events_{};
  std::array<std::atomic<std::uint64_t>, kCallbackRefusals> refused_{};
  WorkerPool blocking_;  // For recordings, and for keys of an issuer's that are not here yet.
};

}  // namespace tocsin::dialer
