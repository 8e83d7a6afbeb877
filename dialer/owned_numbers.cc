#include "dialer/owned_numbers.h"

#include <variant>
#include <vector>

#include "base/status_macros.h"
#include "wire/owned_numbers.h"

namespace tocsin::dialer {
namespace {

// A trunk has at most 10,000 caller numbers.
constexpr int kPagesMax = 200;

absl::StatusOr<std::vector<std::string>> FetchPage(const TrunkAddress& trunk, int skip,
                                                   ConnectionPool& pool, Credentials& credentials,
                                                   const Clock& clock) {
  TOCSIN_ASSIGN_OR_RETURN(
      const HttpOrder order,
      SignedOrder(trunk, {"GET", wire::OwnedNumbersPath(skip), ""}, credentials, clock.Now()));
  auto loan = pool.Borrow(trunk.endpoint);
  TOCSIN_RETURN_IF_ERROR(loan.status());
  const HttpResult result = loan->Send(order);
  const auto* answer = std::get_if<HttpAnswer>(&result);
  if (answer == nullptr) return Unavailable("the endpoint does not answer");
  if (answer->status != 200) {
    return Unavailable("the endpoint does not list its numbers (it answers {})", answer->status);
  }
  auto numbers = wire::DecodeOwnedNumbers(answer->body);
  if (numbers.ok()) return numbers;
  return Unavailable("the list of numbers cannot be read: {}", Message(numbers.status()));
}

}  // namespace

absl::StatusOr<std::set<std::string>> FetchOwnedNumbers(const TrunkAddress& trunk,
                                                        ConnectionPool& pool,
                                                        Credentials& credentials,
                                                        const Clock& clock) {
  // The trunk's version is that of calls.
  TrunkAddress address = trunk;
  address.api_version.clear();
  std::set<std::string> owned;
  int skip = 0;
  for (int page = 0; page < kPagesMax; ++page) {
    TOCSIN_ASSIGN_OR_RETURN(const std::vector<std::string> numbers,
                            FetchPage(address, skip, pool, credentials, clock));
    owned.insert(numbers.begin(), numbers.end());
    skip += static_cast<int>(numbers.size());
    if (numbers.size() < static_cast<std::size_t>(wire::kOwnedNumbersPageMax)) return owned;
  }
  return Unavailable("the list of numbers has no end");
}

}  // namespace tocsin::dialer
