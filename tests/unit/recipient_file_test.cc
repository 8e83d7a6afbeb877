#include "cli/recipient_file.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/status_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tocsin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

absl::Status HeaderStatus(const std::string& header) {
  std::istringstream in(header);
  return RecipientReader::Open(in).status();
}

// A file that is gone with the test.
class ListFile {
 public:
  explicit ListFile(const std::string& text)
      : path_(std::filesystem::temp_directory_path() /
              ("recipient_file_test." + std::to_string(getpid()) + ".csv")) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~ListFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(RecipientFile, ReadsAllColumnsInAnyOrder) {
  std::istringstream in(
      "Phone, priority,PERSON_KEY,name,phone3,phone2,language,time_zone,synthetic\n"
      " (202) 555-0123 ,7,c-1,Žofie,,+12025550124,cs,America/Denver,true\n");
  absl::StatusOr<RecipientReader> reader = RecipientReader::Open(in);
  ASSERT_TRUE(reader.ok()) << reader.status();
  v1::RecipientRow row;

  ASSERT_TRUE(*reader->Next(row));

  EXPECT_EQ(row.line(), 2);
  EXPECT_EQ(row.person_key(), "c-1");
  EXPECT_EQ(row.person_name(), "Žofie");
  EXPECT_THAT(row.phones(), ElementsAre("(202) 555-0123", "+12025550124"));
  EXPECT_EQ(row.time_zone(), "America/Denver");
  EXPECT_EQ(row.language(), "cs");
  EXPECT_EQ(row.priority(), 7);
  EXPECT_TRUE(row.synthetic());
  EXPECT_FALSE(*reader->Next(row));
}

TEST(RecipientFile, RefusesAHeaderAndSaysWhichAreKnown) {
  const struct {
    std::string header;
    std::vector<std::string> said;
  } cases[] = {
      {"", {"empty", "person_key,name,phone"}},
      {"person_key,fone\n", {"'fone'", "did you mean 'phone'", "time_zone"}},
      {"person_key,phone,shoe size\n", {"'shoe size'", "known are"}},
      {"person_key,phone,phone\n", {"'phone' is there twice"}},
      {"person_key,name\n", {"'phone' is missing"}},
      {"phone,name\n", {"'person_key' is missing"}},
      {"person_key;phone;name\n", {"not separated by commas"}},
      {"person_key\tphone\n", {"not separated by commas"}},
  };
  for (const auto& [header, said] : cases) {
    const absl::Status status = HeaderStatus(header);
    ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << header;
    for (const std::string& words : said) EXPECT_THAT(Message(status), HasSubstr(words));
  }
}

TEST(RecipientFile, SendsAMissingNumberAndABadPriorityOnToTheService) {
  std::istringstream in("person_key,phone,phone2,priority\nc-1,,,high\n");
  absl::StatusOr<RecipientReader> reader = RecipientReader::Open(in);
  v1::RecipientRow row;

  ASSERT_TRUE(*reader->Next(row));

  EXPECT_TRUE(row.phones().empty());
  EXPECT_EQ(row.priority(), -1);
}

TEST(RecipientFile, CountsTheRowsOfAGoodFile) {
  const ListFile file("person_key,phone\r\na,1\r\n\r\n\"b\r\nb\",2\r\n");

  EXPECT_EQ(*CheckRecipientFile(file.path()), 2);
}

TEST(RecipientFile, TellsAllFaultyRowsTogetherAndQuotesNone) {
  const ListFile file(
      "person_key,phone,synthetic\na,12025550123\nb,12025550124,perhaps\nc,12025550125,no\n"
      "d,12025550126,no,5\n");

  const absl::Status status = CheckRecipientFile(file.path()).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr(file.path() + ": line 2: 2 fields"));
  EXPECT_THAT(Message(status), HasSubstr("line 3: synthetic"));
  EXPECT_THAT(Message(status), HasSubstr("line 5: 4 fields"));
  EXPECT_THAT(Message(status), Not(HasSubstr("line 4")));
  EXPECT_THAT(Message(status), Not(HasSubstr("5550")));
}

TEST(RecipientFile, StopsTellingAfterTwentyFaults) {
  std::string text = "person_key,phone\n";
  for (int i = 0; i < 100; ++i) text += "a\n";
  const ListFile file(text);

  const std::string message = Message(CheckRecipientFile(file.path()).status());

  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 20);
  EXPECT_THAT(message, HasSubstr("perhaps more"));
}

TEST(RecipientFile, SaysThatThereIsNoSuchFile) {
  EXPECT_EQ(CheckRecipientFile("/no/such.csv").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(CheckRecipientFile("/").status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(RecipientFile, HasAColumnForEachVariableOfTheMessage) {
  std::istringstream in("person_key,phone,Street,until\nc-1,12025550123, 14 Mill Road ,\n");
  absl::StatusOr<RecipientReader> reader = RecipientReader::Open(in, {"street", "until"});
  ASSERT_TRUE(reader.ok()) << reader.status();
  v1::RecipientRow row;
  ASSERT_TRUE(*reader->Next(row));
  EXPECT_EQ(row.variables().at("street"), "14 Mill Road");
  EXPECT_FALSE(row.variables().contains("until")) << "an empty one is missing";

  const auto refused = [](const char* header, std::vector<std::string> variables) {
    std::istringstream list(header);
    return Message(RecipientReader::Open(list, variables).status());
  };
  EXPECT_THAT(refused("person_key,phone\n", {"street"}),
              HasSubstr("line 1: column 'street' is missing; the message says {street}"));
  EXPECT_THAT(refused("person_key,phone\n", {"name"}), HasSubstr("column 'name' is missing"));
  EXPECT_THAT(refused("person_key,phone,stret\n", {"street"}), HasSubstr("did you mean 'street'?"));
  EXPECT_THAT(refused("person_key,phone,street\n", {}), HasSubstr("unknown column 'street'"));
}

TEST(RecipientFile, KnowsWhichColumnsACampaignNeeds) {
  const auto columns = [](const char* text) {
    v1::Campaign campaign;
    (*campaign.mutable_message()->mutable_texts()->mutable_templates())["en"] = text;
    return VariableColumns(campaign);
  };
  EXPECT_THAT(*columns("{street} {name} {until}"), ElementsAre("name", "street", "until"));
  EXPECT_THAT(*VariableColumns(v1::Campaign()), testing::IsEmpty());
  EXPECT_THAT(Message(columns("{phone}").status()), HasSubstr("{phone} is a column"));
  EXPECT_THAT(Message(columns("{").status()), HasSubstr("en: at character 1"));
}

}  // namespace
}  // namespace tocsin
