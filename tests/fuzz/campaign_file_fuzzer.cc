// Whatever is handed over as a campaign file: read, or refused with a place,
// never a crash. What is read is the same again, and can be sent.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "cli/campaign_file.h"

namespace tocsin {
namespace {

void Try(std::string_view text) {
  const auto file = ParseCampaignFile(text, "f.yaml");
  if (!file.ok()) {
    const std::string_view message(file.status().message().data(), file.status().message().size());
    TOCSIN_CHECK(absl::IsInvalidArgument(file.status()));
    TOCSIN_CHECK(message.find("f.yaml") == 0);
    return;
  }
  TOCSIN_CHECK(file->campaign.message().has_audio_uri() == file->audio_path.empty());
  for (const auto& [key, place] : file->places) TOCSIN_CHECK(place.find("f.yaml:") == 0);
  v1::Campaign again;
  TOCSIN_CHECK(again.ParseFromString(file->campaign.SerializeAsString()));
}

}  // namespace
}  // namespace tocsin

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tocsin::Try(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
