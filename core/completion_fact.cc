#include "core/completion_fact.h"

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

}  // namespace

Fact FactOf(const CreateCallCompletion& completion) {
  Fact fact;
  std::visit(Describe{fact}, completion.result);
  fact.at = completion.sent_at;
  fact.received_at = completion.answered_at;
  fact.number = completion.send_no;
  fact.key = OwnFactKey(fact.kind, fact.number);
  return fact;
}

}  // namespace tocsin
