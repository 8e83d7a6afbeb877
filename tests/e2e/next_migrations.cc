// The next version's program, as far as the schema goes: this one with a migration
// more, in the place of db/migrations.cc. What it does is what such a migration may:
// it adds to tables that this version writes, in the order in which calls lock them,
// and takes nothing away.
//
// With NEXT_LEAVES_BEHIND in the environment it says that it leaves this
// version's programs behind.
#include <cstdlib>
#include <vector>

#include "db/migrations.gen.h"
#include "db/migrations.h"

namespace tocsin::db {
namespace {

constexpr const char* kUp = R"sql(
ALTER TYPE end_cause ADD VALUE IF NOT EXISTS 'OF_THE_NEXT_VERSION';
ALTER TABLE pacer_lease ADD COLUMN next_note text;
ALTER TABLE campaign ADD COLUMN next_limit integer NOT NULL DEFAULT 0 CHECK (next_limit >= 0);
ALTER TABLE call_attempt ADD COLUMN next_note text;
ALTER TABLE recipient ADD COLUMN next_rank integer NOT NULL DEFAULT 0;
ALTER TABLE node ADD COLUMN next_note text;
CREATE TABLE next_table (id bigint PRIMARY KEY);
)sql";

constexpr const char* kDown = R"sql(
DROP TABLE next_table;
ALTER TABLE node DROP COLUMN next_note;
ALTER TABLE pacer_lease DROP COLUMN next_note;
ALTER TABLE campaign DROP COLUMN next_limit;
ALTER TABLE recipient DROP COLUMN next_rank;
ALTER TABLE call_attempt DROP COLUMN next_note;
)sql";

std::vector<Migration> WithOneMore() {
  std::vector<Migration> all(kMigrations.begin(), kMigrations.end());
  const int newest = all.back().number;
  const bool leaves_behind = std::getenv("NEXT_LEAVES_BEHIND") != nullptr;
  all.push_back({newest + 1, "next", leaves_behind ? newest + 1 : newest, kUp, kDown});
  return all;
}

}  // namespace

std::span<const Migration> Migrations() {
  static const auto& all = *new std::vector<Migration>(WithOneMore());
  return all;
}

}  // namespace tocsin::db
