// The command line against a real service over the store in memory: what is
// printed, and with which exit code it ends.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "api/server.h"
#include "cli/campaign_client.h"
#include "cli/campaign_commands.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/faulty_campaign_store.h"
#include "tests/support/in_memory_store.h"
#include "tests/support/wav_file.h"

namespace tocsin {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

constexpr char kCampaignFile[] = R"(name: Outage
purpose: outage
message:
  audio: outage.wav
recipients:
  synthetic: true
)";

constexpr char kList[] =
    "person_key,name,phone,phone2\n"
    "c-1,Žofie,(202) 555-0101,\n"
    "c-2,黒田,nonsense,202-555-0102\n"
    "c-1,Again,+12025550103,\n"
    "c-3,Nobody,,\n";

struct Ran {
  int exit_code = 0;
  std::string out;
  std::string err;
};

class CampaignCommandTest : public testing::Test {
 protected:
  CampaignCommandTest()
      : folder_(std::filesystem::temp_directory_path() /
                ("campaign_command_test." + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
    Write("outage.yaml", kCampaignFile);
    Write("outage.wav", WavFile());
    Write("list.csv", kList);
    Trunk trunk;
    trunk.name = "local";
    trunk.endpoint = "http://127.0.0.1:1";
    trunk.caller_numbers = {*PhoneNumber::Parse("+12025550100")};
    EXPECT_TRUE(memory_.SaveTrunk(trunk, absl::FromUnixSeconds(1)).ok());
    auto server = ApiServer::Start({.listen_address = "127.0.0.1:0"}, store_,
                                   LibPhoneNumberReader(), SystemClock());
    EXPECT_TRUE(server.ok());
    server_ = *std::move(server);
  }
  ~CampaignCommandTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  std::string Path(const std::string& name) { return (folder_ / name).string(); }

  Ran RunAlone(const std::vector<std::string>& arguments) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Ran ran;
    ran.exit_code = RunCampaignCommand(arguments, SystemClock());
    ran.out = testing::internal::GetCapturedStdout();
    ran.err = testing::internal::GetCapturedStderr();
    return ran;
  }

  Ran Run(std::vector<std::string> arguments) {
    arguments.push_back("--server");
    arguments.push_back("127.0.0.1:" + std::to_string(server_->port()));
    return RunAlone(arguments);
  }

  // The name of the only campaign.
  std::string OnlyCampaign() {
    const auto page = memory_.ListCampaigns(TenantId(1), CampaignId(), 10);
    EXPECT_EQ(page->campaigns.size(), 1U);
    return "campaigns/" + std::to_string(page->campaigns.at(0).id.value());
  }

  std::filesystem::path folder_;
  InMemoryStore memory_;
  FaultyCampaignStore store_{memory_};
  std::unique_ptr<ApiServer> server_;
};

TEST_F(CampaignCommandTest, CreatesImportsAndStartsInOneGo) {
  const Ran ran =
      Run({"create", "-f", Path("outage.yaml"), "--recipients", Path("list.csv"), "--start"});

  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("created campaigns/"));
  EXPECT_THAT(ran.out, HasSubstr("2 accepted, 1 duplicate, 1 refused"));
  EXPECT_THAT(ran.out, HasSubstr("MISSING_NUMBER       1"));
  EXPECT_THAT(ran.out, HasSubstr("1 number was left out"));
  EXPECT_THAT(ran.out, HasSubstr("started campaigns/"));
  EXPECT_EQ(memory_.ListCampaigns(TenantId(1), CampaignId(), 10)->campaigns.at(0).state,
            CampaignState::kRunning);
}

TEST_F(CampaignCommandTest, PrintsJsonThatCanBeRead) {
  const Ran ran =
      Run({"-o", "json", "create", "-f", Path("outage.yaml"), "--recipients", Path("list.csv")});

  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr(R"("state":"DRAFT")"));
  EXPECT_THAT(ran.out, HasSubstr(R"("accepted":2,"duplicates":1,"refused":1)"));
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 1);
}

TEST_F(CampaignCommandTest, CreatesNothingWhenAFileIsWrong) {
  const Ran both = Run({"create", "-f", Write("typo.yaml", "nmae: x\n"), "--recipients",
                        Write("bad.csv", "person_key,fone\n")});
  EXPECT_EQ(both.exit_code, 2);
  EXPECT_THAT(both.err, HasSubstr("typo.yaml:1:1: unknown key 'nmae'; did you mean 'name'?"));
  EXPECT_THAT(both.err, HasSubstr("did you mean 'phone'?"));

  const Ran quotes = Run({"create", "-f", Path("outage.yaml"), "--recipients",
                          Write("bad.csv", "person_key,phone\na,\"1\n")});
  EXPECT_EQ(quotes.exit_code, 2);
  EXPECT_THAT(quotes.err, HasSubstr("line 2, column 3"));

  const Ran missing = Run({"create", "-f", Path("outage.yaml"), "--recipients", Path("no.csv")});
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.err, HasSubstr("no.csv: no such file"));
  EXPECT_TRUE(memory_.ListCampaigns(TenantId(1), CampaignId(), 10)->campaigns.empty());
}

TEST_F(CampaignCommandTest, ShowsWhatTheServiceRefusesAtItsPlaceInTheFile) {
  const Ran ran = Run({"create", "-f",
                       Write("wide.yaml", std::string(kCampaignFile) + "flow: {plays: 9}\n"
                                                                       "priority: 12\n")});
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.err, HasSubstr("wide.yaml:7:15: flow.plays: is 9; it must be 1 to 5"));
  EXPECT_THAT(ran.err, HasSubstr("wide.yaml:8:11: priority: is 12"));

  Write("outage.wav", WavFile({.channels = 2}));
  const Ran stereo = Run({"create", "-f", Path("outage.yaml")});
  EXPECT_EQ(stereo.exit_code, 2);
  EXPECT_THAT(stereo.err, HasSubstr("outage.yaml:4:10: message.audio: the recording has 2"));

  std::filesystem::remove(folder_ / "outage.wav");
  const Ran silent = Run({"create", "-f", Path("outage.yaml")});
  EXPECT_EQ(silent.exit_code, 3);
  EXPECT_THAT(silent.err, HasSubstr("outage.wav: no such file"));
}

TEST_F(CampaignCommandTest, SteersAndReadsACampaignByNameOrNumber) {
  Run({"create", "-f", Path("outage.yaml"), "--recipients", Path("list.csv")});
  const std::string name = OnlyCampaign();

  EXPECT_EQ(Run({"start", name}).out, name + " is RUNNING\n");
  EXPECT_EQ(Run({"pause", name.substr(10)}).out, name + " is PAUSED\n");
  EXPECT_THAT(Run({"list"}).out, HasSubstr("PAUSED"));
  EXPECT_THAT(Run({"get", name}).out, HasSubstr("people        2, and 1 duplicates"));
  EXPECT_THAT(Run({"get", name, "-o", "json"}).out, HasSubstr(R"("people": 2)"));
  EXPECT_EQ(Run({"resume", name}).out, name + " is RUNNING\n");
  const Ran refused = Run({"refused", name});
  EXPECT_THAT(refused.out, HasSubstr("DUPLICATE_PERSON"));
  EXPECT_THAT(refused.out, HasSubstr("MISSING_NUMBER"));
  EXPECT_THAT(refused.out, Not(HasSubstr("555")));
  EXPECT_EQ(Run({"audit"}).exit_code, 0);
  EXPECT_EQ(Run({"audit", name}).exit_code, 0);
  EXPECT_EQ(Run({"cancel", name, "--hang-up"}).exit_code, 0);
  const Ran again = Run({"start", name});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("cannot START"));
}

TEST_F(CampaignCommandTest, PrintsTheSqlUnderEachTableOfTheReport) {
  Run({"create", "-f", Path("outage.yaml")});
  store_.SetReport({{.title = "People by outcome",
                     .sql = "SELECT outcome, count(*)\nFROM reporting.recipient_outcomes;\n",
                     .columns = {"outcome", "people"},
                     .rows = {{"CONFIRMED", "7"}, {"-", "12"}}}});

  const Ran ran = Run({"report", OnlyCampaign()});

  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.out, HasSubstr("\nPeople by outcome\n\noutcome    people\n"
                                 "CONFIRMED       7\n-              12\n"));
  EXPECT_THAT(ran.out, HasSubstr("    SELECT outcome, count(*)\n"
                                 "    FROM reporting.recipient_outcomes;\n"));
  EXPECT_THAT(Run({"report", OnlyCampaign(), "-o", "json"}).out, HasSubstr(R"("CONFIRMED")"));
}

TEST_F(CampaignCommandTest, WatchEndsWithTheCampaign) {
  Run({"create", "-f", Path("outage.yaml"), "--recipients", Path("list.csv"), "--start"});
  const std::string name = OnlyCampaign();
  const CampaignId id(std::stoll(name.substr(10)));
  Run({"cancel", name, "--drain"});
  while (*memory_.ConcludeRecipients(id, Outcome::kCanceled, 10, SystemClock().Now()) > 0) {
  }
  ASSERT_TRUE(*memory_.CompleteIfDone(id, SystemClock().Now()));

  const Ran ran = Run({"watch", name});

  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.out, HasSubstr(" CANCELED done=2/2 live=0 "));
  EXPECT_THAT(ran.out, HasSubstr("CANCELED       2"));
  EXPECT_THAT(Run({"watch", name, "-o", "json"}).out, HasSubstr(R"("outcomes":{"CANCELED":2})"));
}

TEST_F(CampaignCommandTest, WatchEndsWhenACampaignHasPausedItself) {
  Run({"create", "-f", Path("outage.yaml"), "--recipients", Path("list.csv"), "--start"});
  const std::string name = OnlyCampaign();
  ASSERT_TRUE(memory_
                  .PauseCampaign(CampaignId(std::stoll(name.substr(10))),
                                 "breaker: nobody hears the message", SystemClock().Now())
                  .ok());

  const Ran ran = Run({"watch", name});

  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.err, HasSubstr("has paused itself: breaker: nobody hears the message"));
  EXPECT_THAT(ran.err, HasSubstr("tocsin campaign resume"));
}

TEST_F(CampaignCommandTest, RepeatsWhileTheDatabaseIsAwayAndSaysSo) {
  store_.FailNext("CreateCampaign", {{absl::UnavailableError("the database is away")}});
  store_.FailNext("ImportBatch", {{absl::UnavailableError("the database is away")}});

  const Ran ran = Run({"create", "-f", Path("outage.yaml"), "--recipients", Path("list.csv")});

  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("the database is away; trying again in 500ms (2 of 5)"));
  EXPECT_THAT(ran.err, HasSubstr("0 rows are stored"));
  EXPECT_THAT(ran.out, HasSubstr("2 accepted"));
  OnlyCampaign();
}

TEST_F(CampaignCommandTest, FindsAServiceThatComesUpWhileItWaits) {
  const std::string address = "127.0.0.1:" + std::to_string(server_->port());
  server_.reset();
  int announced = 0;
  CampaignClient client(*Resolve({.server = address}), SystemClock(), [&](const std::string& said) {
    EXPECT_THAT(said, HasSubstr("nothing answers at " + address));
    if (++announced != 2) return;
    auto server = ApiServer::Start({.listen_address = address}, store_, LibPhoneNumberReader(),
                                   SystemClock());
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  });

  EXPECT_TRUE(client.List(1).ok());
  EXPECT_EQ(announced, 2);
}

TEST_F(CampaignCommandTest, SaysWhatIsNotThere) {
  for (const char* command :
       {"get", "start", "pause", "resume", "cancel", "watch", "report", "refused", "audit"}) {
    const Ran ran = Run({command, "77"});
    EXPECT_EQ(ran.exit_code, 3) << command << ran.err;
    EXPECT_THAT(ran.err, HasSubstr("no campaign 77")) << command;
  }
}

TEST_F(CampaignCommandTest, UsageErrorsAreTwoAndHelpIsZero) {
  EXPECT_EQ(RunAlone({}).exit_code, 2);
  EXPECT_EQ(RunAlone({"frobnicate"}).exit_code, 2);
  EXPECT_EQ(RunAlone({"create"}).exit_code, 2);
  EXPECT_EQ(RunAlone({"create", "-f", Path("outage.yaml"), "--watch"}).exit_code, 2)
      << "nothing would ever happen";
  EXPECT_EQ(RunAlone({"get"}).exit_code, 2);
  EXPECT_EQ(RunAlone({"get", "7", "-o", "xml"}).exit_code, 2);
  EXPECT_EQ(RunAlone({"cancel", "7", "--drain", "--hang-up"}).exit_code, 2);
  EXPECT_EQ(RunAlone({"list", "--limit", "0"}).exit_code, 2);
  EXPECT_EQ(Run({"get", "nonsense/7"}).exit_code, 2);
  const Ran help = RunAlone({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("Exit codes: 0 done; 1 failed; 2 wrong usage"));
  EXPECT_THAT(RunAlone({"create", "--help"}).out, HasSubstr("Exit codes"));
}

}  // namespace
}  // namespace tocsin
