#pragma once
#include <string>

#include "callserver/faults.h"
#include "callserver/server.h"

namespace tocsin::callserver {

// What /admin/faults answers: the plan, how often each fault could have happened
// and did, and what the server is at.
std::string FaultReport(const Faults& faults, const CallServer::LiveStats& stats);

}  // namespace tocsin::callserver
