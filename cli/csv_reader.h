#pragma once
#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tocsin {

// One row of a table, with the line of the file on which it begins (from 1).
struct CsvRecord {
  std::int64_t line = 0;
  std::vector<std::string> fields;
};

// Reads comma-separated values (RFC 4180) row by row, in memory that does not
// grow with the file: UTF-8 with or without a byte order mark, lines ended by
// LF, CRLF or CR, fields in quotes with commas, line breaks and doubled quotes
// inside. Lines without anything on them are skipped.
//
// Not thread-safe. `in` must outlive the reader.
class CsvReader {
 public:
  explicit CsvReader(std::istream& in) : in_(in) {}

  // Puts the next row into `record`; false at the end. kInvalidArgument says
  // where ("line 12, column 8"; columns count characters), what is wrong and
  // what would be right: broken quotes, not UTF-8, a NUL, a row of more than
  // 1 MiB. After an error there is no way on: every further call repeats it.
  absl::StatusOr<bool> Next(CsvRecord& record);

 private:
  static constexpr int kEnd = -1;
  struct Place {
    std::int64_t line = 1;
    std::int64_t column = 1;
  };

  int Peek();
  int Take();
  bool Fill();
  absl::Status ReadRecord(CsvRecord& record);
  absl::Status ReadField(std::string& field);
  absl::Status ReadQuoted(std::string& field);
  absl::Status ReadPlain(std::string& field);
  absl::Status CheckText(const std::string& field, Place begin) const;
  std::string_view TakeLineEnd();  // LF, CR LF or CR, as it stands.
  absl::Status SkipByteOrderMark();

  std::istream& in_;
  std::string buffer_;
  std::size_t position_ = 0;
  Place place_;  // Of the byte that Take() would give.
  std::size_t row_bytes_ = 0;
  bool started_ = false;
  absl::Status broken_;
};

}  // namespace tocsin
