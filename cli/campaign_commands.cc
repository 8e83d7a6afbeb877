// The only file of cli/ that knows CLI11: it takes long to compile.
#include "cli/campaign_commands.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <limits>

#include "base/status_macros.h"
#include "cli/campaign_actions.h"
#include "cli/service_access.h"

namespace tocsin {
namespace {

constexpr int kDone = 0;
constexpr int kUsage = 2;
constexpr char kExitCodes[] =
    "Exit codes: 0 done; 1 failed; 2 wrong usage, campaign file or list; 3 not found.";

// What the command line said; the subcommands fill in their part.
struct Said {
  ServiceAccess service;
  OutputFormat format = OutputFormat::kTable;
  std::string name;
  CreateOptions create;
  std::string recipients;
  std::string request_id;
  std::int64_t limit = 0;
  bool watch = false;
  bool hang_up = false;
  bool drain = false;
};

using Run = std::function<int(CampaignActions&)>;

class CommandTree {
 public:
  explicit CommandTree(CLI::App& app) : app_(app) {
    app_.description("Creates campaigns, steers them and tells how they do");
    app_.footer(kExitCodes);
    app_.require_subcommand(1);
    app_.fallthrough();
    AddAccess();
    app_.add_option("-o,--output", said_.format, "table or json")
        ->transform(CLI::CheckedTransformer(std::map<std::string, OutputFormat>{
            {"table", OutputFormat::kTable}, {"json", OutputFormat::kJson}}));
    AddCreate();
    AddImport();
    AddReading();
    AddSteering();
  }

  const Said& said() const { return said_; }
  const Run& run() const { return run_; }

 private:
  void AddAccess() {
    ServiceAccess& service = said_.service;
    app_.add_option("--server", service.server,
                    "host:port of the service; https://host:port with TLS")
        ->envname("TOCSIN_SERVER")
        ->capture_default_str();
    app_.add_option("--server-ca-file", service.ca_file,
                    "PEM of the authorities of its certificate, if not the system's; turns TLS on")
        ->envname("TOCSIN_SERVER_CA_FILE");
    app_.add_option("--client-certificate-file", service.certificate_file,
                    "PEM of our certificate, if the service asks for one")
        ->envname("TOCSIN_CLIENT_CERTIFICATE_FILE");
    app_.add_option("--client-key-file", service.key_file, "PEM of that certificate's key")
        ->envname("TOCSIN_CLIENT_KEY_FILE");
  }

  CLI::App* Add(const std::string& command, const std::string& about, Run run) {
    CLI::App* sub = app_.add_subcommand(command, about);
    sub->footer(kExitCodes);
    sub->callback([this, run = std::move(run)] { run_ = run; });
    return sub;
  }

  CLI::App* AddNamed(const std::string& command, const std::string& about, Run run) {
    CLI::App* sub = Add(command, about, std::move(run));
    sub->add_option("campaign", said_.name, "\"campaigns/7\" or \"7\"")->required();
    return sub;
  }

  void AddCreate() {
    CLI::App* sub = Add("create", "Create a campaign from a file, and import its people",
                        [this](CampaignActions& actions) { return actions.Create(said_.create); });
    sub->add_option("-f,--file", said_.create.campaign_file, "The campaign, as YAML")->required();
    sub->add_option("--recipients", said_.create.recipients,
                    "The people, as CSV: person_key,name,phone,phone2,phone3,time_zone,language,"
                    "priority,synthetic (person_key and phone are required)");
    CLI::Option* start =
        sub->add_flag("--start", said_.create.start, "Start it when its people are in");
    sub->add_flag("--watch", said_.create.watch, "Watch it until it has ended")->needs(start);
  }

  void AddImport() {
    CLI::App* sub =
        AddNamed("import", "Add people to a campaign, or go on after an interruption",
                 [this](CampaignActions& actions) {
                   return actions.Import(said_.name, said_.recipients, said_.request_id);
                 });
    sub->add_option("--recipients", said_.recipients, "The people, as CSV")->required();
    sub->add_option("--request-id", said_.request_id,
                    "Of an import that was interrupted: goes on where it stopped");
  }

  void AddReading() {
    CLI::App* list = Add("list", "List campaigns, newest first",
                         [this](CampaignActions& actions) { return actions.List(said_.limit); });
    list->add_option("--limit", said_.limit, "At most so many")
        ->default_val(50)
        ->check(CLI::PositiveNumber);
    AddNamed("get", "Tell where a campaign stands",
             [this](CampaignActions& actions) { return actions.Get(said_.name); });
    AddNamed("watch", "Show the progress until the campaign has ended",
             [this](CampaignActions& actions) { return actions.Watch(said_.name); });
    AddNamed("report", "Print the report, and the SQL to ask for it yourself",
             [this](CampaignActions& actions) { return actions.Report(said_.name); });
    CLI::App* refused = AddNamed(
        "refused", "List the rows that were not taken, and why",
        [this](CampaignActions& actions) { return actions.Refused(said_.name, said_.limit); });
    refused->add_option("--limit", said_.limit, "At most so many")
        ->default_val(std::numeric_limits<std::int32_t>::max())
        ->check(CLI::PositiveNumber);
    CLI::App* audit = Add("audit", "Check the books; findings are a failure (exit code 1)",
                          [this](CampaignActions& actions) { return actions.Audit(said_.name); });
    audit->add_option("campaign", said_.name, "\"campaigns/7\" or \"7\"; none: all campaigns");
  }

  void AddSteering() {
    CLI::App* start = AddNamed("start", "Begin to ring people", [this](CampaignActions& a) {
      return a.Start(said_.name, said_.watch);
    });
    start->add_flag("--watch", said_.watch, "Watch it until it has ended");
    AddNamed("pause", "Place no more calls for now; those in progress go on",
             [this](CampaignActions& actions) { return actions.Pause(said_.name); });
    CLI::App* resume = AddNamed("resume", "Go on after a pause", [this](CampaignActions& a) {
      return a.Resume(said_.name, said_.watch);
    });
    resume->add_flag("--watch", said_.watch, "Watch it until it has ended");
    CLI::App* cancel =
        AddNamed("cancel", "End a campaign for good", [this](CampaignActions& actions) {
          return actions.Cancel(said_.name,
                                said_.hang_up ? v1::CANCEL_MODE_HANG_UP : v1::CANCEL_MODE_DRAIN);
        });
    CLI::Option* hang_up =
        cancel->add_flag("--hang-up", said_.hang_up, "Hang up the calls in progress");
    cancel->add_flag("--drain", said_.drain, "Let the calls in progress end (the default)")
        ->excludes(hang_up);
  }

  CLI::App& app_;
  Said said_;
  Run run_;
};

}  // namespace

int RunCampaignCommand(const std::vector<std::string>& arguments, const Clock& clock) {
  CLI::App app("", "tocsin campaign");
  CommandTree tree(app);
  try {
    // CLI11 takes them from the back.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  absl::StatusOr<ServiceChannel> service = Resolve(tree.said().service);
  if (!service.ok()) {
    fmt::print(stderr, "tocsin campaign: {}\n", Message(service.status()));
    return kUsage;
  }
  CampaignActions actions(*std::move(service), DetectTerminal(tree.said().format), clock);
  return tree.run()(actions);
}

}  // namespace tocsin
