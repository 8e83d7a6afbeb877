#include "dialer/protocol.h"

#include "dialer/provider_text.h"
#include "fmt/format.h"
#include "wire/calls_2021.h"
#include "wire/paths.h"

namespace tocsin::dialer {
namespace {

constexpr std::size_t kCallIdBytesMax = 256;

// The two dialects of 2021 differ in their paths only.
class Protocol2021 final : public Protocol {
 public:
  explicit Protocol2021(wire::Dialect dialect) : dialect_(dialect) {}

  ProviderRequest CreateCall(const CreateCallRequest& request,
                             std::string_view callback_url) const override {
    wire::CreateCallRequest body;
    body.targets.push_back(wire::Identifier::PhoneNumber(request.to.e164()));
    body.caller_number = request.from.e164();
    body.callback_uri = callback_url;
    return {"POST", wire::CreateCallPath(dialect_), wire::Encode(body)};
  }

  ProviderRequest Play(std::string_view call, const PlayOrder& order) const override {
    wire::PlayAudioRequest body;
    body.audio_file_uri = order.audio_uri;
    body.operation_context = fmt::format("{}", order.ordinal);
    body.resource_id = order.cache_key;
    return {"POST", wire::PlayAudioPath(dialect_, call), wire::Encode(body)};
  }

  ProviderRequest CancelMedia(std::string_view call, int ordinal) const override {
    wire::CancelMediaRequest body;
    body.operation_context = fmt::format("{}", ordinal);
    return {"POST", wire::CancelMediaPath(dialect_, call), wire::Encode(body)};
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
};

}  // namespace

const Protocol* ProtocolFor(Dialect dialect) {
  static const Protocol2021 april(wire::Dialect::k2021_04);
  static const Protocol2021 may(wire::Dialect::k2021_05);
  switch (dialect) {
    case Dialect::kPreview202104: return &april;
    case Dialect::kPreview202105: return &may;
    case Dialect::kGa: return nullptr;
  }
  return nullptr;
}

}  // namespace tocsin::dialer
