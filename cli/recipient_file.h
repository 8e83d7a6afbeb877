#pragma once
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/csv_reader.h"
#include "tocsin/v1/campaign.pb.h"
#include "tocsin/v1/campaign_service.pb.h"

namespace tocsin {

// The columns that a list may have, in the order in which errors name them. The
// header is required and may have them in any order; person_key and phone must
// be among them.
//
//   person_key,name,phone,phone2,phone3,time_zone,language,priority,synthetic
//
// and besides one for each variable of the campaign's texts.
const std::vector<std::string>& RecipientColumns();

// Reads a list of people as CSV, a row at a time. What the service judges
// (numbers, time zones, keys) is passed on as it stands; what cannot be passed
// on is an error with its line, what is wrong and the remedy. No error quotes a
// cell.
//
// Not thread-safe.
class RecipientReader {
 public:
  // Reads the header. `variables`: of the campaign's texts, each a column that must be
  // there; none for a recording. kInvalidArgument: a column that is unknown (with the known
  // ones and the nearest), repeated or missing; another separator than the
  // comma; an empty file. `in` must outlive the reader.
  static absl::StatusOr<RecipientReader> Open(std::istream& in,
                                              const std::vector<std::string>& variables = {});

  // Puts the next row into `row`; false at the end. kInvalidArgument: the row
  // has another number of fields than the header, or says neither true nor
  // false in `synthetic`; the next call goes on behind it. Broken CSV
  // (CsvReader) is the end: is_broken().
  absl::StatusOr<bool> Next(v1::RecipientRow& row);

  bool is_broken() const { return broken_; }

 private:
  RecipientReader(std::istream& in, const std::vector<std::string>& variables);
  absl::Status ReadHeader();

  std::unique_ptr<CsvReader> csv_;
  CsvRecord record_;
  std::vector<std::string> known_;  // RecipientColumns(), then the variables.
  std::vector<std::string> variables_;
  std::vector<int> columns_;  // Of each field, its index in known_.
  bool broken_ = false;
};

// Reads the whole file once and counts its rows, before anything is sent: a
// broken list is found while nothing has been created. kInvalidArgument: the
// first 20 things wrong, a line each, "FILE: line 7: ...". kNotFound: no such
// file.
absl::StatusOr<std::int64_t> CheckRecipientFile(const std::string& path,
                                                const std::vector<std::string>& variables = {});

// The columns that a campaign's texts need besides RecipientColumns(), in alphabetical
// order. kInvalidArgument as MessageBook::Open, or a variable has the name of a column
// that is not said, such as "phone".
absl::StatusOr<std::vector<std::string>> VariableColumns(const v1::Campaign& campaign);

// Opens a file for reading. kNotFound, kFailedPrecondition (a directory, not
// readable) name it.
absl::StatusOr<std::ifstream> OpenFile(const std::string& path);

}  // namespace tocsin
