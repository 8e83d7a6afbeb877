#include "cli/csv_reader.h"

#include <sstream>

#include "base/status_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tocsin {
namespace {

using Rows = std::vector<std::vector<std::string>>;
using testing::HasSubstr;

// All rows, or the first error.
absl::StatusOr<Rows> ReadAll(const std::string& text) {
  std::istringstream in(text);
  CsvReader reader(in);
  CsvRecord record;
  Rows rows;
  while (true) {
    TOCSIN_ASSIGN_OR_RETURN(const bool found, reader.Next(record));
    if (!found) return rows;
    rows.push_back(record.fields);
  }
}

TEST(CsvReader, ReadsWhatSpreadsheetsWrite) {
  const struct {
    std::string text;
    Rows rows;
  } cases[] = {
      {"", {}},
      {"\n\r\n\n", {}},
      {"a,b\n1,2\n", {{"a", "b"}, {"1", "2"}}},
      {"a,b\r\n1,2\r\n", {{"a", "b"}, {"1", "2"}}},
      {"a,b\r1,2\r", {{"a", "b"}, {"1", "2"}}},
      {"a,b\n1,2", {{"a", "b"}, {"1", "2"}}},
      {"a,b\n\n1,2\n\n", {{"a", "b"}, {"1", "2"}}},
      {"\xEF\xBB\xBF"
       "a,b\n",
       {{"a", "b"}}},
      {"a,,\n", {{"a", "", ""}}},
      {",", {{"", ""}}},
      {"\"\"", {{""}}},
      {"\"a,b\",c\n", {{"a,b", "c"}}},
      {"\"say \"\"hi\"\"\",c\n", {{"say \"hi\"", "c"}}},
      {"\"two\nlines\",c\n", {{"two\nlines", "c"}}},
      {"\"two\r\nlines\",c\r\n", {{"two\r\nlines", "c"}}},
      {"Žofie,黒田\n", {{"Žofie", "黒田"}}},
  };
  for (const auto& [text, rows] : cases) {
    const absl::StatusOr<Rows> read = ReadAll(text);
    ASSERT_TRUE(read.ok()) << text << ": " << read.status();
    EXPECT_EQ(*read, rows) << text;
  }
}

TEST(CsvReader, NamesPlaceAndRemedyOfWhatIsBroken) {
  const struct {
    std::string text;
    std::string place;
    std::string remedy;
  } cases[] = {
      {"a,b\n1,\"x\n", "line 2, column 3", "never closed"},
      {"a,b\n1,x\"y\n", "line 2, column 4", "in quotes"},
      {"é,x\"y\n", "line 1, column 4", "in quotes"},
      {"a,b\n\"x\"y,2\n", "line 2, column 4", "written twice"},
      {"\"two\nlines\"y,2\n", "line 2, column 7", "written twice"},
      {"a,b\n1,caf\xE9\n", "line 2", "UTF-8"},
      {"a\n\"x\ny\xFF\"\n", "line 3", "UTF-8"},
      {"a,b\n1,\xED\xA0\x80\n", "line 2", "UTF-8"},
      {std::string("a,b\n1,\0\n", 8), "line 2", "NUL"},
      {"\xFF\xFE"
       "a",
       "line 1, column 1", "UTF-16"},
      {"a\n" + std::string(2 << 20, 'x'), "line 2", "1 MiB"},
      {"a\n\"" + std::string(2 << 20, 'x'), "line 2, column 1", "closing quote"},
  };
  for (const auto& [text, place, remedy] : cases) {
    const absl::StatusOr<Rows> read = ReadAll(text);
    ASSERT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument) << text.substr(0, 20);
    EXPECT_THAT(Message(read.status()), HasSubstr(place));
    EXPECT_THAT(Message(read.status()), HasSubstr(remedy));
  }
}

TEST(CsvReader, TellsTheLineOnWhichARowBegins) {
  std::istringstream in("h\n\n\"a\nb\"\r\nc\n");
  CsvReader reader(in);
  CsvRecord record;
  std::vector<std::int64_t> lines;
  while (*reader.Next(record)) lines.push_back(record.line);

  EXPECT_EQ(lines, (std::vector<std::int64_t>{1, 3, 5}));
}

TEST(CsvReader, StaysBrokenAfterAnError) {
  std::istringstream in("a\"\nb\n");
  CsvReader reader(in);
  CsvRecord record;

  const absl::Status first = reader.Next(record).status();

  EXPECT_FALSE(first.ok());
  EXPECT_EQ(reader.Next(record).status(), first);
}

TEST(CsvReader, ReadsAcrossTheEdgesOfItsChunks) {
  // Every alignment of a quoted CR LF and of an escaped quote to the 64 KiB edge.
  for (std::size_t before = (64 << 10) - 12; before <= (64 << 10) + 2; ++before) {
    const std::string filler(before, 'x');
    const absl::StatusOr<Rows> read = ReadAll(filler + ",\"a\"\"b\r\nc\",é\r\nd,e,f\r\n");
    ASSERT_TRUE(read.ok()) << before << read.status();
    EXPECT_EQ(*read, (Rows{{filler, "a\"b\r\nc", "é"}, {"d", "e", "f"}})) << before;
  }
}

TEST(CsvReader, EveryTruncationIsReadOrRefused) {
  const std::string text = "\xEF\xBB\xBFkey,name\r\n1,\"O\"\"Neill, Žofie\r\nsecond\"\r\n2,x\r\n";
  ASSERT_TRUE(ReadAll(text).ok());
  for (std::size_t size = 0; size < text.size(); ++size) {
    const absl::StatusOr<Rows> read = ReadAll(text.substr(0, size));
    ASSERT_TRUE(read.ok() || absl::IsInvalidArgument(read.status())) << size;
  }
}

}  // namespace
}  // namespace tocsin
