#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/attempt_step.h"
#include "core/store.h"
#include "db/attempt_rows.h"
#include "db/campaign_rows.h"
#include "db/counters.h"
#include "db/fact_cache.h"
#include "db/people.h"
#include "db/planned_attempts.h"
#include "db/transaction.h"

namespace tocsin::db {

// One batch of facts inside one transaction: lock the attempts, append what is
// new, take everything that is known of them, step each, write what follows.
// Lives in a transaction's body; Run() once. `loan` is of the same transaction.
class FactBatch {
 public:
  FactBatch(Session& session, CampaignCache& campaigns, const FactCache& facts, FactLoan& loan,
            const std::vector<AttemptInput>& inputs, absl::Time now)
      : session_(session),
        cache_(campaigns),
        keeper_(facts.keeper()),
        loan_(loan),
        inputs_(inputs),
        now_(now) {}

  // A change for each distinct attempt of the inputs, in key order.
  std::vector<AttemptChange> Run();

 private:
  // What is known of one attempt of the batch while it is worked on.
  struct Work {
    AttemptRow row;
    std::vector<Fact> log;  // All of it, without raw text; times as stored.
    AttemptResult before;   // As the row stood.
    AttemptStep step;
    AttemptChange change;
    std::vector<Served> served;  // Filled in for those whose people are concerned.
    bool written = false;        // The row is to be written back.
    bool ended = false;          // Ended by this batch.
    bool revised = false;        // Had ended before, and differently.
  };

  void Lock();
  void Append();
  std::set<AttemptKey> BorrowLogs();
  void DisownLogs();
  void ReadLogs(const std::set<AttemptKey>& attempts);
  void Step(Work& work);
  void Conclude(Work& work, const AttemptResult& after);
  void AppendVerdicts();
  void KeepLogs();
  void ReadServed();
  void SettlePeople();
  void SettleOne(Work& work);
  void WriteRows();
  void WriteAcknowledgements();
  void WriteSuppressions();
  void WriteActions();

  Session& session_;
  CampaignCache& cache_;
  const std::int64_t keeper_;
  FactLoan& loan_;
  const std::vector<AttemptInput>& inputs_;
  const absl::Time now_;

  std::map<CampaignId, Campaign> campaigns_;
  std::map<AttemptKey, Work> works_;
  People people_;
  Counters counters_;
};

}  // namespace tocsin::db
