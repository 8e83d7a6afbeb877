#pragma once
#include <optional>
#include <string>
#include <string_view>

// The one place that knows where the operations of GA live.
namespace tocsin::wire::ga {

enum class Operation {
  kCreateCall,
  kGetCall,
  kHangUp,     // Leaves the call.
  kTerminate,  // Ends it for everybody.
  kPlay,
  kRecognize,
  kCancelAllMedia,
  kStartContinuousDtmf,
  kStopContinuousDtmf,
  kSendDtmfTones,
  kTransfer,
  kListParticipants,
  kGetParticipant,
  kAddParticipant,
  kRemoveParticipant,
  kCancelAddParticipant,
  kMute,
};

// A request line, understood.
struct Route {
  Operation operation = Operation::kCreateCall;
  std::string call_id;      // Empty for kCreateCall.
  std::string participant;  // A raw id; only for kGetParticipant.

  friend bool operator==(const Route&, const Route&) = default;
};

std::string_view Method(Operation operation);

// The one status that the real client takes for success.
int SuccessStatus(Operation operation);

// Whether the answer is bound to a Repeatability-Request-ID where one is sent.
bool IsRepeatable(Operation operation);

// Path and api-version query. The ids are percent-encoded here; the colon
// before an action is not.
std::string Path(const Route& route);

// The other way round. Literal segments match in any case. Empty if there is no
// such operation, with whatever method.
std::optional<Route> ParseRoute(std::string_view method, std::string_view raw_path);

// Whether the path is one of GA's at all, so that its refusals are GA's too.
bool IsGaPath(std::string_view raw_path);

}  // namespace tocsin::wire::ga
