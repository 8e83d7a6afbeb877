#pragma once
#include <string>
#include <vector>

#include "base/clock.h"

namespace tocsin {

// `tocsin campaign ...`: talks to the service over gRPC and prints tables, bars
// or JSON. `arguments` are those after the word "campaign". Results go to
// standard output; progress, retries and errors to standard error.
//
// Returns the exit code:
//   0  done (watch: the campaign has completed or was canceled)
//   1  failed: the message says why and what would help (watch: the campaign has
//      paused itself; audit: findings)
//   2  usage: the command line, the campaign file or the list is wrong
//   3  not found: no such campaign, trunk or file
int RunCampaignCommand(const std::vector<std::string>& arguments, const Clock& clock);

}  // namespace tocsin
