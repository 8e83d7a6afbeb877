#include "wire/paths.h"

#include <utility>
#include <vector>

#include "fmt/format.h"
#include "wire/percent.h"

namespace tocsin::wire {
namespace {

using Segments = std::vector<std::string_view>;

std::string WithVersion(std::string path) {
  return fmt::format("{}?api-version={}", path, kApiVersion2021);
}

std::string CallPath(Dialect dialect, std::string_view call_id, std::string_view action) {
  const std::string path = fmt::format("/calls/{}{}", PercentEncode(call_id), action);
  return dialect == Dialect::k2021_04 ? path : WithVersion("/calling" + path);
}

std::string ConversationPath(std::string_view conversation_id, std::string_view action) {
  return WithVersion(
      fmt::format("/calling/conversations/{}/{}", PercentEncode(conversation_id), action));
}

struct Action {
  std::string_view name;
  Operation operation;
  Edition edition = Edition::kOverview;
};
constexpr Action kActions[] = {
    {"Hangup", Operation::kHangUp},
    {"PlayAudio", Operation::kPlayAudio},
    {"CancelMediaProcessing", Operation::kCancelMedia},
    {"CancelMediaOperations", Operation::kCancelMedia, Edition::kSwagger},
    {"participants", Operation::kInviteParticipants},
};

// The route below ".../calls", whose segments are `rest`.
std::optional<Route> RouteOfCall(bool post, Dialect dialect, const Segments& rest) {
  Route route{.dialect = dialect};
  if (rest.empty()) {
    if (!post) return std::nullopt;
    return route;
  }
  route.call_id = PercentDecode(rest[0]);
  if (route.call_id.empty()) return std::nullopt;
  if (rest.size() == 1 && !post) {
    route.operation = Operation::kDeleteCall;
    return route;
  }
  if (rest.size() == 2 && post) {
    for (const Action& known : kActions) {
      if (!IsSegment(rest[1], known.name)) continue;
      route.operation = known.operation;
      route.edition = known.edition;
      return route;
    }
  }
  if (rest.size() == 3 && !post && IsSegment(rest[1], "participants") && !rest[2].empty()) {
    route.operation = Operation::kRemoveParticipant;
    route.participant_id = PercentDecode(rest[2]);
    return route;
  }
  return std::nullopt;
}

// The route below ".../conversations".
std::optional<Route> RouteOfConversation(bool post, const Segments& rest) {
  if (rest.size() < 2) return std::nullopt;
  Route route{.dialect = Dialect::k2021_05, .call_id = PercentDecode(rest[0])};
  if (route.call_id.empty()) return std::nullopt;
  if (rest.size() == 2 && post && IsSegment(rest[1], "join")) {
    route.operation = Operation::kJoinConversation;
    // The only thing that tells the two editions apart.
    if (rest[1] == "Join") route.edition = Edition::kSwagger;
    return route;
  }
  if (!IsSegment(rest[1], "participants")) return std::nullopt;
  if (rest.size() == 2 && post) {
    route.operation = Operation::kInviteToConversation;
    return route;
  }
  if (rest.size() == 3 && !post && !rest[2].empty()) {
    route.operation = Operation::kRemoveFromConversation;
    route.participant_id = PercentDecode(rest[2]);
    return route;
  }
  return std::nullopt;
}

}  // namespace

std::string CreateCallPath(Dialect dialect) {
  return dialect == Dialect::k2021_04 ? "/calls" : WithVersion("/calling/calls");
}

std::string PlayAudioPath(Dialect dialect, std::string_view call_id) {
  return CallPath(dialect, call_id, "/PlayAudio");
}

std::string CancelMediaPath(Dialect dialect, std::string_view call_id, Edition edition) {
  return CallPath(
      dialect, call_id,
      edition == Edition::kSwagger ? "/CancelMediaOperations" : "/CancelMediaProcessing");
}

std::string HangUpPath(Dialect dialect, std::string_view call_id) {
  return CallPath(dialect, call_id, "/Hangup");
}

std::string DeleteCallPath(Dialect dialect, std::string_view call_id) {
  return CallPath(dialect, call_id, "");
}

std::string InviteParticipantsPath(Dialect dialect, std::string_view call_id) {
  return CallPath(dialect, call_id, "/participants");
}

std::string RemoveParticipantPath(Dialect dialect, std::string_view call_id,
                                  std::string_view participant_id) {
  return CallPath(dialect, call_id, fmt::format("/participants/{}", PercentEncode(participant_id)));
}

std::string JoinConversationPath(std::string_view conversation_id, Edition edition) {
  return ConversationPath(conversation_id, edition == Edition::kSwagger ? "Join" : "join");
}

std::string InviteToConversationPath(std::string_view conversation_id) {
  return ConversationPath(conversation_id, "participants");
}

std::string RemoveFromConversationPath(std::string_view conversation_id,
                                       std::string_view participant_id) {
  return ConversationPath(conversation_id,
                          fmt::format("participants/{}", PercentEncode(participant_id)));
}

std::optional<Route> ParseRoute(std::string_view method, std::string_view raw_path) {
  const bool post = method == "POST";
  if (!post && method != "DELETE") return std::nullopt;
  Segments segments = PathSegments(raw_path);
  Dialect dialect = Dialect::k2021_04;
  if (!segments.empty() && IsSegment(segments[0], "calling")) {
    dialect = Dialect::k2021_05;
    segments.erase(segments.begin());
  }
  if (segments.empty()) return std::nullopt;
  const std::string_view root = segments[0];
  segments.erase(segments.begin());
  if (IsSegment(root, "calls")) return RouteOfCall(post, dialect, segments);
  if (dialect == Dialect::k2021_05 && IsSegment(root, "conversations")) {
    return RouteOfConversation(post, segments);
  }
  return std::nullopt;
}

}  // namespace tocsin::wire
