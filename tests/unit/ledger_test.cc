#include "callserver/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "callserver/ledger_audit.h"
#include "fmt/format.h"

namespace tocsin::callserver {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

// One line of every kind.
std::vector<LedgerLine> EveryLine() {
  const auto line = [](LedgerEntry entry, std::string leg = "leg") {
    return LedgerLine{.at = kStart + absl::Microseconds(123),
                      .call_leg_id = std::move(leg),
                      .entry = std::move(entry)};
  };
  return {
      line(ServerStarted{.seed = 0xFFFF'FFFF'FFFF'FFFFULL, .time_scale = 0.5}, ""),
      line(ServerStopped{}, ""),
      line(CreateArrived{.status = 200,
                         .number = "+15555550100",
                         .caller_number = "+18005550100",
                         .callback_uri = "http://h/callbacks/5/6",
                         .attempt = AttemptKey{CampaignId(5), AttemptId(6)}}),
      line(CreateArrived{.status = 429, .number = "+1", .fault = "throttled"}, ""),
      line(CreateArrived{.status = 200, .number = "+1", .never_ends = true}),
      line(StateReached{"Established"}),
      line(PlayStarted{.operation_context = "1", .audio_ms = 12, .loop = true}),
      line(PlayEnded{.operation_context = "1", .code = 400, .subcode = 8508, .heard_ms = 3}),
      line(KeyPressed{.key = '1', .play_ms = 900}),
      line(HangUpAsked{}),
      line(CallEnded{.far_end = "human",
                     .reason = "application",
                     .answered = true,
                     .talk_ms = 7,
                     .keys = "1*"}),
      line(CallbackDone{.type = "DtmfReceived", .status = 503, .tries = 5, .dropped = true}),
      line(CallbackDone{.type = "CallLegStateChanged", .state = "Established", .fault = "lost"}),
      line(CallbackDone{.type = "ContinuousDtmfRecognitionToneReceived", .tone = "#"}),
      line(CallbackDone{.type = "PlayAudioResult",
                        .operation_context = "1",
                        .code = 400,
                        .subcode = 8508,
                        .status = 200,
                        .tries = 1}),
      line(FaultsSet{R"({"create":{"html":{"every":2}},"seed":1})"}, ""),
  };
}

// A file of its own for each test.
class LedgerFile : public testing::Test {
 protected:
  LedgerFile()
      : path_(testing::TempDir() + "/ledger_" +
              testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove(path_);
  }
  ~LedgerFile() override { std::filesystem::remove(path_); }

  std::unique_ptr<Ledger> Open() { return Ledger::Open(path_).value(); }

  void Write(const std::vector<LedgerLine>& lines) {
    const auto ledger = Open();
    ASSERT_TRUE(ledger->Write(ledger->Append(lines)).ok());
  }

  void WriteText(const std::string& text) { std::ofstream(path_, std::ios::app) << text; }

  LedgerAudit AuditIt() {
    const auto reading = ReadLedger(path_);
    EXPECT_TRUE(reading.ok()) << reading.status();
    return Audit(*reading, '1');
  }

  const std::string path_;
};

LedgerLine At(absl::Duration after, std::string leg, LedgerEntry entry) {
  return {.at = kStart + after, .call_leg_id = std::move(leg), .entry = std::move(entry)};
}

LedgerLine Create(absl::Duration after, const std::string& leg, const std::string& number) {
  return At(after, leg, CreateArrived{.status = 200, .number = number});
}

LedgerLine Ended(absl::Duration after, const std::string& leg) {
  return At(after, leg, CallEnded{.far_end = "human", .reason = "far_end", .answered = true});
}

TEST(LedgerLines, EveryKindGoesThereAndBack) {
  for (const LedgerLine& line : EveryLine()) {
    const std::string text = FormatLedgerLine(line);
    EXPECT_EQ(text.find('\n'), text.size() - 1);
    const auto parsed = ParseLedgerLine(text);
    ASSERT_TRUE(parsed.ok()) << text << parsed.status();
    EXPECT_EQ(*parsed, line) << text;
    EXPECT_NE(WhatOf(text), "");
  }
}

TEST(LedgerLines, TheTimeStandsInBothForms) {
  EXPECT_EQ(
      FormatLedgerLine(EveryLine()[1]),
      R"({"what":"server_stopped","at":"2023-11-14T22:13:20.000123Z","at_us":1700000000000123})"
      "\n");
}

TEST(LedgerLines, EveryTruncationIsRefused) {
  for (const LedgerLine& line : EveryLine()) {
    const std::string text = FormatLedgerLine(line);
    for (std::size_t size = 0; size + 1 < text.size(); ++size) {
      EXPECT_FALSE(ParseLedgerLine(std::string_view(text).substr(0, size)).ok()) << text << size;
    }
  }
  EXPECT_FALSE(ParseLedgerLine(R"({"what":"dance","at_us":1})").ok());
}

TEST_F(LedgerFile, IsTheOwnersAlone) {
  Write(EveryLine());

  struct stat status = {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(LedgerFile, KeepsTheOrderAndWholeLinesUnderManyWriters) {
  const auto ledger = Open();
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 8; ++writer) {
    writers.emplace_back([&ledger, writer] {
      for (int i = 0; i < 200; ++i) {
        const auto line = At(absl::Seconds(i), fmt::format("{}", writer), HangUpAsked{});
        ASSERT_TRUE(ledger->Write(ledger->Append({line})).ok());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();

  std::map<std::string, absl::Time> last;
  std::ifstream file(path_);
  int lines = 0;
  for (std::string text; std::getline(file, text); ++lines) {
    const auto line = ParseLedgerLine(text);
    ASSERT_TRUE(line.ok()) << text;
    const auto [it, is_first] = last.try_emplace(line->call_leg_id, line->at);
    EXPECT_TRUE(is_first || it->second < line->at);
    it->second = line->at;
  }
  EXPECT_EQ(lines, 8 * 200);
}

TEST_F(LedgerFile, CannotBeOpenedWhereThereIsNoFolder) {
  const auto ledger = Ledger::Open("/nonexistent/ledger");

  EXPECT_EQ(ledger.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(ledger.status().message()), testing::HasSubstr("/nonexistent/ledger"));
}

TEST_F(LedgerFile, TheMostInAnyRollingSecond) {
  // Ten in a second, however the second is laid; the eleventh is just outside.
  std::vector<LedgerLine> lines;
  for (int i = 0; i < 10; ++i) {
    lines.push_back(Create(absl::Milliseconds(500 + i * 100), fmt::format("l{}", i), "+1"));
  }
  lines.push_back(Create(absl::Milliseconds(1'500), "late", "+1"));
  // Refused ones were sent, too.
  lines.push_back(At(absl::Milliseconds(1'499), "", CreateArrived{.status = 429}));
  Write(lines);

  const LedgerAudit audit = AuditIt();
  EXPECT_EQ(audit.max_in_rolling_second, 11);
  EXPECT_EQ(audit.create_requests, 12);
  EXPECT_EQ(audit.calls, 11);
}

TEST_F(LedgerFile, OverlappingCallsToOneNumber) {
  Write({Create(absl::Seconds(0), "a", "+1"), Create(absl::Seconds(1), "b", "+2"),
         Create(absl::Seconds(5), "c", "+1"),  // While a lives.
         Ended(absl::Seconds(10), "a"), Ended(absl::Seconds(11), "c"),
         Create(absl::Seconds(11), "d", "+1"),  // The moment c has ended.
         Ended(absl::Seconds(12), "d")});

  const LedgerAudit audit = AuditIt();
  EXPECT_EQ(audit.overlapping_calls, 1);
  EXPECT_EQ(audit.open_calls, 1);
  EXPECT_EQ(audit.numbers, 2);
  EXPECT_THAT(audit.outcomes, testing::ElementsAre(testing::Pair("human", 3)));
}

TEST_F(LedgerFile, ACallThatTheApplicationLeftIsNoneOfItsOwnAnyMore) {
  Write({Create(absl::Seconds(0), "a", "+1"),
         At(absl::Seconds(5), "a", StateReached{.state = "Terminated"}),
         Create(absl::Seconds(6), "b", "+1"), Ended(absl::Seconds(7), "b"),
         Ended(absl::Seconds(10), "a")});

  EXPECT_EQ(AuditIt().overlapping_calls, 0);
}

TEST_F(LedgerFile, AStartEndsWhatWasOpen) {
  Write({At(absl::ZeroDuration(), "", ServerStarted{}), Create(absl::Seconds(0), "a", "+1"),
         At(absl::Seconds(2), "a", KeyPressed{.key = '1'})});
  WriteText(R"({"what":"ended","at":"2023-1)");  // Killed while writing.
  Write({At(absl::Seconds(5), "", ServerStarted{}), Create(absl::Seconds(6), "b", "+1"),
         Ended(absl::Seconds(7), "b")});

  const LedgerAudit audit = AuditIt();
  EXPECT_EQ(audit.overlapping_calls, 0);
  EXPECT_EQ(audit.open_calls, 0);
  EXPECT_EQ(audit.torn_lines, 1);
  EXPECT_EQ(audit.server_starts, 2);
  EXPECT_EQ(audit.outcomes.at("server_ended"), 1);
  // Pressed before the kill: the application may know of it.
  EXPECT_EQ(audit.acknowledged_calls, 1);
  EXPECT_THAT(ReadLedger(path_)->calls.at(0).presses, testing::ElementsAre(KeyPressed{.key = '1'}));
}

TEST_F(LedgerFile, AnAttemptThatRangTwiceIsCounted) {
  const CreateArrived create{
      .status = 200, .number = "+1", .attempt = AttemptKey{CampaignId(1), AttemptId(2)}};
  CreateArrived throttled = create;
  throttled.status = 429;
  Write({At(absl::Seconds(0), "", throttled), At(absl::Seconds(1), "a", create),
         Ended(absl::Seconds(2), "a"), At(absl::Seconds(3), "b", create)});

  EXPECT_EQ(AuditIt().repeated_attempts, 1);
}

TEST_F(LedgerFile, WhatIsNoLedgerIsRefusedWithItsLine) {
  WriteText("hello\nworld\n");

  const auto reading = ReadLedger(path_);
  ASSERT_EQ(reading.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(reading.status().message()), testing::HasSubstr(path_ + ":1"));
  EXPECT_EQ(ReadLedger("/nonexistent").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(LedgerFile, TheAuditIsPrintedBothWays) {
  Write(EveryLine());

  EXPECT_THAT(*AuditLedgerFile(path_, AuditFormat::kJson, '1'),
              testing::HasSubstr(R"("outcomes":{"human":1},"keys":{"1":1})"));
  EXPECT_THAT(*AuditLedgerFile(path_, AuditFormat::kTable, '1'),
              testing::HasSubstr("overlapping calls"));
}

}  // namespace
}  // namespace tocsin::callserver
