#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "wire/dialect.h"

// The one place that knows where the operations of the 2021 dialects live.
namespace tocsin::wire {

enum class Operation {
  kCreateCall,
  kHangUp,
  kPlayAudio,
  kCancelMedia,
  kInviteParticipants,
  kRemoveParticipant,
  kDeleteCall,  // Ends the call for everybody.
};

// A request line, understood.
struct Route {
  Dialect dialect = Dialect::k2021_05;
  Operation operation = Operation::kCreateCall;
  std::string call_id;         // Empty for kCreateCall.
  std::string participant_id;  // Only for kRemoveParticipant.

  friend bool operator==(const Route&, const Route&) = default;
};

// The path, with the api-version query where the dialect wants one. Only for
// the two dialects of 2021. `call_id` is percent-encoded here.
std::string CreateCallPath(Dialect dialect);
std::string PlayAudioPath(Dialect dialect, std::string_view call_id);
std::string CancelMediaPath(Dialect dialect, std::string_view call_id);
std::string HangUpPath(Dialect dialect, std::string_view call_id);
std::string InviteParticipantsPath(Dialect dialect, std::string_view call_id);

// The other way round. The published documents disagree about upper and lower
// case, so literal segments match in any. Empty if there is no such operation,
// with whatever method.
std::optional<Route> ParseRoute(std::string_view method, std::string_view raw_path);

}  // namespace tocsin::wire
