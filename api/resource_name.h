#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/campaign.h"
#include "core/ids.h"

namespace tocsin {

// "campaigns/7", "prompts/3", "trunks/local": how resources are called outside.
std::string CampaignName(CampaignId id);
std::string PromptName(PromptId id);
std::string TrunkName(std::string_view trunk);

// The other way. What is not such a name becomes a violation of `field`, and
// the answer an unset id or an empty string.
CampaignId ReadCampaignName(std::string_view name, const std::string& field,
                            std::vector<FieldViolation>& violations);
PromptId ReadPromptName(std::string_view name, const std::string& field,
                        std::vector<FieldViolation>& violations);
std::string ReadTrunkName(std::string_view name, const std::string& field,
                          std::vector<FieldViolation>& violations);

// Where the next page begins, in a form that invites nobody to count with it.
// Empty for 0, and 0 for empty.
std::string PageToken(std::int64_t after);
std::int64_t ReadPageToken(std::string_view token, std::vector<FieldViolation>& violations);

// 0 becomes `usual`, and more than 1,000 is cut to that.
int ReadPageSize(int size, int usual, std::vector<FieldViolation>& violations);

}  // namespace tocsin
