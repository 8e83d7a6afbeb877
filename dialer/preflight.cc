#include "dialer/preflight.h"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "base/status_macros.h"
#include "base/uuid.h"
#include "core/dial_guard.h"
#include "dialer/http_fetch.h"
#include "dialer/owned_numbers.h"
#include "dialer/provider_request.h"
#include "dialer/provider_text.h"
#include "dialer/token_verifier.h"
#include "fmt/ranges.h"
#include "wire/calls_2021.h"
#include "wire/json_web_token.h"
#include "wire/paths.h"
#include "wire/paths_ga.h"
#include "wire/request_signing.h"

namespace tocsin::dialer {
namespace {

using enum CheckVerdict;

// Below this nobody will notice that two clocks differ.
constexpr absl::Duration kSkewUnnoticed = absl::Seconds(30);
// A token that ends sooner is probably not being renewed.
constexpr absl::Duration kTokenEndsSoon = absl::Minutes(5);
// A call of a calm day with our ring limit of 30 s, unanswered ones included.
constexpr double kMeanHoldS = 43;
// What ACS allows unless it was asked for more.
constexpr int kAcsCallsPerNumber = 2;

TrunkCheck Good(std::string check, std::string finding) {
  return {std::move(check), kGood, std::move(finding), ""};
}
TrunkCheck Bad(std::string check, std::string finding, std::string remedy) {
  return {std::move(check), kBad, std::move(finding), std::move(remedy)};
}
TrunkCheck NotChecked(std::string check, std::string finding, std::string remedy = "") {
  return {std::move(check), kNotChecked, std::move(finding), std::move(remedy)};
}

std::string Lasting(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Seconds(1)));
}

// One round of the checks: what they share, and what they have found.
class Preflight {
 public:
  Preflight(const PreflightSubject& subject, ConnectionPool& pool, Credentials& credentials,
            const Clock& clock)
      : trunk_(subject.trunk),
        subject_(subject),
        rehearsal_(IsLoopbackEndpoint(subject.trunk.endpoint)),
        pool_(pool),
        credentials_(credentials),
        clock_(clock) {}

  std::vector<TrunkCheck> Run() && {
    Add(Settings());
    Add(SecretCheck());
    Add(AskEndpoint());
    Add(CredentialCheck());
    Add(ClockCheck());
    Add(CallerNumbers());
    Add(NumbersOwned());
    Add(CallbackUrl());
    Add(Receiver());
    Add(TokenKeysCheck());
    Add(LiveDialing());
    Add(Limits());
    return std::move(checks_);
  }

 private:
  void Add(TrunkCheck check) { checks_.push_back(std::move(check)); }

  TrunkCheck Settings() const {
    std::vector<std::string> wrong;
    for (const FieldViolation& violation : CheckTrunk(trunk_)) {
      wrong.push_back(fmt::format("{} {}", violation.field, violation.description));
    }
    if (wrong.empty()) {
      return Good("settings", fmt::format("{} at {}", Name(trunk_.dialect), trunk_.endpoint));
    }
    return Bad("settings", fmt::format("{}", fmt::join(wrong, "; ")),
               "put it right in the trunk's file and apply that again");
  }

  // The secret itself: there, readable by those alone whom it is for, not expired.
  TrunkCheck SecretCheck() {
    const Credential& credential = trunk_.credential;
    if (credential.kind == CredentialKind::kNone) {
      if (rehearsal_) return NotChecked("secret", "the trunk has none, and is on this machine");
      return Bad("secret", "requests are not signed",
                 "name an access key, a connection string or a bearer token in the trunk's file");
    }
    authority_ = credentials_.Get(credential, trunk_.endpoint);
    if (!authority_.ok()) {
      return Bad("secret", Message(authority_.status()),
                 "put the secret there on every node, readable for the user that Tocsin runs as");
    }
    constexpr std::string_view kFile = "file:";
    struct stat status{};
    if (credential.source.starts_with(kFile) &&
        stat(credential.source.c_str() + kFile.size(), &status) == 0 &&
        (status.st_mode & S_IROTH) != 0) {
      return Bad("secret", fmt::format("{} can be read by everybody here", credential.source),
                 "chmod o-r, and consider to replace it");
    }
    return SecretLasts();
  }

  TrunkCheck SecretLasts() const {
    const std::string place =
        fmt::format("{} from {}", Name(trunk_.credential.kind), trunk_.credential.source);
    if (authority_->expires_at == absl::InfiniteFuture()) return Good("secret", place);
    const absl::Duration left = authority_->expires_at - clock_.Now();
    const std::string finding = fmt::format("{}, good for {}", place, Lasting(left));
    if (left > kTokenEndsSoon) return Good("secret", finding);
    return Bad("secret", finding, "see that whatever renews the token runs");
  }

  // Something of a call that does not exist: harmless, and answered by those only
  // who know us.
  ProviderRequest HarmlessRequest() const {
    const std::string nobody = RandomUuid();
    switch (trunk_.dialect) {
      case Dialect::kPreview202104:
        return {"POST", wire::HangUpPath(wire::Dialect::k2021_04, nobody), ""};
      case Dialect::kPreview202105:
        return {"POST", wire::HangUpPath(wire::Dialect::k2021_05, nobody), ""};
      case Dialect::kGa: break;
    }
    return {"GET", wire::ga::Path({.operation = wire::ga::Operation::kGetCall, .call_id = nobody}),
            ""};
  }

  TrunkCheck AskEndpoint() {
    auto loan = pool_.Borrow(trunk_.endpoint);
    if (!loan.ok()) {
      return Bad("endpoint", Message(loan.status()),
                 "see that the address is right, and that this machine may connect to it");
    }
    TrunkAddress address = TrunkAddress::Of(trunk_);
    // Even without its secret the endpoint can be asked what time it is.
    if (!authority_.ok()) address.credential = {};
    const auto order = SignedOrder(address, HarmlessRequest(), credentials_, clock_.Now());
    if (!order.ok()) {
      return Bad("endpoint", Message(order.status()), "see to the endpoint in the trunk's file");
    }
    HttpResult result = loan->Send(*order);
    if (auto* answer = std::get_if<HttpAnswer>(&result)) {
      answered_at_ = clock_.Now();
      answer_ = std::move(*answer);
      return Good("endpoint", fmt::format("answers at {}", trunk_.endpoint));
    }
    const auto* unanswered = std::get_if<HttpUnanswered>(&result);
    return Bad("endpoint",
               unanswered != nullptr ? unanswered->reason : std::get<HttpNotSent>(result).reason,
               "see that a Call Automation endpoint listens there");
  }

  std::string WordsOfAnswer() const {
    const wire::ErrorBody error = wire::DecodeErrorBody(answer_->body);
    std::string words = Scrubbed(fmt::format("{} {}", error.code, error.message));
    return fmt::format("{} {}", answer_->status, words);
  }

  TrunkCheck CredentialCheck() const {
    if (!answer_) return NotChecked("credentials", "the endpoint did not answer");
    const bool has_secret = trunk_.credential.kind != CredentialKind::kNone;
    if (has_secret && !authority_.ok()) {
      return NotChecked("credentials", "there is no secret to show");
    }
    const int status = answer_->status;
    if (status == 401 || status == 403) {
      return Bad("credentials", fmt::format("refused: {}", WordsOfAnswer()),
                 has_secret ? "see that the secret is this resource's and current, and that the "
                              "clock is right"
                            : "name an access key, a connection string or a bearer token in the "
                              "trunk's file");
    }
    if (status == 429 || status >= 500) {
      return NotChecked("credentials", fmt::format("undecided: {}", WordsOfAnswer()),
                        "ask again later");
    }
    return Good("credentials", has_secret ? "accepted" : "none are asked for");
  }

  TrunkCheck ClockCheck() const {
    if (!answer_) return NotChecked("clock", "the endpoint did not answer");
    const auto theirs = wire::ParseRfc1123(answer_->date.value_or(""));
    if (!theirs.ok()) return NotChecked("clock", "the endpoint does not say what time it is");
    // Theirs is in whole seconds.
    const absl::Duration ahead = answered_at_ - *theirs;
    const absl::Duration off = absl::AbsDuration(ahead);
    const std::string finding = fmt::format("{} {} of the endpoint's", Lasting(off),
                                            ahead > absl::ZeroDuration() ? "ahead" : "behind");
    if (off <= kSkewUnnoticed) return Good("clock", finding);
    return Bad(
        "clock", finding,
        fmt::format("set the clock (NTP): signatures hold for {} either way{}",
                    Lasting(wire::kSignatureDateSkew),
                    trunk_.dialect == Dialect::kGa
                        ? fmt::format(", tokens of callbacks for {}", Lasting(wire::kTokenSkew))
                        : ""));
  }

  TrunkCheck CallerNumbers() const {
    int unfit = 0;
    int rehearsal = 0;
    for (const PhoneNumber& number : trunk_.caller_numbers) {
      unfit += RefusedDestination(number) ? 1 : 0;
      rehearsal += IsSyntheticNumber(number) ? 1 : 0;
    }
    const std::size_t count = trunk_.caller_numbers.size();
    if (count == 0) return Bad("caller numbers", "there are none", "add caller_numbers");
    if (unfit > 0) {
      return Bad("caller numbers",
                 fmt::format("{} of {} cannot be called back: premium, service or no numbers",
                             unfit, count),
                 "call from numbers that those who missed the call may call");
    }
    if (rehearsal > 0 && !rehearsal_) {
      return Bad("caller numbers",
                 fmt::format("{} of {} are rehearsal numbers (exchange 555)", rehearsal, count),
                 "call from numbers of yours");
    }
    return Good("caller numbers", fmt::format("{} in E.164", count));
  }

  TrunkCheck NumbersOwned() const {
    constexpr const char* kCheck = "numbers owned";
    if (rehearsal_) return NotChecked(kCheck, "nobody owns numbers on this machine");
    if (!answer_ || !authority_.ok()) return NotChecked(kCheck, "the endpoint cannot be asked");
    const auto owned = FetchOwnedNumbers(TrunkAddress::Of(trunk_), pool_, credentials_, clock_);
    if (!owned.ok()) return NotChecked(kCheck, Message(owned.status()));
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < trunk_.caller_numbers.size(); ++i) {
      if (!owned->contains(trunk_.caller_numbers[i].e164())) missing.push_back(i + 1);
    }
    if (missing.empty()) {
      return Good(kCheck, fmt::format("all {} are the resource's", trunk_.caller_numbers.size()));
    }
    if (owned->empty()) {
      return NotChecked(kCheck, "the resource lists no numbers: right for direct routing only");
    }
    const std::size_t shown = std::min<std::size_t>(missing.size(), 10);
    return Bad(kCheck,
               fmt::format("{} of {} are not the resource's: number {}{} of caller_numbers",
                           missing.size(), trunk_.caller_numbers.size(),
                           fmt::join(missing.begin(),
                                     missing.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                           shown < missing.size() ? ", ..." : ""),
               "take them out, or acquire them; calls from them are refused (403/510403)");
  }

  TrunkCheck CallbackUrl() const {
    constexpr const char* kCheck = "callback url";
    const std::string& url = subject_.callback_url;
    if (url.empty()) {
      return NotChecked(kCheck, "not known here", "give --callback-url as the nodes have it");
    }
    if (rehearsal_) return Good(kCheck, url);
    if (!url.starts_with("https://")) {
      return Bad(kCheck, fmt::format("{} is not https", url),
                 "providers call back over https only: put a proxy with a certificate before it");
    }
    if (IsLoopbackEndpoint(url)) {
      return Bad(kCheck, fmt::format("{} is this machine's own", url),
                 "set --callback-url to what the provider reaches this by");
    }
    const auto endpoint = ParseEndpoint(url.substr(0, url.find('/', 8)));
    if (!endpoint.ok()) return Bad(kCheck, Message(endpoint.status()), "set --callback-url");
    if (endpoint->port != 443) {
      return Bad(kCheck, fmt::format("{} is on port {}", url, endpoint->port),
                 "providers call back to port 443");
    }
    return Good(kCheck, url);
  }

  // A callback without events for an attempt that there cannot be, signed as ours
  // are: a receiver of ours answers it in a way that nobody else does.
  TrunkCheck Receiver() const {
    constexpr const char* kCheck = "receiver";
    if (subject_.callback_url.empty()) return NotChecked(kCheck, "the callback URL is not known");
    const auto signer = wire::CallbackSigner::Create(subject_.callback_keys);
    if (!signer.ok()) {
      return NotChecked(kCheck, "the keys of callback URLs are not known here",
                        "give --callback-keys-file as the nodes have it");
    }
    const bool owes_token = trunk_.dialect == Dialect::kGa;
    const std::string url = signer->Sign(
        {{CampaignId(1), AttemptId(1)}, owes_token ? trunk_.id : TrunkId()}, subject_.callback_url);
    const auto answer = SendText(pool_, "POST", url, "[]");
    if (!answer.ok()) {
      return Bad(kCheck, Message(answer.status()),
                 "start a node with the role receiver, and see that the callback URL leads to it");
    }
    const wire::ErrorBody error = wire::DecodeErrorBody(answer->body);
    if (owes_token ? error.code == Name(CallbackRefusal::kTokenMissing) : answer->status == 200) {
      return Good(kCheck, owes_token ? "a node answers, and asks for the provider's token"
                                     : "a node answers");
    }
    if (error.code == Name(CallbackRefusal::kForged)) {
      return Bad(kCheck, "a node answers that does not know our signature",
                 "give all nodes the same callback keys");
    }
    return Bad(kCheck,
               fmt::format("{} answers {}, as no node of ours does", wire::WithoutQuery(url),
                           answer->status),
               "see that the callback URL leads to the receiver, with the path it is given");
  }

  TrunkCheck TokenKeysCheck() const {
    constexpr const char* kCheck = "token keys";
    if (trunk_.dialect != Dialect::kGa) {
      return NotChecked(kCheck, "callbacks of this dialect carry no tokens");
    }
    const TokenExpectation expected = ExpectedTokens(trunk_);
    const auto keys =
        FetchTokenKeys(expected, [this](const std::string& url) { return FetchText(pool_, url); });
    if (!keys.ok()) {
      return Bad(kCheck, Message(keys.status()),
                 "see that jwks_url is right, and that this machine may connect to it: callbacks "
                 "cannot be verified without the keys");
    }
    return Good(kCheck, fmt::format("{} of {}, for the resource {}", keys->size(), expected.issuer,
                                    expected.audience));
  }

  TrunkCheck LiveDialing() const {
    constexpr const char* kCheck = "live dialing";
    if (rehearsal_) return NotChecked(kCheck, "only this machine is dialed");
    std::vector<std::string> missing;
    if (!trunk_.live_dialing) missing.emplace_back("live_dialing is off");
    if (trunk_.allowed_regions.empty()) missing.emplace_back("allowed_regions is not set");
    if (trunk_.spend_ceiling_calls <= 0) {
      missing.emplace_back("spend_ceiling_calls is not set");
    } else if (subject_.sends >= trunk_.spend_ceiling_calls) {
      missing.push_back(fmt::format("spend_ceiling_calls is used up: {} of {}", subject_.sends,
                                    trunk_.spend_ceiling_calls));
    }
    if (!missing.empty()) {
      return Bad(kCheck, fmt::format("{}", fmt::join(missing, "; ")),
                 "set them in the trunk's file: until then no campaign can call on this trunk");
    }
    return Good(kCheck, fmt::format("into {}; {} of {} requests left; hours are each campaign's",
                                    fmt::join(trunk_.allowed_regions, ", "),
                                    trunk_.spend_ceiling_calls - subject_.sends,
                                    trunk_.spend_ceiling_calls));
  }

  TrunkCheck Limits() const {
    constexpr const char* kCheck = "limits";
    const TrunkCapacity capacity = CapacityOf(trunk_);
    const std::string what = fmt::format(
        "{:.0f} calls at once carry {:.3g} calls/s ({:.0f} s a call)", capacity.calls_at_once,
        capacity.calls_per_second, kMeanHoldS / trunk_.time_scale);
    if (!rehearsal_ && trunk_.concurrent_max_per_caller > kAcsCallsPerNumber) {
      return {kCheck, kGood,
              fmt::format("{}; {} calls at once from a number are more than ACS allows by itself",
                          what, trunk_.concurrent_max_per_caller),
              "calls beyond the provider's limit end with 603: have it raised first"};
    }
    if (!capacity.concurrency_binds) {
      return Good(kCheck,
                  fmt::format("the rate binds: {} calls/s; {}", trunk_.calls_per_second, what));
    }
    const double needed = std::ceil(trunk_.calls_per_second * kMeanHoldS / trunk_.time_scale);
    return {kCheck, kGood,
            fmt::format("concurrency binds: {} of the {} allowed", what, trunk_.calls_per_second),
            fmt::format("for the whole rate: {:.0f} calls at once, on {:.0f} caller numbers",
                        needed, std::ceil(needed / trunk_.concurrent_max_per_caller))};
  }

  const Trunk& trunk_;
  const PreflightSubject& subject_;
  const bool rehearsal_;
  ConnectionPool& pool_;
  Credentials& credentials_;
  const Clock& clock_;
  std::vector<TrunkCheck> checks_;
  absl::StatusOr<Authority> authority_ = Authority{};
  std::optional<HttpAnswer> answer_;  // To the harmless request.
  absl::Time answered_at_;
};

}  // namespace

std::string_view Name(CheckVerdict verdict) {
  switch (verdict) {
    case kGood: return "good";
    case kBad: return "bad";
    case kNotChecked: return "not checked";
  }
  return "";
}

bool AllGood(const std::vector<TrunkCheck>& checks) {
  return std::none_of(checks.begin(), checks.end(),
                      [](const TrunkCheck& check) { return check.verdict == kBad; });
}

TrunkCapacity CapacityOf(const Trunk& trunk) {
  TrunkCapacity capacity;
  capacity.calls_at_once =
      std::min(static_cast<double>(trunk.concurrent_max),
               static_cast<double>(trunk.caller_numbers.size()) * trunk.concurrent_max_per_caller);
  capacity.calls_per_second = capacity.calls_at_once * trunk.time_scale / kMeanHoldS;
  capacity.concurrency_binds = capacity.calls_per_second < trunk.calls_per_second;
  return capacity;
}

std::vector<TrunkCheck> CheckTrunkBeforehand(const PreflightSubject& subject, ConnectionPool& pool,
                                             Credentials& credentials, const Clock& clock) {
  return Preflight(subject, pool, credentials, clock).Run();
}

}  // namespace tocsin::dialer
