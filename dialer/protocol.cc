#include "dialer/protocol.h"

#include <utility>

#include "dialer/provider_text.h"
#include "fmt/format.h"
#include "wire/calls_2021.h"
#include "wire/paths.h"

namespace tocsin::dialer {
namespace {

constexpr std::size_t kCallIdBytesMax = 256;

// The two dialects of 2021 differ in their paths, and in that the first has no
// source; each has the names of two editions.
class Protocol2021 final : public Protocol {
 public:
  Protocol2021(wire::Dialect dialect, wire::Edition edition)
      : dialect_(dialect), edition_(edition) {}

  ProviderRequest CreateCall(const CreateCallRequest& request, std::string_view callback_url,
                             std::string_view source_user) const override {
    wire::CreateCallRequest body;
    if (!source_user.empty() && dialect_ != wire::Dialect::k2021_04) {
      body.source = wire::Identifier::CommunicationUser(source_user);
    }
    body.targets.push_back(wire::Identifier::PhoneNumber(request.to.e164()));
    body.caller_number = request.from.e164();
    body.callback_uri = callback_url;
    return {"POST", wire::CreateCallPath(dialect_), wire::Encode(body, edition_)};
  }

  ProviderRequest Play(std::string_view call, const PlayOrder& order) const override {
    wire::PlayAudioRequest body;
    body.audio_file_uri = order.audio_uri;
    body.operation_context = fmt::format("{}", order.ordinal);
    body.resource_id = order.cache_key;
    return {"POST", wire::PlayAudioPath(dialect_, call), wire::Encode(body, edition_)};
  }

  ProviderRequest CancelMedia(std::string_view call, int ordinal) const override {
    std::string path = wire::CancelMediaPath(dialect_, call, edition_);
    // That edition has no body there.
    if (edition_ == wire::Edition::kSwagger) return {"POST", std::move(path), ""};
    wire::CancelMediaRequest body;
    body.operation_context = fmt::format("{}", ordinal);
    return {"POST", std::move(path), wire::Encode(body)};
  }

  ProviderRequest HangUp(std::string_view call) const override {
    return {"POST", wire::HangUpPath(dialect_, call), ""};
  }

  std::optional<std::string> ReadCallId(std::string_view body) const override {
    const auto decoded = wire::DecodeCreateCallResponse(body);
    if (!decoded.ok() || decoded->call_leg_id.empty() ||
        decoded->call_leg_id.size() > kCallIdBytesMax) {
      return std::nullopt;
    }
    return decoded->call_leg_id;
  }

  std::string ReadError(std::string_view body) const override {
    const wire::ErrorBody error = wire::DecodeErrorBody(body);
    if (error.code.empty() && error.message.empty()) return {};
    return Scrubbed(fmt::format("{}: {}", error.code, error.message));
  }

 private:
  const wire::Dialect dialect_;
  const wire::Edition edition_;
};

}  // namespace

const Protocol* ProtocolFor(Dialect dialect, Spelling spelling) {
  using wire::Edition;
  static const Protocol2021 april(wire::Dialect::k2021_04, Edition::kOverview);
  static const Protocol2021 april_swagger(wire::Dialect::k2021_04, Edition::kSwagger);
  static const Protocol2021 may(wire::Dialect::k2021_05, Edition::kOverview);
  static const Protocol2021 may_swagger(wire::Dialect::k2021_05, Edition::kSwagger);
  const bool swagger = spelling == Spelling::kSwagger;
  switch (dialect) {
    case Dialect::kPreview202104: return swagger ? &april_swagger : &april;
    case Dialect::kPreview202105: return swagger ? &may_swagger : &may;
    case Dialect::kGa: return nullptr;
  }
  return nullptr;
}

}  // namespace tocsin::dialer
