#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

// Lays cells out in aligned columns under their headings, two spaces apart; a
// column in which every cell is a number (or "-") is aligned to the right. Wide
// characters and combining marks are counted as they are shown; control
// characters are taken out. Each line ends in '\n'.
//
//   NAME         STATE    PEOPLE
//   campaigns/7  RUNNING  10,000
std::string DrawTable(const std::vector<std::string>& columns,
                      const std::vector<std::vector<std::string>>& rows);

// 12345678 -> "12,345,678".
std::string WithCommas(std::int64_t number);

}  // namespace tocsin
