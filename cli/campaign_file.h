#pragma once
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "tocsin/v1/campaign.pb.h"

namespace tocsin {

// A campaign as its submitter wrote it (examples/outage.yaml).
struct CampaignFile {
  v1::Campaign campaign;
  // The recording beside the file, to be sent as a prompt; empty if the
  // campaign names an address to fetch one from.
  std::string audio_path;
  // Where each key stands: "flow.plays" -> "outage.yaml:15:10". The service
  // names fields the same way, so what it finds wrong can be shown in its place.
  std::map<std::string, std::string> places;
};

// Reads YAML. kInvalidArgument tells everything that is wrong, a line each
// ("outage.yaml:15:3: unknown key 'plys'; did you mean 'plays'?"): broken YAML,
// unknown, repeated and missing keys, values of the wrong kind, durations
// without a unit. Ranges are the service's to judge. `path` names the file in
// errors and is where a recording is looked for.
absl::StatusOr<CampaignFile> ParseCampaignFile(std::string_view text, const std::string& path);

// The same, from a file. kNotFound.
absl::StatusOr<CampaignFile> ReadCampaignFile(const std::string& path);

}  // namespace tocsin
