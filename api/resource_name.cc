#include "api/resource_name.h"

#include <algorithm>
#include <charconv>

#include "fmt/format.h"

namespace tocsin {
namespace {

constexpr int kPageSizeMax = 1000;
constexpr std::string_view kTokenPrefix = "after-";

// The positive number behind `prefix`; 0 if it is anything else.
std::int64_t NumberAfter(std::string_view prefix, std::string_view name, int base) {
  if (name.substr(0, prefix.size()) != prefix) return 0;
  const std::string_view digits = name.substr(prefix.size());
  std::int64_t number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole && number > 0 ? number : 0;
}

}  // namespace

std::string CampaignName(CampaignId id) {
  return fmt::format("campaigns/{}", id.value());
}
std::string PromptName(PromptId id) {
  return fmt::format("prompts/{}", id.value());
}
std::string TrunkName(std::string_view trunk) {
  return fmt::format("trunks/{}", trunk);
}

CampaignId ReadCampaignName(std::string_view name, const std::string& field,
                            std::vector<FieldViolation>& violations) {
  const CampaignId id(NumberAfter("campaigns/", name, 10));
  if (!id.is_set()) violations.push_back({field, "must be a name such as campaigns/1234"});
  return id;
}

PromptId ReadPromptName(std::string_view name, const std::string& field,
                        std::vector<FieldViolation>& violations) {
  const PromptId id(NumberAfter("prompts/", name, 10));
  if (!id.is_set()) {
    violations.push_back({field, "must be a name as UploadPrompt answers it, such as prompts/12"});
  }
  return id;
}

std::string ReadTrunkName(std::string_view name, const std::string& field,
                          std::vector<FieldViolation>& violations) {
  constexpr std::string_view kPrefix = "trunks/";
  const std::string_view trunk = name.substr(std::min(kPrefix.size(), name.size()));
  const bool printable = std::all_of(trunk.begin(), trunk.end(),
                                     [](char c) { return c > ' ' && c < 0x7F && c != '/'; });
  if (name.substr(0, kPrefix.size()) == kPrefix && !trunk.empty() && printable) {
    return std::string(trunk);
  }
  violations.push_back({field, "must be a name such as trunks/local"});
  return "";
}

std::string PageToken(std::int64_t after) {
  return after == 0 ? "" : fmt::format("{}{:x}", kTokenPrefix, after);
}

std::int64_t ReadPageToken(std::string_view token, std::vector<FieldViolation>& violations) {
  if (token.empty()) return 0;
  const std::int64_t after = NumberAfter(kTokenPrefix, token, 16);
  if (after == 0) {
    violations.push_back({"page_token", "must be empty or the next_page_token of an answer"});
  }
  return after;
}

int ReadPageSize(int size, int usual, std::vector<FieldViolation>& violations) {
  if (size < 0) violations.push_back({"page_size", "must not be negative"});
  return size == 0 ? usual : std::clamp(size, 1, kPageSizeMax);
}

}  // namespace tocsin
