#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/gateway.h"
#include "core/ids.h"
#include "core/phone_number.h"
#include "core/trunk.h"

namespace tocsin::dialer {

// A request in the provider's words, not yet signed.
struct ProviderRequest {
  std::string method;
  std::string path_and_query;
  std::string body;  // Empty: none.
  // Besides those of signing and content.
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// What a create-call says besides whom it rings.
struct CallSetup {
  std::string callback_url;
  std::string source_user;  // As whom we call, "8:acs:..."; empty: nobody.
  // Of the provider's speech service; empty: texts are not spoken in this call.
  std::string cognitive_services_endpoint;
  // When this send left for the first time. A repetition says so again, where
  // the dialect has a way of repeating.
  absl::Time first_sent;
};

// What we do to a call: which, for whom, and the action's ordinal, which comes
// back in the events that tell what became of it.
struct CallAction {
  AttemptKey attempt;
  std::string call;  // The provider's id.
  int ordinal = 0;
  absl::Time first_sent;  // As in CallSetup.
};

// A recording that the provider fetches.
struct Recording {
  std::string audio_uri;
  std::string cache_key;  // Under which the provider may keep it.
};
// Words that the provider speaks itself. The voice by name, or any of the language.
struct SpokenText {
  std::string text;
  std::string language;  // "en-US"
  std::string voice;     // "en-US-NancyNeural"; empty: any.
};
struct SpokenSsml {
  std::string ssml;
};

// What to play into a call.
struct PlayOrder {
  std::variant<Recording, SpokenText, SpokenSsml> what;
  bool loop = false;  // Until it is cancelled.
};

// The provider's words for what it will not do.
struct ProviderError {
  int subcode = 0;   // 8522; 0 if it gave none.
  std::string text;  // "code: message", scrubbed; empty if there is none.
};

// How one dialect says what the dialer wants said, and answers it. What a
// dialect has no words for is kFailedPrecondition, in words for an operator.
// Stateless; any thread.
class Protocol {
 public:
  virtual ~Protocol() = default;

  // The same send of the same attempt is the same call, however often it is
  // asked for, where the dialect RepeatsSafely().
  virtual ProviderRequest CreateCall(const CreateCallRequest& request,
                                     const CallSetup& setup) const = 0;

  virtual absl::StatusOr<ProviderRequest> Play(const CallAction& action,
                                               const PlayOrder& order) const = 0;
  virtual ProviderRequest CancelMedia(const CallAction& action) const = 0;
  // To hear the keys that `person` presses, from now on to the end of the call;
  // harmless if it is said twice. Unset where create-call has said so.
  virtual std::optional<ProviderRequest> ListenForKeys(const CallAction& action,
                                                       const PhoneNumber& person) const = 0;
  // Ends the call for everybody.
  virtual ProviderRequest HangUp(const CallAction& action) const = 0;
  // Goes out of the call; those who are in it go on talking.
  virtual ProviderRequest Leave(const CallAction& action) const = 0;
  // Hands the call over to `target`; afterwards it is none of ours.
  virtual absl::StatusOr<ProviderRequest> Transfer(const CallAction& action,
                                                   const PhoneNumber& target,
                                                   const PhoneNumber& caller) const = 0;
  // Rings `target` and lets it into the call.
  virtual ProviderRequest Invite(const CallAction& action, const PhoneNumber& target,
                                 const PhoneNumber& caller) const = 0;
  // Puts the person through to `target` in the way that the dialect has: hands the
  // call over, or rings the target into it, to be left once it is there.
  virtual ProviderRequest PutThrough(const CallAction& action, const PhoneNumber& target,
                                     const PhoneNumber& caller) const = 0;
  // `participant` as the roster names it: by a raw id in GA, else by its
  // ParticipantId.
  virtual ProviderRequest Remove(const CallAction& action, std::string_view participant) const = 0;

  // The provider's id in the answer to CreateCall; unset if it is unreadable.
  virtual std::optional<std::string> ReadCallId(std::string_view body) const = 0;
  virtual ProviderError ReadError(std::string_view body) const = 0;
};

// The protocol of a dialect. The spelling is for those of 2021. Lives as long as
// the process.
const Protocol& ProtocolFor(Dialect dialect, Spelling spelling);

}  // namespace tocsin::dialer
