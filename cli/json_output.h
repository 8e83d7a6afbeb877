// What the command line prints with -o json: the only file of cli/ that knows
// the JSON library. One object (or list) a result, fields named as in the
// protocol, numbers as numbers, times in RFC 3339.
#pragma once

#include <string>
#include <vector>

#include "tocsin/v1/campaign_service.pb.h"

namespace tocsin {

// Indented, for a result that is printed once; each ends in '\n'.
std::string ToJson(const v1::Campaign& campaign);
std::string ToJson(const std::vector<v1::Campaign>& campaigns);
std::string ToJson(const v1::ImportRecipientsResponse& imported);
std::string ToJson(const std::vector<v1::RefusedRow>& rows);
std::string ToJson(const v1::Report& report);
std::string ToJson(const v1::RunAuditResponse& audit);
// {"campaign": ..., "progress": ...}
std::string ToJson(const v1::Campaign& campaign, const v1::CampaignProgress& progress);

// What `create` did, in one line, so that the lines of --watch may follow:
// {"campaign": ..., "import": ...}
std::string ToJson(const v1::Campaign& campaign, const v1::ImportRecipientsResponse& imported);
// One line, for a stream of them (JSON Lines).
std::string ToJsonLine(const v1::CampaignProgress& progress);

}  // namespace tocsin
