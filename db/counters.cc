#include "db/counters.h"

#include <utility>

#include "db/array_literal.h"

namespace tocsin::db {

void Counters::Write(Session& session) const {
  ArrayLiteral campaigns, keys, deltas;
  for (const auto& [key, delta] : deltas_) {
    if (delta == 0) continue;
    campaigns.Add(key.first.value());
    keys.Add(key.second);
    deltas.Add(delta);
  }
  if (campaigns.size() == 0) return;
  session.Run(query::kAddCounters, std::move(campaigns).Take(), std::move(keys).Take(),
              std::move(deltas).Take(), session.shard());
}

}  // namespace tocsin::db
