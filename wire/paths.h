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
  // By conversation, without a call of one's own; 2021-05 only.
  kJoinConversation,
  kInviteToConversation,
  kRemoveFromConversation,
};

// A request line, understood.
struct Route {
  Dialect dialect = Dialect::k2021_05;
  Operation operation = Operation::kCreateCall;
  std::string call_id;         // Or that of a conversation. Empty for kCreateCall.
  std::string participant_id;  // Only for the two that remove one.
  // In whose words it was asked; they want different answers.
  Edition edition = Edition::kOverview;

  friend bool operator==(const Route&, const Route&) = default;
};

// The path, with the api-version query where the dialect wants one. Only for
// the two dialects of 2021. `call_id` is percent-encoded here.
std::string CreateCallPath(Dialect dialect);
std::string PlayAudioPath(Dialect dialect, std::string_view call_id);
std::string CancelMediaPath(Dialect dialect, std::string_view call_id,
                            Edition edition = Edition::kOverview);
std::string HangUpPath(Dialect dialect, std::string_view call_id);
std::string DeleteCallPath(Dialect dialect, std::string_view call_id);
std::string InviteParticipantsPath(Dialect dialect, std::string_view call_id);
std::string RemoveParticipantPath(Dialect dialect, std::string_view call_id,
                                  std::string_view participant_id);
std::string JoinConversationPath(std::string_view conversation_id,
                                 Edition edition = Edition::kOverview);
std::string InviteToConversationPath(std::string_view conversation_id);
std::string RemoveFromConversationPath(std::string_view conversation_id,
                                       std::string_view participant_id);

// The other way round. The published documents disagree about upper and lower
// case, so literal segments match in any. Empty if there is no such operation,
// with whatever method.
std::optional<Route> ParseRoute(std::string_view method, std::string_view raw_path);

}  // namespace tocsin::wire
