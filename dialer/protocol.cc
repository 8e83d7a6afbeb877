#include "dialer/protocol.h"

#include <utility>

#include "base/status_macros.h"
#include "dialer/protocol_ga.h"
#include "dialer/provider_values.h"
#include "fmt/format.h"
#include "wire/calls_2021.h"
#include "wire/paths.h"

namespace tocsin::dialer {
namespace {

// The two dialects of 2021 differ in their paths, and in that the first has no
// source; each has the names of two editions.
class Protocol2021 final : public Protocol {
 public:
  Protocol2021(wire::Dialect dialect, wire::Edition edition)
      : dialect_(dialect), edition_(edition) {}

  ProviderRequest CreateCall(const CreateCallRequest& request,
                             const CallSetup& setup) const override {
    wire::CreateCallRequest body;
    if (!setup.source_user.empty() && dialect_ != wire::Dialect::k2021_04) {
      body.source = wire::Identifier::CommunicationUser(setup.source_user);
    }
    body.targets.push_back(wire::Identifier::PhoneNumber(request.to.e164()));
    body.caller_number = request.from.e164();
    body.callback_uri = setup.callback_url;
    return {"POST", wire::CreateCallPath(dialect_), wire::Encode(body, edition_)};
  }

  absl::StatusOr<ProviderRequest> Play(const CallAction& action,
                                       const PlayOrder& order) const override {
    const auto* recording = std::get_if<Recording>(&order.what);
    if (recording == nullptr) {
      return FailedPrecondition("this dialect plays recordings only and cannot speak a text");
    }
    wire::PlayAudioRequest body;
    body.audio_file_uri = recording->audio_uri;
    body.loop = order.loop;
    body.operation_context = fmt::format("{}", action.ordinal);
    body.resource_id = recording->cache_key;
    return ProviderRequest{"POST", wire::PlayAudioPath(dialect_, action.call),
                           wire::Encode(body, edition_)};
  }

  ProviderRequest CancelMedia(const CallAction& action) const override {
    std::string path = wire::CancelMediaPath(dialect_, action.call, edition_);
    // That edition has no body there.
    if (edition_ == wire::Edition::kSwagger) return {"POST", std::move(path), ""};
    wire::CancelMediaRequest body;
    body.operation_context = fmt::format("{}", action.ordinal);
    return {"POST", std::move(path), wire::Encode(body)};
  }

  std::optional<ProviderRequest> ListenForKeys(const CallAction&,
                                               const PhoneNumber&) const override {
    return std::nullopt;
  }

  ProviderRequest HangUp(const CallAction& action) const override { return Leave(action); }

  ProviderRequest Leave(const CallAction& action) const override {
    return {"POST", wire::HangUpPath(dialect_, action.call), ""};
  }

  absl::StatusOr<ProviderRequest> Transfer(const CallAction&, const PhoneNumber&,
                                           const PhoneNumber&) const override {
    return FailedPrecondition("this dialect cannot transfer; invite the target and leave");
  }

  ProviderRequest Invite(const CallAction& action, const PhoneNumber& target,
                         const PhoneNumber& caller) const override {
    wire::InviteParticipantsRequest body;
    body.caller_number = caller.e164();
    body.participants.push_back(wire::Identifier::PhoneNumber(target.e164()));
    body.operation_context = fmt::format("{}", action.ordinal);
    return {"POST", wire::InviteParticipantsPath(dialect_, action.call), wire::Encode(body)};
  }

  ProviderRequest PutThrough(const CallAction& action, const PhoneNumber& target,
                             const PhoneNumber& caller) const override {
    return Invite(action, target, caller);
  }

  ProviderRequest Remove(const CallAction& action, std::string_view participant) const override {
    return {"DELETE", wire::RemoveParticipantPath(dialect_, action.call, participant), ""};
  }

  std::optional<std::string> ReadCallId(std::string_view body) const override {
    const auto decoded = wire::DecodeCreateCallResponse(body);
    if (!decoded.ok() || !IsCallId(decoded->call_leg_id)) return std::nullopt;
    return decoded->call_leg_id;
  }

  ProviderError ReadError(std::string_view body) const override {
    const wire::ErrorBody error = wire::DecodeErrorBody(body);
    return ErrorOf(error.code, error.message);
  }

 private:
  const wire::Dialect dialect_;
  const wire::Edition edition_;
};

}  // namespace

const Protocol& ProtocolFor(Dialect dialect, Spelling spelling) {
  using wire::Edition;
  static const Protocol2021 april(wire::Dialect::k2021_04, Edition::kOverview);
  static const Protocol2021 april_swagger(wire::Dialect::k2021_04, Edition::kSwagger);
  static const Protocol2021 may(wire::Dialect::k2021_05, Edition::kOverview);
  static const Protocol2021 may_swagger(wire::Dialect::k2021_05, Edition::kSwagger);
  const bool swagger = spelling == Spelling::kSwagger;
  switch (dialect) {
    case Dialect::kPreview202104: return swagger ? april_swagger : april;
    case Dialect::kPreview202105: return swagger ? may_swagger : may;
    case Dialect::kGa: break;
  }
  return ProtocolGa();
}

}  // namespace tocsin::dialer
