#include "wire/paths_ga.h"

#include <vector>

#include "base/check.h"
#include "fmt/format.h"
#include "wire/dialect.h"
#include "wire/percent.h"

namespace tocsin::wire::ga {
namespace {

constexpr std::string_view kRootPath = "/calling/callConnections";

// Where an operation stands below the root: nowhere, at a call, or at a call's
// participants; with or without an action after a colon.
enum class Place { kRoot, kCall, kParticipants, kParticipant };

struct Row {
  Operation operation;
  std::string_view method;
  Place place;
  std::string_view action;
  int status;
  bool repeatable = false;
};
constexpr Row kRows[] = {
    {Operation::kCreateCall, "POST", Place::kRoot, "", 201, true},
    {Operation::kGetCall, "GET", Place::kCall, "", 200},
    {Operation::kHangUp, "DELETE", Place::kCall, "", 204},
    {Operation::kTerminate, "POST", Place::kCall, "terminate", 204, true},
    {Operation::kPlay, "POST", Place::kCall, "play", 202},
    {Operation::kRecognize, "POST", Place::kCall, "recognize", 202},
    {Operation::kCancelAllMedia, "POST", Place::kCall, "cancelAllMediaOperations", 202},
    {Operation::kStartContinuousDtmf, "POST", Place::kCall, "startContinuousDtmfRecognition", 200},
    {Operation::kStopContinuousDtmf, "POST", Place::kCall, "stopContinuousDtmfRecognition", 200},
    {Operation::kSendDtmfTones, "POST", Place::kCall, "sendDtmfTones", 202, true},
    {Operation::kTransfer, "POST", Place::kCall, "transferToParticipant", 202, true},
    {Operation::kListParticipants, "GET", Place::kParticipants, "", 200},
    {Operation::kGetParticipant, "GET", Place::kParticipant, "", 200},
    {Operation::kAddParticipant, "POST", Place::kParticipants, "add", 202, true},
    {Operation::kRemoveParticipant, "POST", Place::kParticipants, "remove", 202, true},
    {Operation::kCancelAddParticipant, "POST", Place::kParticipants, "cancelAddParticipant", 202,
     true},
    {Operation::kMute, "POST", Place::kParticipants, "mute", 200, true},
};

const Row& RowOf(Operation operation) {
  for (const Row& row : kRows) {
    if (row.operation == operation) return row;
  }
  TOCSIN_CHECK(false && "every operation is in the table");
  return kRows[0];
}

// "x:play" -> "x", "play". The action stands after the last colon.
struct Split {
  std::string_view name;
  std::string_view action;
};
Split SplitAction(std::string_view segment) {
  const std::size_t colon = segment.rfind(':');
  if (colon == std::string_view::npos) return {segment, {}};
  return {segment.substr(0, colon), segment.substr(colon + 1)};
}

std::optional<Operation> Find(std::string_view method, Place place, std::string_view action) {
  for (const Row& row : kRows) {
    if (row.method == method && row.place == place && IsSegment(action, row.action)) {
      return row.operation;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view Method(Operation operation) {
  return RowOf(operation).method;
}

int SuccessStatus(Operation operation) {
  return RowOf(operation).status;
}

bool IsRepeatable(Operation operation) {
  return RowOf(operation).repeatable;
}

std::string Path(const Route& route) {
  const Row& row = RowOf(route.operation);
  std::string path(kRootPath);
  if (row.place != Place::kRoot) path += "/" + PercentEncode(route.call_id);
  if (row.place == Place::kParticipants || row.place == Place::kParticipant) {
    path += "/participants";
  }
  if (row.place == Place::kParticipant) path += "/" + PercentEncode(route.participant);
  if (!row.action.empty()) path += fmt::format(":{}", row.action);
  return fmt::format("{}?api-version={}", path, kApiVersionGa);
}

std::optional<Route> ParseRoute(std::string_view method, std::string_view raw_path) {
  if (!IsGaPath(raw_path)) return std::nullopt;
  const std::vector<std::string_view> segments = PathSegments(raw_path);
  Place place = Place::kRoot;
  Split last;
  Route route;
  if (segments.size() == 3) {
    place = Place::kCall;
    last = SplitAction(segments[2]);
    route.call_id = PercentDecode(last.name);
  } else if (segments.size() == 4) {
    place = Place::kParticipants;
    last = SplitAction(segments[3]);
    route.call_id = PercentDecode(segments[2]);
    if (!IsSegment(last.name, "participants")) return std::nullopt;
  } else if (segments.size() == 5 && IsSegment(segments[3], "participants")) {
    place = Place::kParticipant;
    route.call_id = PercentDecode(segments[2]);
    route.participant = PercentDecode(segments[4]);
    if (route.participant.empty()) return std::nullopt;
  } else if (segments.size() != 2) {
    return std::nullopt;
  }
  if (place != Place::kRoot && route.call_id.empty()) return std::nullopt;
  const std::optional<Operation> operation = Find(method, place, last.action);
  if (!operation) return std::nullopt;
  route.operation = *operation;
  return route;
}

bool IsGaPath(std::string_view raw_path) {
  const std::vector<std::string_view> segments = PathSegments(raw_path);
  return segments.size() >= 2 && IsSegment(segments[0], "calling") &&
         IsSegment(segments[1], "callConnections");
}

}  // namespace tocsin::wire::ga
