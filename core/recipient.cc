#include "core/recipient.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "fmt/format.h"

namespace tocsin {

TriedCall TriedCallOf(AttemptId attempt, int number_index, const CallView& view) {
  TOCSIN_CHECK(view.state == AttemptState::kEnded);
  TriedCall call;
  call.attempt = attempt;
  call.number_index = number_index;
  call.disposition = *view.disposition;
  call.delivery = view.delivery;
  call.acknowledged = view.acknowledged.has_value();
  call.refused = view.refused.has_value();
  call.opted_out = view.opted_out.has_value();
  call.given_back = view.remedy == Remedy::kGiveBack || view.remedy == Remedy::kPauseTrunk;
  call.ambiguous = view.ambiguous;
  call.put_through = view.put_through_at().has_value();
  call.ended_at = *view.ended_at;
  return call;
}

namespace {

std::string Flags(const TriedCall& call) {
  std::string flags;
  if (call.acknowledged) flags += 'A';
  if (call.refused) flags += 'R';
  if (call.opted_out) flags += 'O';
  if (call.given_back) flags += 'G';
  if (call.ambiguous) flags += 'M';
  if (call.put_through) flags += 'T';
  return flags.empty() ? "-" : flags;
}

template <class Integer>
bool ReadInteger(std::string_view text, Integer& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string EncodeTriedCall(const TriedCall& call) {
  return fmt::format("{}/{}/{}/{}/{}/{}", call.attempt.value(), call.number_index,
                     Name(call.disposition), Name(call.delivery), Flags(call),
                     absl::ToUnixMicros(call.ended_at));
}

absl::StatusOr<TriedCall> DecodeTriedCall(std::string_view text) {
  const std::vector<std::string> parts =
      absl::StrSplit(absl::string_view(text.data(), text.size()), '/');
  TriedCall call;
  std::int64_t attempt = 0;
  std::int64_t ended_us = 0;
  if (parts.size() != 6 || !ReadInteger(parts[0], attempt) ||
      !ReadInteger(parts[1], call.number_index) || !ReadInteger(parts[5], ended_us)) {
    return absl::InvalidArgumentError("history: not an entry of six parts");
  }
  const auto disposition = FromName<Disposition>(parts[2]);
  const auto delivery = FromName<Delivery>(parts[3]);
  if (!disposition || !delivery) {
    return absl::InvalidArgumentError("history: unknown disposition or delivery");
  }
  call.attempt = AttemptId(attempt);
  call.disposition = *disposition;
  call.delivery = *delivery;
  call.acknowledged = parts[4].find('A') != std::string::npos;
  call.refused = parts[4].find('R') != std::string::npos;
  call.opted_out = parts[4].find('O') != std::string::npos;
  call.given_back = parts[4].find('G') != std::string::npos;
  call.ambiguous = parts[4].find('M') != std::string::npos;
  call.put_through = parts[4].find('T') != std::string::npos;
  call.ended_at = absl::FromUnixMicros(ended_us);
  return call;
}

char Letter(NumberMark mark) {
  switch (mark) {
    case NumberMark::kUsable: return '.';
    case NumberMark::kInvalid: return 'I';
    case NumberMark::kSuppressed: return 'S';
    case NumberMark::kRefusedByGuard: return 'G';
  }
  return '.';
}

std::optional<NumberMark> MarkOfLetter(char letter) {
  switch (letter) {
    case '.': return NumberMark::kUsable;
    case 'I': return NumberMark::kInvalid;
    case 'S': return NumberMark::kSuppressed;
    case 'G': return NumberMark::kRefusedByGuard;
    default: return std::nullopt;
  }
}

namespace {

RecipientVerdict Done(Outcome outcome, std::string reason) {
  RecipientVerdict verdict;
  verdict.outcome = outcome;
  verdict.reason = std::move(reason);
  return verdict;
}

// How many attempts a person has had. What our own limits kept from ringing is none;
// but as many of these as there are attempts are enough, too.
std::ptrdiff_t CountAttempts(const RecipientHistory& history) {
  const auto counted =
      std::count_if(history.tried.begin(), history.tried.end(), [](const TriedCall& call) {
        return call.disposition != Disposition::kCanceled && !call.given_back;
      });
  const auto given_back = std::count_if(history.tried.begin(), history.tried.end(),
                                        [](const TriedCall& call) { return call.given_back; });
  return std::max(counted, given_back);
}

// The next usable number after the last one tried; a number that turned out
// invalid in a call is not usable either. -1: none.
int NextNumber(const RecipientHistory& history) {
  const int size = static_cast<int>(history.marks.size());
  const int last = history.tried.empty() ? size - 1 : history.tried.back().number_index;
  for (int step = 1; step <= size; ++step) {
    const int index = (last + step) % size;
    const bool dead =
        std::any_of(history.tried.begin(), history.tried.end(), [&](const TriedCall& call) {
          return call.number_index == index && call.disposition == Disposition::kInvalidNumber;
        });
    if (history.marks[static_cast<std::size_t>(index)] == NumberMark::kUsable && !dead) {
      return index;
    }
  }
  return -1;
}

// Why nobody was reached: the first that applies over all attempts.
std::string NotReachedReason(const RecipientHistory& history) {
  struct Reason {
    Disposition disposition;
    const char* name;
  };
  constexpr Reason kOrder[] = {
      {Disposition::kNetworkBlocked, "blocked"},
      {Disposition::kInvalidNumber, "invalid"},
      {Disposition::kUnreachable, "unreachable"},
      {Disposition::kBusy, "busy"},
      {Disposition::kDeclined, "declined"},
      {Disposition::kNoAnswer, "no_answer"},
      {Disposition::kCongestion, "congestion"},
      {Disposition::kProviderError, "provider_error"},
      {Disposition::kConfigError, "config_error"},
      {Disposition::kAnswered, "message_not_heard"},
      {Disposition::kLost, "lost"},
  };
  for (const Reason& reason : kOrder) {
    for (const TriedCall& call : history.tried) {
      if (call.disposition == reason.disposition) return reason.name;
    }
  }
  return "not_attempted";
}

// What was reached so far, if that is something.
std::optional<RecipientVerdict> Reached(const RecipientHistory& history, std::string why) {
  const auto any = [&](auto predicate) {
    return std::any_of(history.tried.begin(), history.tried.end(), predicate);
  };
  if (any([](const TriedCall& c) { return c.acknowledged; })) return Done(Outcome::kConfirmed, "");
  if (any([](const TriedCall& c) { return c.opted_out; })) return Done(Outcome::kOptedOut, "");
  if (any([](const TriedCall& c) { return c.refused; })) return Done(Outcome::kRefused, "");
  if (any([](const TriedCall& c) { return c.delivery == Delivery::kFull; })) {
    return Done(Outcome::kDeliveredUnconfirmed, std::move(why));
  }
  if (any([](const TriedCall& c) { return c.delivery == Delivery::kPartial; })) {
    return Done(Outcome::kPartial, std::move(why));
  }
  return std::nullopt;
}

// Nothing more will be tried.
RecipientVerdict Finally(const RecipientHistory& history, std::string why) {
  if (auto reached = Reached(history, std::move(why))) return *reached;
  const bool all_lost =
      !history.tried.empty() &&
      std::all_of(history.tried.begin(), history.tried.end(),
                  [](const TriedCall& call) { return call.disposition == Disposition::kLost; });
  if (all_lost) return Done(Outcome::kUnknown, "lost");
  return Done(Outcome::kNotReached, NotReachedReason(history));
}

// No number is left. If calls were made their result speaks, else the marks do.
RecipientVerdict WithoutNumber(const RecipientHistory& history) {
  if (!history.tried.empty()) return Finally(history, "no_number_left");
  const bool suppressed = std::find(history.marks.begin(), history.marks.end(),
                                    NumberMark::kSuppressed) != history.marks.end();
  if (suppressed) return Done(Outcome::kSuppressed, history.mark_reason);
  return Done(Outcome::kNoUsableNumber, history.mark_reason);
}

// How many calls ended like `last`, which is one of them.
std::ptrdiff_t Repeats(const RecipientHistory& history, const TriedCall& last) {
  return std::count_if(history.tried.begin(), history.tried.end(),
                       [&](const TriedCall& call) { return call.disposition == last.disposition; });
}

// How long after `last` the next try may come; nullopt: that was enough.
std::optional<absl::Duration> DelayAfter(const Campaign& campaign, const RecipientHistory& history,
                                         const TriedCall& last) {
  const RetryPolicy retry = ScaledRetry(campaign);
  const AckPolicy ack = ScaledAck(campaign);
  switch (last.disposition) {
    case Disposition::kAnswered: return ack.retry_after;
    case Disposition::kBusy: return retry.busy;
    case Disposition::kNoAnswer: return retry.no_answer;
    // A clear "no" is one. What may be something else, or a network's doing, is tried
    // once more.
    case Disposition::kDeclined:
      if (!last.ambiguous || Repeats(history, last) > 1) return std::nullopt;
      return retry.declined;
    case Disposition::kNetworkBlocked:
      if (Repeats(history, last) > 1) return std::nullopt;
      return retry.declined;
    // The number is dead, not the person: the next number at once.
    case Disposition::kInvalidNumber: return absl::ZeroDuration();
    case Disposition::kUnreachable: return retry.unreachable;
    case Disposition::kCongestion: return retry.congestion;
    case Disposition::kConfigError: return retry.provider_error;
    case Disposition::kProviderError: return retry.provider_error;
    case Disposition::kCanceled: return retry.provider_error;
    case Disposition::kLost: return retry.lost;
  }
  return std::nullopt;
}

// Each repetition of the same disposition waits longer. Answers without a key
// do not: their delay is a courtesy, not a back-off.
double BackoffFactor(const RetryPolicy& retry, const RecipientHistory& history,
                     const TriedCall& last) {
  if (last.disposition == Disposition::kAnswered) return 1;
  return std::pow(retry.backoff, std::max<std::ptrdiff_t>(Repeats(history, last) - 1, 0));
}

absl::TimeZone ZoneOf(const Campaign& campaign, const RecipientHistory& history) {
  const auto zone =
      FindTimeZone(history.time_zone.empty() ? campaign.spec.time_zone : history.time_zone);
  // Both were checked when they were submitted; without tzdata's entry since,
  // UTC is no one's night on purpose, and DialGuard refuses unknown zones.
  return zone.ok() ? *zone : absl::UTCTimeZone();
}

// A try at `earliest` or at the next opening after it, unless the campaign has
// expired by then.
RecipientVerdict TryAt(const Campaign& campaign, const RecipientHistory& history, int number,
                       absl::Time earliest) {
  RecipientVerdict verdict;
  verdict.number_index = number;
  verdict.next_at = NextOpening(campaign.spec.window, ZoneOf(campaign, history), earliest,
                                ScaledFlow(campaign).ring_limit);
  if (campaign.expires_at && *verdict.next_at >= *campaign.expires_at) {
    return ConcludeRecipient(campaign, history, Outcome::kExpired);
  }
  return verdict;
}

bool EnoughAnswers(const Campaign& campaign, const RecipientHistory& history) {
  const auto answered = std::count_if(
      history.tried.begin(), history.tried.end(),
      [](const TriedCall& call) { return call.disposition == Disposition::kAnswered; });
  if (!campaign.spec.ack.required) {
    return std::any_of(history.tried.begin(), history.tried.end(),
                       [](const TriedCall& call) { return call.delivery == Delivery::kFull; });
  }
  return answered >= campaign.spec.ack.unconfirmed_answers_max;
}

}  // namespace

RecipientVerdict FirstTry(const Campaign& campaign, const RecipientHistory& history,
                          absl::Time earliest) {
  TOCSIN_CHECK(history.tried.empty());
  const int number = NextNumber(history);
  if (number < 0) return WithoutNumber(history);
  return TryAt(campaign, history, number, earliest);
}

RecipientVerdict DecideRecipient(const Campaign& campaign, const RecipientHistory& history,
                                 absl::Time now) {
  for (const TriedCall& call : history.tried) {
    if (call.acknowledged || call.opted_out || call.refused) return *Reached(history, "");
  }
  // Who spoke to somebody needs no second call, whatever they said there.
  const bool spoke = std::any_of(history.tried.begin(), history.tried.end(),
                                 [](const TriedCall& call) { return call.put_through; });
  if (spoke) return Finally(history, "spoke_to_operator");
  if (campaign.state == CampaignState::kCanceling || campaign.state == CampaignState::kCanceled) {
    return ConcludeRecipient(campaign, history, Outcome::kCanceled);
  }
  const int number = NextNumber(history);
  if (number < 0) return WithoutNumber(history);
  if (history.tried.empty()) return TryAt(campaign, history, number, now);
  if (EnoughAnswers(campaign, history)) return Finally(history, "enough_answers");
  if (CountAttempts(history) >= campaign.spec.retry.attempts_max) {
    return Finally(history, "attempts_used_up");
  }
  const TriedCall& last = history.tried.back();
  const std::optional<absl::Duration> delay = DelayAfter(campaign, history, last);
  if (!delay) return Finally(history, "not_again");
  const double factor = BackoffFactor(campaign.spec.retry, history, last);
  return TryAt(campaign, history, number, std::max(now, last.ended_at) + *delay * factor);
}

RecipientVerdict ConcludeRecipient(const Campaign& campaign, const RecipientHistory& history,
                                   Outcome otherwise) {
  const char* why = otherwise == Outcome::kExpired ? "expired" : campaign.state_reason.c_str();
  if (auto reached = Reached(history, why)) return *reached;
  return Done(otherwise, why);
}

}  // namespace tocsin
