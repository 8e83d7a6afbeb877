#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/attempt_step.h"
#include "core/gateway.h"
#include "core/trunk.h"

namespace tocsin::dialer {

// A request in the provider's words, not yet signed.
struct ProviderRequest {
  std::string method;
  std::string path_and_query;
  std::string body;  // Empty: none.
};

// What to play into a call.
struct PlayOrder {
  std::string audio_uri;
  std::string cache_key;  // Under which the provider may keep the file.
  int ordinal = 0;        // Comes back in the event that ends the play.
};

// How one dialect says what the dialer wants said, and answers it. Stateless;
// any thread.
class Protocol {
 public:
  virtual ~Protocol() = default;

  // `source_user`: as whom we call; empty: nobody.
  virtual ProviderRequest CreateCall(const CreateCallRequest& request,
                                     std::string_view callback_url,
                                     std::string_view source_user) const = 0;
  virtual ProviderRequest Play(std::string_view call, const PlayOrder& order) const = 0;
  virtual ProviderRequest CancelMedia(std::string_view call, int ordinal) const = 0;
  virtual ProviderRequest HangUp(std::string_view call) const = 0;

  // The provider's id in the answer to CreateCall; unset if it is unreadable.
  virtual std::optional<std::string> ReadCallId(std::string_view body) const = 0;
  // "code: message" of an error answer, scrubbed; empty if there is none in it.
  virtual std::string ReadError(std::string_view body) const = 0;
};

// The protocol of a dialect; null if it is not spoken. The spelling is for those of
// 2021. Lives as long as the process.
const Protocol* ProtocolFor(Dialect dialect, Spelling spelling);

}  // namespace tocsin::dialer
