#pragma once
#include <string>

#include "tocsin/v1/campaign_service.pb.h"

namespace tocsin {

// Everything that the reporting schema says about a campaign: a title, a table,
// and under it the SQL to ask for it oneself.
std::string DrawReport(const v1::Report& report);

// What an import came to, by reason, and where to read on.
std::string DrawImport(const v1::ImportRecipientsResponse& imported, const std::string& path);

// A campaign and where it stands, a line a field.
std::string DrawCampaign(const v1::Campaign& campaign, const v1::CampaignProgress& progress);

// How a watched campaign ended: people by outcome.
std::string DrawEnd(const v1::CampaignProgress& progress);

}  // namespace tocsin
