#include "tests/store/store_harness.h"

#include "fmt/format.h"

namespace tocsin::testing {

PhoneNumber Number(int n) {
  return *PhoneNumber::Parse(fmt::format("+1202555{:04}", n));
}

Trunk SomeTrunk() {
  Trunk trunk;
  trunk.name = "local";
  trunk.endpoint = "http://127.0.0.1:8089";
  trunk.caller_numbers = {Number(9001), Number(9002)};
  trunk.calls_per_second = 10000;
  trunk.concurrent_max = 1000;
  trunk.concurrent_max_per_caller = 1000;
  return trunk;
}

CampaignSpec SomeSpec() {
  CampaignSpec spec;
  spec.name = "outage";
  spec.purpose = "outage";
  spec.flow.audio_uri = "http://127.0.0.1/outage.wav";
  spec.window = {0, 24 * 60};
  spec.synthetic = true;
  return spec;
}

ApiRequest Request(const std::string& id) {
  return {kTenant, id, "fingerprint of " + id, "tester"};
}

ImportRow Person(const std::string& key, int number) {
  ImportRow row;
  row.line = 1;
  row.person_key = key;
  row.name = "Person " + key;
  row.numbers = {Number(number)};
  return row;
}

StoreHarness::StoreHarness(CampaignStore& campaigns_in, DialStore& dial_in)
    : campaigns(campaigns_in), dial(dial_in) {
  auto saved = campaigns.SaveTrunk(SomeTrunk(), now);
  EXPECT_TRUE(saved.ok()) << saved.status();
  if (saved.ok()) trunk = *saved;
  const auto lease = dial.AcquireLease("default", "node-a", absl::Minutes(10));
  EXPECT_TRUE(lease.ok()) << lease.status();
  if (lease.ok()) epoch = lease->epoch;
}

CampaignId StoreHarness::Create(const CampaignSpec& spec) {
  const auto created = campaigns.CreateCampaign(Request(), spec, now);
  EXPECT_TRUE(created.ok()) << created.status();
  return created.ok() ? created->id : CampaignId();
}

ImportBatchResult StoreHarness::Import(CampaignId id, const std::vector<ImportRow>& rows) {
  const auto import = campaigns.BeginImport(Request(), id, now);
  EXPECT_TRUE(import.ok()) << import.status();
  if (!import.ok()) return {};
  const auto batch = campaigns.ImportBatch(import->id, 1, rows, {}, now);
  EXPECT_TRUE(batch.ok()) << batch.status();
  const auto finished = campaigns.FinishImport(import->id, now);
  EXPECT_TRUE(finished.ok()) << finished.status();
  return batch.ok() ? *batch : ImportBatchResult();
}

Campaign StoreHarness::Command(CampaignId id, CampaignCommand command, CancelMode mode) {
  const auto campaign = campaigns.CommandCampaign(Request(), id, command, mode, "operator", now);
  EXPECT_TRUE(campaign.ok()) << campaign.status();
  return campaign.ok() ? *campaign : Campaign();
}

CampaignId StoreHarness::Running(int people, const CampaignSpec& spec) {
  const CampaignId id = Create(spec);
  std::vector<ImportRow> rows;
  for (int i = 1; i <= people; ++i) rows.push_back(Person(fmt::format("p{}", i), i));
  Import(id, rows);
  Command(id, CampaignCommand::kStart);
  return id;
}

OperationId StoreHarness::NewOperation() {
  return {0x1234, ++operations_};
}

std::vector<PlannedAttempt> StoreHarness::Claim(CampaignId id, int limit) {
  const auto planned = dial.ClaimDue(NewOperation(), id, epoch, limit, now);
  EXPECT_TRUE(planned.ok()) << planned.status();
  return planned.ok() ? *planned : std::vector<PlannedAttempt>();
}

std::vector<IntentVerdict> StoreHarness::Intend(const std::vector<PlannedAttempt>& planned) {
  std::vector<IntentRequest> requests;
  for (const PlannedAttempt& attempt : planned) {
    requests.push_back({attempt.key, trunk.caller_numbers.front(), std::nullopt});
  }
  const auto verdicts = dial.CommitIntents(NewOperation(), "default", epoch, trunk, requests, now);
  EXPECT_TRUE(verdicts.ok()) << verdicts.status();
  return verdicts.ok() ? *verdicts : std::vector<IntentVerdict>();
}

std::vector<PlannedAttempt> StoreHarness::Dial(CampaignId id, int limit) {
  std::vector<PlannedAttempt> planned = Claim(id, limit);
  for (const IntentVerdict verdict : Intend(planned)) EXPECT_EQ(verdict, IntentVerdict::kGo);
  return planned;
}

AttemptChange StoreHarness::Record(const AttemptKey& key, std::optional<Fact> fact) {
  const auto changes = dial.RecordFacts({{key, std::move(fact)}}, now);
  EXPECT_TRUE(changes.ok()) << changes.status();
  if (!changes.ok() || changes->empty()) return {};
  return changes->front();
}

AttemptChange StoreHarness::Answered(const AttemptKey& key, std::optional<char> tone) {
  const absl::Time began = now;
  Record(key, Accepted(1, began));
  Record(key, Event(FactKind::kAnswered, "answered", began + absl::Seconds(5)));
  Record(key, PlayAccepted(1, began + absl::Seconds(6)));
  if (tone) Record(key, Tone(*tone, 1, began + absl::Seconds(12)));
  Record(key, PlayEnded(1, 0, began + absl::Seconds(20)));
  return Record(key, Event(FactKind::kEnded, "ended", began + absl::Seconds(30)));
}

AttemptChange StoreHarness::NoAnswer(const AttemptKey& key) {
  const absl::Time began = now;
  Record(key, Accepted(1, began));
  return Record(key, Event(FactKind::kEnded, "ended", began + absl::Seconds(30)));
}

CampaignProgress StoreHarness::Progress(CampaignId id) {
  const auto progress = campaigns.GetProgress(id);
  EXPECT_TRUE(progress.ok()) << progress.status();
  return progress.ok() ? *progress : CampaignProgress();
}

void StoreHarness::ExpectNoFindings() {
  const auto findings = campaigns.RunAudit(std::nullopt);
  ASSERT_TRUE(findings.ok()) << findings.status();
  EXPECT_THAT(*findings, ::testing::IsEmpty());
}

namespace {

Fact OwnFact(FactKind kind, int number, absl::Time at) {
  Fact fact;
  fact.kind = kind;
  fact.number = number;
  fact.at = at;
  fact.received_at = at + absl::Milliseconds(20);
  fact.key = OwnFactKey(kind, number);
  return fact;
}

}  // namespace

Fact Accepted(int send, absl::Time at) {
  Fact fact = OwnFact(FactKind::kCreateAccepted, send, at);
  fact.call = "call-1";
  return fact;
}

Fact Refused(int send, int code, absl::Time at) {
  Fact fact = OwnFact(FactKind::kCreateRefused, send, at);
  fact.code = code;
  return fact;
}

Fact Throttled(int send, absl::Time at) {
  Fact fact = OwnFact(FactKind::kCreateThrottled, send, at);
  fact.code = 429;
  return fact;
}

Fact NotSent(int send, absl::Time at) {
  return OwnFact(FactKind::kCreateNotSent, send, at);
}

Fact Unknown(int send, absl::Time at) {
  return OwnFact(FactKind::kCreateUnknown, send, at);
}

Fact Repeated(int repetition, absl::Time at, const std::string& call) {
  Fact fact = OwnFact(FactKind::kCreateRepeated, repetition, at);
  fact.call = call;
  return fact;
}

Fact Event(FactKind kind, const std::string& id, absl::Time at) {
  Fact fact;
  fact.kind = kind;
  fact.at = at;
  fact.received_at = at + absl::Milliseconds(50);
  fact.key = id;
  fact.call = "call-1";
  fact.raw = "{\"id\":\"" + id + "\"}";
  return fact;
}

Fact Tone(char tone, int sequence, absl::Time at) {
  Fact fact = Event(FactKind::kTone, fmt::format("tone-{}", sequence), at);
  fact.tone = tone;
  fact.number = sequence;
  return fact;
}

Fact PlayAccepted(int ordinal, absl::Time at) {
  return OwnFact(FactKind::kActionAccepted, ordinal, at);
}

Fact PlayEnded(int ordinal, int subcode, absl::Time at) {
  Fact fact = Event(FactKind::kPlayEnded, fmt::format("play-{}", ordinal), at);
  fact.number = ordinal;
  fact.code = 200;
  fact.subcode = subcode;
  return fact;
}

}  // namespace tocsin::testing
