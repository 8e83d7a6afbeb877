#include "cli/table.h"

#include <algorithm>

#include "cli/utf8.h"

namespace tocsin {
namespace {

// One long text must not push every other column off the screen.
constexpr std::size_t kCellWidthMax = 120;

bool IsNumber(std::string_view cell) {
  if (cell == "-") return true;
  return !cell.empty() && cell.find_first_not_of("0123456789.,+-% ") == std::string_view::npos &&
         cell.find_first_of("0123456789") != std::string_view::npos;
}

struct Column {
  std::size_t width = 0;
  bool numbers = true;
};

std::string DrawLine(const std::vector<std::string>& cells, const std::vector<Column>& columns) {
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string cell = i < cells.size() ? CutToWidth(cells[i], kCellWidthMax) : "";
    const std::string blanks(columns[i].width - DisplayWidth(cell), ' ');
    if (i > 0) line += "  ";
    line += columns[i].numbers ? blanks + cell : cell + blanks;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::string DrawTable(const std::vector<std::string>& columns,
                      const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> clean = rows;
  std::vector<Column> shapes(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    shapes[i].width = std::min(DisplayWidth(columns[i]), kCellWidthMax);
    shapes[i].numbers = !rows.empty();
  }
  for (std::vector<std::string>& row : clean) {
    for (std::size_t i = 0; i < std::min(row.size(), columns.size()); ++i) {
      row[i] = Printable(row[i]);
      shapes[i].width = std::max(shapes[i].width, std::min(DisplayWidth(row[i]), kCellWidthMax));
      shapes[i].numbers = shapes[i].numbers && IsNumber(row[i]);
    }
  }
  std::string drawn = DrawLine(columns, shapes);
  for (const std::vector<std::string>& row : clean) drawn += DrawLine(row, shapes);
  return drawn;
}

std::string WithCommas(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::ptrdiff_t first = number < 0 ? 1 : 0;
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > first; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

}  // namespace tocsin
