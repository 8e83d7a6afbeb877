#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/disposition.h"
#include "core/ids.h"
#include "db/transaction.h"

namespace tocsin::db {

// The deltas of one transaction to the counters of campaigns, written as one
// statement into the session's own shard. Keys: 'people', 'duplicates',
// 'refused', 'sends', 'attempts', 'acknowledged', 'opt_outs', 'unheard_answers',
// 'short_calls', 'outcome:<NAME>', 'disposition:<NAME>'.
class Counters {
 public:
  void Add(CampaignId campaign, std::string_view key, std::int64_t delta) {
    deltas_[{campaign, std::string(key)}] += delta;
  }
  void Add(CampaignId campaign, Outcome outcome, std::int64_t delta) {
    deltas_[{campaign, "outcome:" + std::string(Name(outcome))}] += delta;
  }
  void Add(CampaignId campaign, Disposition disposition, std::int64_t delta) {
    deltas_[{campaign, "disposition:" + std::string(Name(disposition))}] += delta;
  }

  void Write(Session& session) const;

 private:
  std::map<std::pair<CampaignId, std::string>, std::int64_t> deltas_;
};

}  // namespace tocsin::db
