#include "wire/owned_numbers.h"

#include <nlohmann/json.hpp>

#include "base/status_macros.h"
#include "wire/json_reader.h"

namespace tocsin::wire {
namespace {

constexpr std::string_view kApiVersion = "2022-12-01";
constexpr int kDepthMax = 16;

}  // namespace

std::string OwnedNumbersPath(int skip) {
  return fmt::format("/phoneNumbers?skip={}&top={}&api-version={}", skip, kOwnedNumbersPageMax,
                     kApiVersion);
}

absl::StatusOr<std::vector<std::string>> DecodeOwnedNumbers(std::string_view body) {
  TOCSIN_ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(body, "numbers", kDepthMax));
  TOCSIN_ASSIGN_OR_RETURN(const ObjectReader reader, ObjectReader::Read(json, "numbers"));
  TOCSIN_ASSIGN_OR_RETURN(const nlohmann::json* const array, reader.ArrayOrNone({"phoneNumbers"}));
  if (array == nullptr) {
    return InvalidArgument("{} must be an array", reader.Place("phoneNumbers"));
  }
  std::vector<std::string> numbers;
  for (int index = 0; const nlohmann::json& element : *array) {
    TOCSIN_ASSIGN_OR_RETURN(const ObjectReader at,
                            reader.Element(element, "phoneNumbers", index++));
    TOCSIN_ASSIGN_OR_RETURN(std::string number, at.String({"phoneNumber"}));
    numbers.push_back(std::move(number));
  }
  return numbers;
}

}  // namespace tocsin::wire
