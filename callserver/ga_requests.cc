#include "callserver/ga_requests.h"

#include <utility>

#include "base/status_macros.h"

namespace tocsin::callserver {
namespace {

using wire::ga::Operation;
using Read = std::variant<SimulationInput, Refusal>;

constexpr std::string_view kInvalidArgument = "8523";
constexpr std::string_view kUnsupported = "8520";
// How fast a voice of the provider speaks, more or less.
constexpr double kCharactersASecond = 15;

Refusal Refused(int status, std::string_view code, std::string_view message) {
  return {.status = status, .error = {std::string(code), std::string(message)}};
}

Refusal Invalid(const absl::Status& status) {
  return Refused(400, kInvalidArgument, Message(status));
}

// Characters outside of tags: what is spoken of a text.
double SpokenCharacters(std::string_view text) {
  double characters = 0;
  bool in_tag = false;
  for (const char c : text) {
    if (c == '<') in_tag = true;
    const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    if (!in_tag && !continues) ++characters;
    if (c == '>') in_tag = false;
  }
  return characters;
}

input::Prompt PromptOf(const wire::ga::PlaySource& source, const AudioFinder& audio) {
  if (source.kind != wire::ga::PlaySource::Kind::kFile) {
    const double seconds = SpokenCharacters(source.content) / kCharactersASecond;
    input::Prompt prompt{.audio = AudioFile{.length = absl::Seconds(seconds)}};
    if (seconds == 0) {
      prompt.audio = AudioFile{.failure = 8582, .message = "There is nothing to be spoken."};
    }
    return prompt;
  }
  input::Prompt prompt{.key = source.cache_id.empty() ? source.content : source.cache_id,
                       .uri = source.content};
  prompt.audio = audio(prompt.key);
  return prompt;
}

std::vector<input::Prompt> PromptsOf(const std::vector<wire::ga::PlaySource>& sources,
                                     const AudioFinder& audio) {
  std::vector<input::Prompt> prompts;
  prompts.reserve(sources.size());
  for (const wire::ga::PlaySource& source : sources) prompts.push_back(PromptOf(source, audio));
  return prompts;
}

// The input of kind Input with the decoded body as its request.
template <class Input, class Decoded>
Read WithRequest(const std::string& call_id, absl::StatusOr<Decoded> decoded) {
  if (!decoded.ok()) return Invalid(decoded.status());
  Input happened;
  happened.call_leg_id = call_id;
  happened.request = *std::move(decoded);
  return SimulationInput(std::move(happened));
}

Read ReadPlay(const std::string& call_id, std::string_view body, const AudioFinder& audio) {
  auto decoded = wire::ga::DecodePlayRequest(body);
  if (!decoded.ok()) return Invalid(decoded.status());
  auto prompts = PromptsOf(decoded->sources, audio);
  return SimulationInput(input::Play{
      .call_leg_id = call_id, .request = *std::move(decoded), .prompts = std::move(prompts)});
}

Read ReadRecognize(const std::string& call_id, std::string_view body, const AudioFinder& audio) {
  auto decoded = wire::ga::DecodeRecognizeRequest(body);
  if (!decoded.ok()) return Invalid(decoded.status());
  if (decoded->input != wire::ga::RecognizeInput::kDtmf) {
    return Refused(405, kUnsupported, "This server recognizes keys (dtmf), not speech.");
  }
  auto prompts = PromptsOf(decoded->prompts, audio);
  return SimulationInput(input::Recognize{
      .call_leg_id = call_id, .request = *std::move(decoded), .prompts = std::move(prompts)});
}

Read ReadWatch(const std::string& call_id, std::string_view body, bool start) {
  auto decoded = wire::ga::DecodeContinuousDtmfRequest(body);
  if (!decoded.ok()) return Invalid(decoded.status());
  return SimulationInput(
      input::WatchTones{.call_leg_id = call_id, .request = *std::move(decoded), .start = start});
}

struct BodyWriter {
  std::string operator()(const std::monostate&) const { return {}; }
  // Answers of 2021 are given to nobody who asked in GA's words.
  std::string operator()(const wire::CreateCallResponse&) const { return {}; }
  std::string operator()(const wire::OperationResult&) const { return {}; }
  std::string operator()(const Refusal&) const { return {}; }
  std::string operator()(const auto& answer) const { return wire::ga::Encode(answer); }
};

}  // namespace

std::variant<input::CreateCall, Refusal> ReadGaCreateCall(std::string_view body) {
  auto decoded = wire::ga::DecodeCreateCallRequest(body);
  if (!decoded.ok()) return Invalid(decoded.status());
  if (decoded->targets.size() != 1 ||
      decoded->targets[0].kind != wire::Identifier::Kind::kPhoneNumber) {
    return Refused(405, kUnsupported, "create call.targets must be one phoneNumber");
  }
  if (decoded->caller_number.empty()) {
    return Refused(400, kInvalidArgument,
                   "create call.sourceCallerIdNumber is needed to call a telephone");
  }
  return input::CreateCall{.dialect = wire::Dialect::kGa,
                           .number = decoded->targets[0].value,
                           .caller_number = std::move(decoded->caller_number),
                           .callback_uri = std::move(decoded->callback_uri),
                           .operation_context = std::move(decoded->operation_context),
                           .source_display_name = std::move(decoded->source_display_name),
                           .source = std::move(decoded->source),
                           .can_speak = !decoded->cognitive_services_endpoint.empty()};
}

std::variant<SimulationInput, Refusal> ReadGaRequest(const wire::ga::Route& route,
                                                     std::string_view body,
                                                     const AudioFinder& audio) {
  const std::string& call = route.call_id;
  switch (route.operation) {
    case Operation::kCreateCall: break;
    case Operation::kGetCall: return SimulationInput(input::GetCall{call});
    case Operation::kHangUp: return SimulationInput(input::HangUp{call, /*for_everyone=*/false});
    case Operation::kTerminate: return SimulationInput(input::HangUp{call, /*for_everyone=*/true});
    case Operation::kPlay: return ReadPlay(call, body, audio);
    case Operation::kRecognize: return ReadRecognize(call, body, audio);
    case Operation::kCancelAllMedia:
      return SimulationInput(input::CancelMedia{.call_leg_id = call});
    case Operation::kStartContinuousDtmf: return ReadWatch(call, body, /*start=*/true);
    case Operation::kStopContinuousDtmf: return ReadWatch(call, body, /*start=*/false);
    case Operation::kSendDtmfTones:
      return WithRequest<input::SendTones>(call, wire::ga::DecodeSendDtmfTonesRequest(body));
    case Operation::kTransfer:
      return WithRequest<input::Transfer>(call, wire::ga::DecodeTransferRequest(body));
    case Operation::kListParticipants: return SimulationInput(input::ListParties{call});
    case Operation::kGetParticipant:
      return SimulationInput(input::GetParty{call, route.participant});
    case Operation::kAddParticipant:
      return WithRequest<input::AddParty>(call, wire::ga::DecodeAddParticipantRequest(body));
    case Operation::kRemoveParticipant:
      return WithRequest<input::RemoveParty>(call, wire::ga::DecodeRemoveParticipantRequest(body));
    case Operation::kCancelAddParticipant:
      return WithRequest<input::CancelAddParty>(call,
                                                wire::ga::DecodeCancelAddParticipantRequest(body));
    case Operation::kMute: return WithRequest<input::Mute>(call, wire::ga::DecodeMuteRequest(body));
  }
  return Refused(404, "NotFound", "There is no such operation.");
}

HttpResponse GaAnswer(Operation operation, const Answer& answer) {
  if (const auto* refusal = std::get_if<Refusal>(&answer)) {
    return GaError(refusal->status, refusal->error.code, refusal->error.message);
  }
  return {.status = wire::ga::SuccessStatus(operation), .body = std::visit(BodyWriter(), answer)};
}

HttpResponse GaError(int status, std::string_view code, std::string_view message) {
  return {.status = status,
          .body = wire::ga::Encode(
              wire::ga::Error{.code = std::string(code), .message = std::string(message)})};
}

}  // namespace tocsin::callserver
