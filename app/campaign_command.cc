#include "app/commands.h"
#include "base/clock.h"
#include "cli/campaign_commands.h"

namespace tocsin {

int RunCampaign(const std::vector<std::string>& arguments) {
  return RunCampaignCommand(arguments, SystemClock());
}

}  // namespace tocsin
