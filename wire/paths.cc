#include "wire/paths.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "fmt/format.h"

namespace tocsin::wire {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

bool IsUnreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

std::string PercentEncode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kHex[byte >> 4U];
    encoded += kHex[byte & 0xFU];
  }
  return encoded;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A '%' that starts no escape stands for itself.
std::string PercentDecode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
        HexDigit(text[i + 2]) >= 0) {
      decoded += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

bool Is(std::string_view segment, std::string_view name) {
  return absl::EqualsIgnoreCase({segment.data(), segment.size()}, {name.data(), name.size()});
}

std::string CallPath(Dialect dialect, std::string_view call_id, std::string_view action) {
  const std::string id = PercentEncode(call_id);
  if (dialect == Dialect::k2021_04) return fmt::format("/calls/{}/{}", id, action);
  return fmt::format("/calling/calls/{}/{}?api-version={}", id, action, kApiVersion2021);
}

std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> segments;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    segments.push_back(segment);
    path.remove_prefix(segment.size());
  }
  return segments;
}

std::optional<Operation> ActionNamed(std::string_view name) {
  if (Is(name, "Hangup")) return Operation::kHangUp;
  if (Is(name, "PlayAudio")) return Operation::kPlayAudio;
  // The API's own description calls it by the second name.
  if (Is(name, "CancelMediaProcessing") || Is(name, "CancelMediaOperations")) {
    return Operation::kCancelMedia;
  }
  if (Is(name, "participants")) return Operation::kInviteParticipants;
  return std::nullopt;
}

// The route below ".../calls", whose segments are `rest`.
std::optional<Route> RouteOfCall(bool post, Dialect dialect,
                                 const std::vector<std::string_view>& rest) {
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
    const std::optional<Operation> action = ActionNamed(rest[1]);
    if (!action) return std::nullopt;
    route.operation = *action;
    return route;
  }
  if (rest.size() == 3 && !post && Is(rest[1], "participants") && !rest[2].empty()) {
    route.operation = Operation::kRemoveParticipant;
    route.participant_id = PercentDecode(rest[2]);
    return route;
  }
  return std::nullopt;
}

}  // namespace

std::string CreateCallPath(Dialect dialect) {
  if (dialect == Dialect::k2021_04) return "/calls";
  return fmt::format("/calling/calls?api-version={}", kApiVersion2021);
}

std::string PlayAudioPath(Dialect dialect, std::string_view call_id) {
  return CallPath(dialect, call_id, "PlayAudio");
}

std::string CancelMediaPath(Dialect dialect, std::string_view call_id) {
  return CallPath(dialect, call_id, "CancelMediaProcessing");
}

std::string HangUpPath(Dialect dialect, std::string_view call_id) {
  return CallPath(dialect, call_id, "Hangup");
}

std::string InviteParticipantsPath(Dialect dialect, std::string_view call_id) {
  return CallPath(dialect, call_id, "participants");
}

std::optional<Route> ParseRoute(std::string_view method, std::string_view raw_path) {
  const bool post = method == "POST";
  if (!post && method != "DELETE") return std::nullopt;
  std::vector<std::string_view> segments = Segments(raw_path);
  Dialect dialect = Dialect::k2021_04;
  if (!segments.empty() && Is(segments[0], "calling")) {
    dialect = Dialect::k2021_05;
    segments.erase(segments.begin());
  }
  if (segments.empty() || !Is(segments[0], "calls")) return std::nullopt;
  segments.erase(segments.begin());
  return RouteOfCall(post, dialect, segments);
}

}  // namespace tocsin::wire
