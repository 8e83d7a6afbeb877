#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace tocsin::db {

// Builds a PostgreSQL array literal, {1,2,NULL} or {"a","b"}, element by
// element: how a batch of rows travels as one parameter for each column.
class ArrayLiteral {
 public:
  void Add(std::int64_t value);
  void Add(int value) { Add(static_cast<std::int64_t>(value)); }
  // Always quoted. What PostgreSQL's text cannot hold is replaced: NUL bytes are
  // cut out, bytes that are not UTF-8 become '?'. A provider's error page must
  // not stop the batch that it stands in.
  void Add(std::string_view text);
  void Add(const std::string& text) { Add(std::string_view(text)); }
  void Add(const char* text) { Add(std::string_view(text)); }
  void Add(absl::Time time);
  void AddBool(bool value);
  void AddNull();

  // NULL if unset.
  template <class T>
  void Add(const std::optional<T>& value) {
    if (value.has_value()) {
      Add(*value);
    } else {
      AddNull();
    }
  }

  // NULL if empty.
  void AddOrNull(std::string_view text);

  // An enumerator's name; NULL if unset.
  template <class E>
  void AddName(const std::optional<E>& value) {
    if (value.has_value()) {
      Add(Name(*value));
    } else {
      AddNull();
    }
  }

  int size() const { return size_; }
  std::string Take() &&;

 private:
  void Separate();

  std::string text_ = "{";
  int size_ = 0;
};

// The literal of a whole list.
std::string ArrayOf(const std::vector<std::string>& texts);
std::string ArrayOf(const std::vector<std::int64_t>& values);

// The elements of a one-dimensional array as PostgreSQL writes it; NULL becomes
// an empty text. nullopt if `literal` is no array.
std::optional<std::vector<std::string>> ParseTextArray(std::string_view literal);

}  // namespace tocsin::db
