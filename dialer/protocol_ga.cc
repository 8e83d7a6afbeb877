#include "dialer/protocol_ga.h"

#include <utility>

#include "dialer/provider_values.h"
#include "fmt/format.h"
#include "wire/calls_ga.h"
#include "wire/paths_ga.h"
#include "wire/request_signing.h"

namespace tocsin::dialer {
namespace {

using wire::ga::Operation;

// The attempt, as it comes back in the call's own events.
std::string ContextOf(const AttemptKey& attempt) {
  return fmt::format("{}/{}", attempt.campaign.value(), attempt.attempt.value());
}

wire::ga::OperationEcho EchoOf(const CallAction& action) {
  return {.context = fmt::format("{}", action.ordinal), .callback_uri = ""};
}

// Makes a request that may be sent twice and is done once. Its id is made of
// what is asked for: whoever asks again, after a crash too, asks under the same.
ProviderRequest Repeatable(ProviderRequest request, const AttemptKey& attempt,
                           std::string_view what, int number, absl::Time first_sent) {
  request.headers = {{"Repeatability-Request-ID",
                      GuidOf(fmt::format("tocsin {} {} {}", ContextOf(attempt), what, number))},
                     {"Repeatability-First-Sent", wire::FormatRfc1123(first_sent)}};
  return request;
}

ProviderRequest RepeatableAction(ProviderRequest request, const CallAction& action) {
  return Repeatable(std::move(request), action.attempt, "action", action.ordinal,
                    action.first_sent);
}

ProviderRequest Request(Operation operation, const std::string& call, std::string body) {
  return {.method = std::string(wire::ga::Method(operation)),
          .path_and_query = wire::ga::Path({.operation = operation, .call_id = call}),
          .body = std::move(body)};
}

// A source of a play, of whichever kind.
struct SourceOf {
  wire::ga::PlaySource operator()(const Recording& recording) const {
    return {.kind = wire::ga::PlaySource::Kind::kFile,
            .content = recording.audio_uri,
            .cache_id = recording.cache_key};
  }
  wire::ga::PlaySource operator()(const SpokenText& text) const {
    // A voice by name has its language; else any voice of the language.
    const bool by_language = text.voice.empty();
    return {.kind = wire::ga::PlaySource::Kind::kText,
            .content = text.text,
            .source_locale = text.language,
            .voice_kind = by_language ? "female" : "",
            .voice_name = text.voice};
  }
  wire::ga::PlaySource operator()(const SpokenSsml& ssml) const {
    return {.kind = wire::ga::PlaySource::Kind::kSsml, .content = ssml.ssml};
  }
};

class GaProtocol final : public Protocol {
 public:
  ProviderRequest CreateCall(const CreateCallRequest& request,
                             const CallSetup& setup) const override {
    wire::ga::CreateCallRequest body;
    body.targets.push_back(wire::Identifier::PhoneNumber(request.to.e164()));
    body.caller_number = request.from.e164();
    body.source = setup.source_user;
    body.callback_uri = setup.callback_url;
    body.operation_context = ContextOf(request.attempt);
    body.cognitive_services_endpoint = setup.cognitive_services_endpoint;
    return Repeatable(Request(Operation::kCreateCall, "", wire::ga::Encode(body)), request.attempt,
                      "create", request.send_no, setup.first_sent);
  }

  absl::StatusOr<ProviderRequest> Play(const CallAction& action,
                                       const PlayOrder& order) const override {
    wire::ga::PlayRequest body;
    body.sources.push_back(std::visit(SourceOf(), order.what));
    body.loop = order.loop;
    body.echo = EchoOf(action);
    return Request(Operation::kPlay, action.call, wire::ga::Encode(body));
  }

  ProviderRequest CancelMedia(const CallAction& action) const override {
    return Request(Operation::kCancelAllMedia, action.call, "");
  }

  std::optional<ProviderRequest> ListenForKeys(const CallAction& action,
                                               const PhoneNumber& person) const override {
    wire::ga::ContinuousDtmfRequest body;
    body.target = wire::Identifier::PhoneNumber(person.e164());
    body.echo = EchoOf(action);
    return Request(Operation::kStartContinuousDtmf, action.call, wire::ga::Encode(body));
  }

  ProviderRequest HangUp(const CallAction& action) const override {
    return RepeatableAction(Request(Operation::kTerminate, action.call, ""), action);
  }

  ProviderRequest Leave(const CallAction& action) const override {
    return Request(Operation::kHangUp, action.call, "");
  }

  absl::StatusOr<ProviderRequest> Transfer(const CallAction& action, const PhoneNumber& target,
                                           const PhoneNumber& caller) const override {
    return PutThrough(action, target, caller);
  }

  ProviderRequest PutThrough(const CallAction& action, const PhoneNumber& target,
                             const PhoneNumber& caller) const override {
    wire::ga::TransferRequest body;
    body.target = wire::Identifier::PhoneNumber(target.e164());
    body.caller_number = caller.e164();
    body.echo = EchoOf(action);
    return RepeatableAction(Request(Operation::kTransfer, action.call, wire::ga::Encode(body)),
                            action);
  }

  ProviderRequest Invite(const CallAction& action, const PhoneNumber& target,
                         const PhoneNumber& caller) const override {
    wire::ga::AddParticipantRequest body;
    body.participant = wire::Identifier::PhoneNumber(target.e164());
    body.caller_number = caller.e164();
    body.echo = EchoOf(action);
    return RepeatableAction(
        Request(Operation::kAddParticipant, action.call, wire::ga::Encode(body)), action);
  }

  ProviderRequest Remove(const CallAction& action, std::string_view participant) const override {
    wire::ga::RemoveParticipantRequest body;
    body.participant = wire::ParseRawId(participant);
    body.echo = EchoOf(action);
    return RepeatableAction(
        Request(Operation::kRemoveParticipant, action.call, wire::ga::Encode(body)), action);
  }

  std::optional<std::string> ReadCallId(std::string_view body) const override {
    const auto decoded = wire::ga::DecodeCallConnectionProperties(body);
    if (!decoded.ok() || !IsCallId(decoded->call_connection_id)) return std::nullopt;
    return decoded->call_connection_id;
  }

  ProviderError ReadError(std::string_view body) const override {
    const wire::ga::Error error = wire::ga::DecodeError(body);
    return ErrorOf(error.code, error.message);
  }
};

}  // namespace

const Protocol& ProtocolGa() {
  static const GaProtocol protocol;
  return protocol;
}

}  // namespace tocsin::dialer
