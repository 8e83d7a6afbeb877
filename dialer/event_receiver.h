#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/http_server.h"
#include "core/facts.h"
#include "dialer/fact_recorder.h"
#include "dialer/prompt_server.h"
#include "wire/callback_url.h"

namespace tocsin::dialer {

// Why a callback was not taken.
enum class CallbackRefusal {
  kNotOurs,         // 404: no such path.
  kMethod,          // 405.
  kMalformedUrl,    // 400.
  kForged,          // 401: the signature is wrong or its key unknown.
  kTooLong,         // 413.
  kMalformedBody,   // 400.
  kUnknownAttempt,  // 404: signed by us, and no such attempt.
  kUnfit,           // 500: the store will not take it.
  kOverloaded,      // 503: too much is waiting.
  kUnavailable,     // 503: the store is away.
};
inline constexpr std::size_t kCallbackRefusals = 10;
std::string_view Name(CallbackRefusal refusal);

struct ReceiverCounters {
  std::uint64_t callbacks = 0;               // Requests.
  std::uint64_t acknowledged = 0;            // Answered 200.
  std::map<FactKind, std::uint64_t> events;  // Decoded, by what they say.
  std::map<CallbackRefusal, std::uint64_t> refused;
};

// What the provider calls: POST <any prefix>/callbacks/<campaign>/<attempt>
// with events, GET /prompts/<name>. Signature first, then the body; all of a
// body is taken or none of it. A 200 means that every event is durable.
//
// Thread-safe; holds its caller until the facts are committed.
class EventReceiver {
 public:
  EventReceiver(wire::CallbackSigner signer, FactRecorder& recorder, PromptFinder finder,
                const Clock& clock);

  HttpResponse Handle(const HttpRequest& request);

  ReceiverCounters counters() const;

 private:
  HttpResponse HandleCallback(const HttpRequest& request);
  HttpResponse TellWhetherSigned(const HttpRequest& request);
  // `attempt`: whose callback it was, if that is proven.
  HttpResponse Refuse(CallbackRefusal refusal, std::string_view message,
                      const std::optional<AttemptKey>& attempt = std::nullopt);
  RecordOutcome Commit(std::vector<AttemptInput> inputs, bool& taken);

  const wire::CallbackSigner signer_;
  FactRecorder& recorder_;
  PromptServer prompts_;
  const Clock& clock_;
  std::atomic<std::uint64_t> callbacks_{0};
  std::atomic<std::uint64_t> acknowledged_{0};
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(FactKind::kLost) + 1> events_{};
  std::array<std::atomic<std::uint64_t>, kCallbackRefusals> refused_{};
};

}  // namespace tocsin::dialer
