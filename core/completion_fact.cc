#include "core/completion_fact.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "absl/time/time.h"
#include "fmt/format.h"

namespace tocsin {
namespace {

constexpr int kTooManyRequests = 429;

// Fills in what each kind of result says; the rest is the same for all.
struct Describe {
  Fact& fact;

  void operator()(const CallAccepted& accepted) const {
    fact.kind = FactKind::kCreateAccepted;
    fact.call = accepted.call;
  }
  void operator()(const CallRefused& refused) const {
    fact.kind = FactKind::kCreateRefused;
    fact.code = refused.code;
    fact.text = refused.reason;
  }
  void operator()(const CallThrottled& throttled) const {
    fact.kind = FactKind::kCreateThrottled;
    fact.code = kTooManyRequests;
    if (throttled.retry_after > absl::ZeroDuration()) {
      fact.text =
          fmt::format("retry after {} ms", absl::ToInt64Milliseconds(throttled.retry_after));
    }
  }
  void operator()(const CallNotSent& not_sent) const {
    fact.kind = FactKind::kCreateNotSent;
    fact.text = not_sent.reason;
  }
  void operator()(const CallOutcomeUnknown& unknown) const {
    fact.kind = FactKind::kCreateUnknown;
    fact.text = unknown.reason;
  }
};

// Whether a refusal of a repetition can only be the answer to the call itself,
// and not to who asks, how often, or how soon after the first time.
bool IsForGood(int status) {
  constexpr int kAboutTheAsking[] = {401, 403, 407, 408, 409, 412, 425, kTooManyRequests};
  return std::find(std::begin(kAboutTheAsking), std::end(kAboutTheAsking), status) ==
         std::end(kAboutTheAsking);
}

// What a repetition says of the send that it repeats.
void DescribeRepetition(const CreateCallCompletion& completion, Fact& fact) {
  fact.kind = FactKind::kCreateRepeated;
  fact.number = completion.repetition;
  if (!std::holds_alternative<CallRefused>(completion.result) || !IsForGood(fact.code)) {
    fact.code = 0;
  }
}

}  // namespace

std::optional<Fact> FactOf(const CreateCallCompletion& completion) {
  const bool repeated = completion.repetition > 0;
  if (repeated && std::holds_alternative<CallNotSent>(completion.result)) return std::nullopt;
  Fact fact;
  std::visit(Describe{fact}, completion.result);
  fact.at = completion.sent_at;
  fact.received_at = completion.answered_at;
  fact.number = completion.send_no;
  fact.subcode = completion.caller_full ? 1 : 0;
  if (repeated) DescribeRepetition(completion, fact);
  fact.key = OwnFactKey(fact.kind, fact.number);
  return fact;
}

}  // namespace tocsin
