#pragma once
#include <string>
#include <vector>

namespace tocsin {

// The commands of the binary. Each takes what stands behind its name, prints what
// is to be said, and returns the exit code (exit_codes.h). Main thread only.

int RunUp(const std::vector<std::string>& arguments);
int RunServe(const std::vector<std::string>& arguments);
int RunMigrate(const std::vector<std::string>& arguments);
int RunNodes(const std::vector<std::string>& arguments);
int RunTrunk(const std::vector<std::string>& arguments);
int RunCallServer(const std::vector<std::string>& arguments);
int RunRestored(const std::vector<std::string>& arguments);
int RunSize(const std::vector<std::string>& arguments);
int RunCampaign(const std::vector<std::string>& arguments);

}  // namespace tocsin
