#pragma once
#include <cstdint>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "core/disposition.h"
#include "core/phone_number.h"

namespace tocsin::db {

// A number of the database's own rows. Throws like RowReader.
PhoneNumber StoredNumber(const std::string& text);

// Reads a row's columns from left to right, in the order of the statement's
// SELECT list. Text that is not what its type promises throws (and ends in
// Transact() as kInternal): the schema makes it impossible.
class RowReader {
 public:
  explicit RowReader(const pqxx::row& row) : row_(row) {}

  std::int64_t Int64();
  int Int() { return static_cast<int>(Int64()); }
  double Double();
  bool Bool();
  std::string Text();  // NULL: empty.
  PhoneNumber Number() { return StoredNumber(Text()); }
  absl::Time Time();
  absl::Duration Milliseconds() { return absl::Milliseconds(Int64()); }
  std::vector<std::string> Texts();

  std::optional<std::int64_t> OptInt64();
  std::optional<std::string> OptText();
  std::optional<absl::Time> OptTime();

  template <class E>
  E Enum() {
    const auto value = FromName<E>(View());
    if (!value) Bad();
    return *value;
  }
  template <class E>
  std::optional<E> OptEnum() {
    if (IsNull()) return Skip<E>();
    return Enum<E>();
  }

 private:
  bool IsNull() const { return row_[column_].is_null(); }
  std::string_view View();
  [[noreturn]] static void Bad();
  template <class T>
  std::optional<T> Skip() {
    ++column_;
    return std::nullopt;
  }

  const pqxx::row& row_;
  pqxx::row_size_type column_ = 0;
};

}  // namespace tocsin::db
