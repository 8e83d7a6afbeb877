// Campaigns between the protocol and core/. Decoding is the door: behind it
// there is no proto, no unknown enum and no text with control characters.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/campaign.h"
#include "core/phone_number.h"
#include "core/store.h"
#include "tocsin/v1/campaign.pb.h"
#include "tocsin/v1/campaign_service.pb.h"
#include "tocsin/v1/trunk_service.pb.h"

namespace tocsin {

// The specification, with the defaults of core/ for what is unset. Everything
// that is wrong, ranges included, goes to `violations` with its path in the
// request ("campaign.flow.plays"); the answer is then not to be used.
CampaignSpec ReadCampaign(const v1::Campaign& message, const PhoneNumberReader& numbers,
                          std::vector<FieldViolation>& violations);

// nullopt and a violation of `field` for unspecified and unknown values.
std::optional<CancelMode> ReadCancelMode(v1::CancelMode mode, const std::string& field,
                                         std::vector<FieldViolation>& violations);

v1::Campaign ToMessage(const Campaign& campaign);
v1::Trunk ToMessage(const Trunk& trunk);
v1::RefusedRow ToMessage(const RefusedRow& row);
v1::ReportTable ToMessage(const ReportTable& table);

// `trunk`: of the campaign, for the limits that hold.
v1::CampaignProgress ToMessage(const Campaign& campaign, const CampaignProgress& progress,
                               const Trunk& trunk, absl::Time as_of);

// Whether a text has characters that move a cursor or end a string.
bool HasControlCharacters(const std::string& text);
// The same with a space in the place of each.
std::string WithoutControlCharacters(std::string text);

}  // namespace tocsin
