#include "cli/csv_reader.h"

#include "base/status_macros.h"
#include "cli/utf8.h"

namespace tocsin {
namespace {

constexpr std::size_t kChunkBytes = 64 << 10;
constexpr std::size_t kRowBytesMax = 1 << 20;

bool EndsField(int c) {
  return c == ',' || c == '\n' || c == '\r';
}

}  // namespace

bool CsvReader::Fill() {
  buffer_.resize(kChunkBytes);
  in_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  buffer_.resize(static_cast<std::size_t>(in_.gcount()));
  position_ = 0;
  return !buffer_.empty();
}

int CsvReader::Peek() {
  if (position_ == buffer_.size() && !Fill()) return kEnd;
  return static_cast<unsigned char>(buffer_[position_]);
}

int CsvReader::Take() {
  const int c = Peek();
  if (c == kEnd) return c;
  ++position_;
  ++row_bytes_;
  if (!IsUtf8Continuation(static_cast<char>(c))) ++place_.column;
  return c;
}

std::string_view CsvReader::TakeLineEnd() {
  std::string_view text = Take() == '\n' ? "\n" : "\r";
  if (text == "\r" && Peek() == '\n') {
    Take();
    text = "\r\n";
  }
  ++place_.line;
  place_.column = 1;
  return text;
}

absl::Status CsvReader::SkipByteOrderMark() {
  Peek();
  const std::string_view begin = std::string_view(buffer_).substr(0, 3);
  if (begin == "\xEF\xBB\xBF") position_ += 3;
  if (begin.substr(0, 2) == "\xFF\xFE" || begin.substr(0, 2) == "\xFE\xFF") {
    return absl::InvalidArgumentError(
        "line 1, column 1: the file is UTF-16; save it as \"CSV UTF-8\"");
  }
  return absl::OkStatus();
}

absl::Status CsvReader::CheckText(const std::string& field, Place begin) const {
  if (const auto nul = field.find('\0'); nul != std::string::npos) {
    return InvalidArgument(
        "line {}: a field that begins in column {} has a NUL byte in it; the "
        "file is not a text file, or was cut off",
        begin.line, begin.column);
  }
  const auto bad = FindInvalidUtf8(field);
  if (!bad) return absl::OkStatus();
  std::int64_t line = begin.line;
  for (const char c : std::string_view(field).substr(0, *bad)) line += c == '\n';
  return InvalidArgument(
      "line {}: a field that begins in column {} is not UTF-8 (byte 0x{:02X}); "
      "save the file as \"CSV UTF-8\", or convert it with: iconv -f LATIN1 -t "
      "UTF-8",
      line, begin.column, static_cast<unsigned char>(field[*bad]));
}

absl::Status CsvReader::ReadQuoted(std::string& field) {
  const Place opened = place_;
  Take();
  while (true) {
    const int c = Peek();
    if (c == kEnd) {
      return InvalidArgument(
          "line {}, column {}: the quote opened here is never closed; close it, "
          "or leave it out, or double it inside a field in quotes",
          opened.line, opened.column);
    }
    if (row_bytes_ > kRowBytesMax) {
      return InvalidArgument(
          "line {}, column {}: a field of more than 1 MiB begins here; a closing "
          "quote is probably missing",
          opened.line, opened.column);
    }
    if (c == '\n' || c == '\r') {
      field += TakeLineEnd();
      continue;
    }
    Take();
    if (c != '"') {
      field += static_cast<char>(c);
    } else if (Peek() == '"') {
      field += static_cast<char>(Take());
    } else {
      break;
    }
  }
  if (Peek() != kEnd && !EndsField(Peek())) {
    return InvalidArgument(
        "line {}, column {}: text after a closing quote; a quote inside a field "
        "in quotes is written twice (\"\")",
        place_.line, place_.column);
  }
  return absl::OkStatus();
}

absl::Status CsvReader::ReadPlain(std::string& field) {
  while (true) {
    const int c = Peek();
    if (c == kEnd || EndsField(c)) return absl::OkStatus();
    if (c == '"') {
      return InvalidArgument(
          "line {}, column {}: a quote inside a field without quotes around it; "
          "put the whole field in quotes and write the one inside twice (\"\")",
          place_.line, place_.column);
    }
    if (row_bytes_ > kRowBytesMax) {
      return InvalidArgument(
          "line {}: a row of more than 1 MiB; the file has no line ends, or is "
          "no text file",
          place_.line);
    }
    field += static_cast<char>(Take());
  }
}

absl::Status CsvReader::ReadField(std::string& field) {
  const Place begin = place_;
  TOCSIN_RETURN_IF_ERROR(Peek() == '"' ? ReadQuoted(field) : ReadPlain(field));
  return CheckText(field, begin);
}

absl::Status CsvReader::ReadRecord(CsvRecord& record) {
  while (true) {
    TOCSIN_RETURN_IF_ERROR(ReadField(record.fields.emplace_back()));
    if (Peek() != ',') break;
    Take();
  }
  if (Peek() != kEnd) TakeLineEnd();
  return absl::OkStatus();
}

absl::StatusOr<bool> CsvReader::Next(CsvRecord& record) {
  if (!broken_.ok()) return broken_;
  if (!started_) {
    started_ = true;
    broken_ = SkipByteOrderMark();
    if (!broken_.ok()) return broken_;
  }
  while (Peek() == '\n' || Peek() == '\r') TakeLineEnd();
  record.fields.clear();
  record.line = place_.line;
  row_bytes_ = 0;
  if (Peek() == kEnd) return false;
  broken_ = ReadRecord(record);
  if (!broken_.ok()) return broken_;
  return true;
}

}  // namespace tocsin
