#include "dialer/token_verifier.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/this_thread.h"

namespace tocsin::dialer {
namespace {

// Providers' are of some 1,500 bytes.
constexpr std::size_t kTokenBytesMax = 1 << 14;

// The token in an Authorization header; empty if there is none.
std::string_view TokenIn(std::string_view authorization) {
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view scheme = authorization.substr(0, kBearer.size());
  if (!absl::EqualsIgnoreCase({scheme.data(), scheme.size()}, {kBearer.data(), kBearer.size()})) {
    return {};
  }
  return authorization.substr(kBearer.size());
}

std::optional<CallbackRefusal> RefusalOf(wire::TokenVerdict verdict) {
  switch (verdict) {
    case wire::TokenVerdict::kGood: return std::nullopt;
    case wire::TokenVerdict::kMalformed: return CallbackRefusal::kTokenMalformed;
    case wire::TokenVerdict::kUnknownKey: return CallbackRefusal::kTokenUnknownKey;
    case wire::TokenVerdict::kForged: return CallbackRefusal::kTokenForged;
    case wire::TokenVerdict::kOtherIssuer: return CallbackRefusal::kTokenOtherIssuer;
    case wire::TokenVerdict::kOtherAudience: return CallbackRefusal::kTokenOtherAudience;
    case wire::TokenVerdict::kExpired: return CallbackRefusal::kTokenExpired;
    case wire::TokenVerdict::kNotYetValid: return CallbackRefusal::kTokenNotYetValid;
  }
  return CallbackRefusal::kTokenMalformed;
}

// Trunks that get their keys from the same place have them together.
std::string PlaceOf(const TokenExpectation& expected) {
  return expected.jwks_url.empty() ? expected.openid_configuration_url + " of " + expected.issuer
                                   : expected.jwks_url;
}

}  // namespace

absl::StatusOr<wire::TokenKeys> FetchTokenKeys(const TokenExpectation& expected,
                                               const FetchUrl& fetch) {
  std::string url = expected.jwks_url;
  if (url.empty()) {
    TOCSIN_ASSIGN_OR_RETURN(const std::string text, fetch(expected.openid_configuration_url));
    TOCSIN_ASSIGN_OR_RETURN(wire::OpenIdConfiguration configuration,
                            wire::ParseOpenIdConfiguration(text));
    if (configuration.issuer != expected.issuer) {
      return InvalidArgument("{} is of another issuer than {}", expected.openid_configuration_url,
                             expected.issuer);
    }
    if (!IsTrustworthyUrl(configuration.jwks_uri)) {
      return InvalidArgument("{} refers to keys that are not behind https",
                             expected.openid_configuration_url);
    }
    url = std::move(configuration.jwks_uri);
  }
  TOCSIN_ASSIGN_OR_RETURN(const std::string text, fetch(url));
  absl::StatusOr<wire::TokenKeys> keys = wire::TokenKeys::Parse(text);
  if (!keys.ok()) return InvalidArgument("{}: {}", url, Message(keys.status()));
  if (keys->size() == 0) return InvalidArgument("{} has no RSA key", url);
  return keys;
}

TokenVerifier::TokenVerifier(Options options, ListTrunks list_trunks, FetchUrl fetch,
                             const Clock& clock)
    : options_(options),
      list_trunks_(std::move(list_trunks)),
      fetch_(std::move(fetch)),
      clock_(clock),
      alarm_(clock),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

TokenVerifier::~TokenVerifier() {
  Stop();
}

void TokenVerifier::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

bool TokenVerifier::Hears(TrunkId trunk) const {
  const std::lock_guard lock(mutex_);
  const auto it = trunks_.find(trunk);
  return it == trunks_.end() || it->second.set->keys != nullptr;
}

void TokenVerifier::TrunksChanged() {
  {
    const std::lock_guard lock(mutex_);
    trunks_due_ = {};
  }
  alarm_.Ring();
}

std::optional<CallbackRefusal> TokenVerifier::Judge(TrunkId trunk, std::string_view authorization,
                                                    Patience patience) {
  const std::string_view token = TokenIn(authorization);
  if (token.empty()) return CallbackRefusal::kTokenMissing;
  if (token.size() > kTokenBytesMax) return CallbackRefusal::kTokenMalformed;
  std::unique_lock lock(mutex_);
  const absl::StatusOr<Trusted> trusted = Find(trunk, lock, patience);
  if (!trusted.ok()) {
    return absl::IsNotFound(trusted.status()) ? CallbackRefusal::kTokenOtherTrunk
                                              : CallbackRefusal::kTokenUndecided;
  }
  const TokenExpectation& expected = trusted->expected;
  bool fetched = false;  // Since we were asked.
  while (true) {
    const std::shared_ptr<const wire::TokenKeys> keys = trusted->set->keys;
    lock.unlock();
    const wire::TokenVerdict verdict =
        keys == nullptr ? wire::TokenVerdict::kUnknownKey
                        : keys->Verify(token, expected.issuer, expected.audience, clock_.Now());
    lock.lock();
    if (verdict != wire::TokenVerdict::kUnknownKey) return RefusalOf(verdict);
    if (fetched) return CallbackRefusal::kTokenUnknownKey;
    // Somebody else's wish may have been granted in between.
    fetched = trusted->set->keys != keys ||
              (patience == Patience::kWaits && WaitForFetch(*trusted->set, lock));
    if (!fetched) return CallbackRefusal::kTokenUndecided;
  }
}

// The trunk, which may have come into the store just now. kNotFound if it is
// none of GA; kUnavailable if that cannot be told.
absl::StatusOr<TokenVerifier::Trusted> TokenVerifier::Find(TrunkId trunk,
                                                           std::unique_lock<std::mutex>& lock,
                                                           Patience patience) {
  if (const auto it = trunks_.find(trunk); it != trunks_.end()) return it->second;
  if (patience == Patience::kNone) return absl::UnavailableError("not known yet");
  const SteadyTime now = clock_.Steady();
  const auto apart = absl::ToChronoNanoseconds(options_.fetch_apart);
  if (trunk_reads_ > 0 && now < trunks_read_at_ + apart) {
    return absl::UnavailableError("the trunks were read just now");
  }
  trunks_due_ = now;
  alarm_.Ring();
  const bool read = Wait(lock, [this, reads = trunk_reads_] { return trunk_reads_ != reads; });
  if (const auto it = trunks_.find(trunk); it != trunks_.end()) return it->second;
  if (!read || !trunks_known_) return absl::UnavailableError("the trunks cannot be read");
  return absl::NotFoundError("no such trunk of GA");
}

// True if the set was fetched after this was called. Not if that failed, takes
// too long, or was done so shortly before that it may not be done again.
bool TokenVerifier::WaitForFetch(KeySet& set, std::unique_lock<std::mutex>& lock) {
  const SteadyTime now = clock_.Steady();
  if (set.tries > 0 && now < NextTry(set)) return false;
  set.due = now;
  alarm_.Ring();
  const bool tried = Wait(lock, [&set, tries = set.tries] { return set.tries != tries; });
  return tried && set.failures == 0;
}

// When the set may be fetched again, whoever wants it.
SteadyTime TokenVerifier::NextTry(const KeySet& set) const {
  constexpr int kDoublingsMax = 20;
  absl::Duration apart = options_.fetch_apart;
  if (set.failures > 0) {
    const int doublings = std::min(set.failures - 1, kDoublingsMax);
    apart = std::min(options_.retry_first * (1 << doublings), options_.retry_max);
  }
  return set.tried_at + absl::ToChronoNanoseconds(apart);
}

bool TokenVerifier::Wait(std::unique_lock<std::mutex>& lock, const std::function<bool()>& done) {
  if (waiting_ >= options_.waiting_max) return false;
  ++waiting_;
  const bool is_done = changed_.wait_for(lock, absl::ToChronoNanoseconds(options_.wait_max), done);
  --waiting_;
  return is_done;
}

void TokenVerifier::Run(const std::stop_token& stop) {
  NameThisThread("fetch-keys");
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    const SteadyTime now = clock_.Steady();
    if (trunks_due_ <= now) {
      lock.unlock();
      ReadTrunks();
      continue;
    }
    const std::shared_ptr<KeySet> next = NextDue();
    if (next != nullptr && next->due <= now) {
      const TokenExpectation expected = next->expected;
      lock.unlock();
      Fetch(*next, expected);
      continue;
    }
    SteadyTime wake = now + absl::ToChronoNanoseconds(options_.refresh);
    wake = std::min(wake, next == nullptr ? trunks_due_ : std::min(trunks_due_, next->due));
    lock.unlock();
    alarm_.Wait(wake, stop);
  }
}

// The set that is to be fetched first; null if there is none.
std::shared_ptr<TokenVerifier::KeySet> TokenVerifier::NextDue() const {
  const auto first = std::min_element(sets_.begin(), sets_.end(), [](const auto& a, const auto& b) {
    return a.second->due < b.second->due;
  });
  return first == sets_.end() ? nullptr : first->second;
}

void TokenVerifier::ReadTrunks() {
  {
    const std::lock_guard lock(mutex_);
    trunks_due_ = SteadyTime::max();  // Unless they change while they are read.
  }
  const absl::StatusOr<std::vector<Trunk>> read = list_trunks_();
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.Steady();
  ++trunk_reads_;
  trunks_read_at_ = now;
  trunks_known_ = read.ok();
  if (read.ok()) {
    TakeTrunks(*read);
  } else {
    trunks_due_ = std::min(trunks_due_, now + absl::ToChronoNanoseconds(options_.fetch_apart));
  }
  changed_.notify_all();
}

// Keeps the keys of places that are still somebody's.
void TokenVerifier::TakeTrunks(const std::vector<Trunk>& trunks) {
  trunks_.clear();
  std::map<std::string, std::shared_ptr<KeySet>> sets;
  for (const Trunk& trunk : trunks) {
    TokenExpectation expected = ExpectedTokens(trunk);
    if (trunk.dialect != Dialect::kGa || expected.audience.empty()) continue;
    const std::string place = PlaceOf(expected);
    std::shared_ptr<KeySet>& set = sets[place];
    if (set == nullptr) {
      const auto had = sets_.find(place);
      set = had == sets_.end() ? std::make_shared<KeySet>() : had->second;
    }
    set->expected = expected;
    trunks_[trunk.id] = {std::move(expected), set};
  }
  sets_ = std::move(sets);
}

void TokenVerifier::Fetch(KeySet& set, const TokenExpectation& expected) {
  absl::StatusOr<wire::TokenKeys> keys = FetchTokenKeys(expected, fetch_);
  const std::lock_guard lock(mutex_);
  if (!keys.ok() && set.failures == 0) {
    Log(LogLevel::kWarn, "callback_keys_away",
        {{"error", Message(keys.status())}, {"have", set.keys == nullptr ? 0U : set.keys->size()}});
  } else if (keys.ok() && set.failures > 0) {
    Log(LogLevel::kInfo, "callback_keys_are_back", {{"have", keys->size()}});
  }
  ++set.tries;
  set.failures = keys.ok() ? 0 : set.failures + 1;
  set.tried_at = clock_.Steady();
  set.due = keys.ok() ? set.tried_at + absl::ToChronoNanoseconds(options_.refresh) : NextTry(set);
  // Counted once all of it is so.
  const bool fetched = keys.ok();
  if (fetched) set.keys = std::make_shared<const wire::TokenKeys>(*std::move(keys));
  (fetched ? fetches_ : fetch_failures_).fetch_add(1, std::memory_order_release);
  changed_.notify_all();
}

TokenCounters TokenVerifier::counters() const {
  return {.fetches = fetches_.load(), .fetch_failures = fetch_failures_.load()};
}

}  // namespace tocsin::dialer
