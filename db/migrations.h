#pragma once
#include <span>

namespace tocsin::db {

// One step of the schema, and the way back.
struct Migration {
  int number;
  const char* name;
  // The newest migration of the oldest program that may run on the schema then; its
  // own number: nobody older.
  int oldest_program;
  const char* up;
  const char* down;
};

// Those of migrations/, from 1 without a gap.
std::span<const Migration> Migrations();

}  // namespace tocsin::db
