// Whatever is handed over as a list of people: read or refused with a line and
// a remedy, never a crash, and never a cell of it in the error.
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>

#include "base/check.h"
#include "cli/recipient_file.h"
#include "cli/utf8.h"

namespace tocsin {
namespace {

void CheckRow(const v1::RecipientRow& row) {
  TOCSIN_CHECK(row.line() >= 2);
  TOCSIN_CHECK(row.phones_size() <= 3);
  TOCSIN_CHECK(!FindInvalidUtf8(row.person_key()));
  TOCSIN_CHECK(!FindInvalidUtf8(row.person_name()));
  TOCSIN_CHECK(row.person_name().find('\0') == std::string::npos);
  // What is read can be sent: protobuf itself refuses text that is not UTF-8.
  v1::RecipientRow again;
  TOCSIN_CHECK(again.ParseFromString(row.SerializeAsString()));
}

void Try(const std::string& text) {
  std::istringstream in(text);
  auto reader = RecipientReader::Open(in);
  if (!reader.ok()) {
    TOCSIN_CHECK(!reader.status().message().empty());
    return;
  }
  v1::RecipientRow row;
  std::int64_t line = 1;
  // Each turn takes at least a byte, or is the last.
  for (std::size_t turns = 0; turns <= text.size() && !reader->is_broken(); ++turns) {
    const absl::StatusOr<bool> found = reader->Next(row);
    if (!found.ok()) continue;
    if (!*found) return;
    CheckRow(row);
    TOCSIN_CHECK(row.line() > line);
    line = row.line();
  }
  TOCSIN_CHECK(reader->is_broken());
}

}  // namespace
}  // namespace tocsin

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tocsin::Try(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
