#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tocsin::testing {

// Any moment will do; this one is a Saturday noon in UTC.
inline const absl::Time kNoon = absl::FromUnixSeconds(1'795'262'400);

inline constexpr TenantId kTenant{1};

// Numbers that no subscriber has: +1 202 555 0000 and up.
PhoneNumber Number(int n);

Trunk SomeTrunk();

CampaignSpec SomeSpec();

ApiRequest Request(const std::string& id = "");

ImportRow Person(const std::string& key, int number);

// A store with what most tests begin with, and short names for what they do.
// Every call that should succeed is expected to.
class StoreHarness {
 public:
  explicit StoreHarness(CampaignStore& campaigns, DialStore& dial);

  CampaignStore& campaigns;
  DialStore& dial;
  Trunk trunk;
  std::int64_t epoch = 0;  // Of the lease of "default", held by "node-a".

  CampaignId Create(const CampaignSpec& spec);
  ImportBatchResult Import(CampaignId id, const std::vector<ImportRow>& rows);
  Campaign Command(CampaignId id, CampaignCommand command, CancelMode mode = CancelMode::kDrain);
  // Created, filled with people on numbers 1.. and started.
  CampaignId Running(int people, const CampaignSpec& spec = SomeSpec());

  OperationId NewOperation();
  std::vector<PlannedAttempt> Claim(CampaignId id, int limit = 100);
  std::vector<IntentVerdict> Intend(const std::vector<PlannedAttempt>& planned);
  // Claims and commits everything that is due; all verdicts must be kGo.
  std::vector<PlannedAttempt> Dial(CampaignId id, int limit = 100);

  AttemptChange Record(const AttemptKey& key, std::optional<Fact> fact);
  // A whole call, event by event; the last change.
  AttemptChange Answered(const AttemptKey& key, std::optional<char> tone);
  AttemptChange NoAnswer(const AttemptKey& key);

  CampaignProgress Progress(CampaignId id);
  void ExpectNoFindings();

  absl::Time now = kNoon;

 private:
  std::uint64_t operations_ = 0;
};

// Facts as the dialer and the receiver make them.
Fact Accepted(int send, absl::Time at);
Fact Refused(int send, int code, absl::Time at);
Fact Throttled(int send, absl::Time at);
Fact NotSent(int send, absl::Time at);
Fact Unknown(int send, absl::Time at);
// A send of unknown fate, sent again; `call` if it was accepted then.
Fact Repeated(int repetition, absl::Time at, const std::string& call = "");
Fact Event(FactKind kind, const std::string& id, absl::Time at);
Fact Tone(char tone, int sequence, absl::Time at);
Fact PlayAccepted(int ordinal, absl::Time at);
Fact PlayEnded(int ordinal, int subcode, absl::Time at);

}  // namespace tocsin::testing
