#pragma once
#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "absl/time/time.h"
#include "base/clock.h"
#include "core/attempt_step.h"
#include "core/ids.h"
#include "core/phone_number.h"
#include "core/trunk.h"

namespace tocsin {

// What came of asking the carrier for a call. Not an absl::Status: each answer
// leads somewhere else, and a switch should have to say where.
struct CallAccepted {
  std::string call;  // The provider's id.
};
struct CallRefused {  // Nobody rang; asking again changes nothing.
  int code = 0;       // HTTP status.
  std::string reason;
};
struct CallThrottled {           // Nobody rang; slow down.
  absl::Duration retry_after;    // Zero if the provider did not say.
  bool until_looked_at = false;  // A limit that waiting does not lift: that of the month.
};
struct CallNotSent {  // Nothing left this machine. kNoPermit: it was not tried.
  std::string reason;
};
struct CallOutcomeUnknown {  // Somebody may be ringing: never repeat, reconcile.
  std::string reason;
};
using CreateCallResult =
    std::variant<CallAccepted, CallRefused, CallThrottled, CallNotSent, CallOutcomeUnknown>;

struct CreateCallRequest {
  AttemptKey attempt;
  PhoneNumber to;
  PhoneNumber from;
  int send_no = 1;
  bool caller_full = false;  // Our calls on `from`, this one among them, are at their limit.
  // Of this send, however often it is repeated.
  absl::Time intended_at = absl::UnixEpoch();
  // The how-manyth repetition of a send of unknown fate, under its id; 0: the first
  // time. Only where the trunk's dialect RepeatsSafely().
  int repetition = 0;
};

struct CreateCallCompletion {
  AttemptKey attempt;
  int send_no = 1;
  bool caller_full = false;  // As in the request; likewise the next.
  int repetition = 0;
  CreateCallResult result;
  absl::Time sent_at;      // Just before the first byte; of the try if nothing was sent.
  absl::Time answered_at;  // When the result was known.
};

// Asked by the gateway at the very last moment, the request ready and the
// connection open. Blocks until the request may leave and gives its send time:
// the one that the rate is kept by, whatever holds the caller up afterwards.
// nullopt: it must not leave any more (stopped, lease lost, intent too old),
// and completes as CallNotSent with kNoPermit. Thread-safe.
class SendPermit {
 public:
  virtual ~SendPermit() = default;
  virtual std::optional<absl::Time> Acquire(const CreateCallRequest& request) = 0;
};

// The carrier, as the scheduler sees it: asynchronous, because an event may
// come before the answer.
//
// Implementations are thread-safe, bound every request by a timeout, report
// CallOutcomeUnknown whenever the request may have left this machine without
// an answer coming back, and never repeat a request by themselves.
class CallGateway {
 public:
  using Done = std::function<void(CreateCallCompletion)>;

  virtual ~CallGateway() = default;

  // Sends on some thread, and calls `done` once from there.
  virtual void Send(const Trunk& trunk, CreateCallRequest request, SendPermit& permit,
                    Done done) = 0;

  // How many requests can wait for their permit or answer at once.
  virtual int capacity() const = 0;

  // A harmless request to the trunk's endpoint: OK if anything answered. Also
  // opens connections ahead of need.
  virtual absl::Status Probe(const Trunk& trunk) = 0;
};

}  // namespace tocsin
