#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/trunk.h"
#include "dialer/connection_pool.h"
#include "dialer/credentials.h"
#include "wire/callback_url.h"

// What can be found out about a trunk before anybody is called on it.
namespace tocsin::dialer {

enum class CheckVerdict { kGood, kBad, kNotChecked };
std::string_view Name(CheckVerdict verdict);  // "good", "bad", "not checked"

struct TrunkCheck {
  std::string check;  // "credentials"; unique.
  CheckVerdict verdict = CheckVerdict::kNotChecked;
  std::string finding;  // What was seen.
  std::string remedy;   // What to do, where that is not evident; always if bad.
};

struct PreflightSubject {
  Trunk trunk;
  std::int64_t sends = 0;  // On the trunk so far.
  // Where providers reach the receiver, and the keys of its URLs. Empty: unknown.
  std::string callback_url;
  std::vector<wire::CallbackKey> callback_keys;
};

// Every check, in the order in which one needs another. Asks the endpoint, the
// receiver and the issuer of tokens, each a few times and nothing that rings;
// blocks for as long as the pool's timeouts allow. No finding quotes a number or
// a secret.
std::vector<TrunkCheck> CheckTrunkBeforehand(const PreflightSubject& subject, ConnectionPool& pool,
                                             Credentials& credentials, const Clock& clock);

// Whether none of them is bad.
bool AllGood(const std::vector<TrunkCheck>& checks);

// How many calls at once and calls a second the limits of a trunk allow, and
// which of them binds.
struct TrunkCapacity {
  double calls_at_once = 0;
  double calls_per_second = 0;  // That many calls at once carry, for as long as need be.
  bool concurrency_binds = false;
};
TrunkCapacity CapacityOf(const Trunk& trunk);

}  // namespace tocsin::dialer
