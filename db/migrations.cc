#include "db/migrations.h"

#include "db/migrations.gen.h"

namespace tocsin::db {

std::span<const Migration> Migrations() {
  return kMigrations;
}

}  // namespace tocsin::db
