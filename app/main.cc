#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.h"
#include "app/exit_codes.h"
#include "app/process_signals.h"

namespace tocsin {
namespace {

constexpr const char* kUsage = R"(Rings many people, and keeps account of what became of each.

  tocsin up --data-dir DIR     everything on this machine, PostgreSQL included
  tocsin serve                 a node on a database of yours
  tocsin migrate               up, down or status of that database's schema
  tocsin restored              after a restore from a backup: pauses every campaign
  tocsin nodes                 the nodes on that database: roles, lease, version, lag
  tocsin trunk                 apply or list that database's provider endpoints
  tocsin call-server           a Call Automation endpoint that rings nobody
  tocsin campaign              create, start, watch and report campaigns
  tocsin size                  how many calls a second, lines and numbers it takes
  tocsin version

Each takes --help. Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 78 bad configuration.
)";

int Dispatch(std::string_view command, const std::vector<std::string>& arguments) {
  if (command == "up") return RunUp(arguments);
  if (command == "serve") return RunServe(arguments);
  if (command == "migrate") return RunMigrate(arguments);
  if (command == "restored") return RunRestored(arguments);
  if (command == "size") return RunSize(arguments);
  if (command == "nodes") return RunNodes(arguments);
  if (command == "trunk") return RunTrunk(arguments);
  if (command == "call-server") return RunCallServer(arguments);
  if (command == "campaign") return RunCampaign(arguments);
  if (command == "version" || command == "--version") {
    std::printf("tocsin %s\n", TOCSIN_VERSION);
    return kExitDone;
  }
  if (command == "help" || command == "--help" || command == "-h") {
    std::fputs(kUsage, stdout);
    return kExitDone;
  }
  std::fputs(kUsage, stderr);
  return kExitUsage;
}

}  // namespace
}  // namespace tocsin

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) return tocsin::Dispatch("", {});
  return tocsin::Dispatch(words[0], {words.begin() + 1, words.end()});
}
