#include "base/uuid.h"

#include <cstdint>
#include <random>

#include "fmt/format.h"

namespace tocsin {

std::string RandomUuid() {
  std::random_device random;
  const std::uint32_t a = random();
  const std::uint32_t b = random();
  const std::uint32_t c = random();
  const std::uint32_t d = random();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:04x}{:08x}", a, b >> 16U, b & 0xFFFU,
                     8 + (c >> 30U), (c >> 16U) & 0xFFFU, c & 0xFFFFU, d);
}

}  // namespace tocsin
