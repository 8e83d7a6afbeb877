#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace tocsin {

// The names of an enum whose enumerators count from 0 without a gap, in their
// order. One table serves both directions.
template <class E, std::size_t size>
class EnumNames {
 public:
  constexpr explicit EnumNames(std::array<std::string_view, size> names) : names_(names) {}

  std::string_view NameOf(E value) const {
    const auto index = static_cast<std::size_t>(value);
    TOCSIN_CHECK(index < size);
    return names_[index];
  }

  std::optional<E> ValueOf(std::string_view name) const {
    for (std::size_t i = 0; i < size; ++i) {
      if (names_[i] == name) return static_cast<E>(i);
    }
    return std::nullopt;
  }

 private:
  std::array<std::string_view, size> names_;
};

}  // namespace tocsin

// Defines Name() and FromName<E>() in the enclosing namespace tocsin.
#define TOCSIN_DEFINE_ENUM_NAMES(E, ...)                                          \
  namespace {                                                                     \
  constexpr EnumNames<E, std::array{__VA_ARGS__}.size()> k##E##Names(             \
      std::array<std::string_view, std::array{__VA_ARGS__}.size()>{__VA_ARGS__}); \
  }                                                                               \
  std::string_view Name(E value) {                                                \
    return k##E##Names.NameOf(value);                                             \
  }                                                                               \
  template <>                                                                     \
  std::optional<E> FromName(std::string_view name) {                              \
    return k##E##Names.ValueOf(name);                                             \
  }
