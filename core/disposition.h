#pragma once
#include <optional>
#include <string_view>

namespace tocsin {

// The axes of what an outcome says (docs/call-states.md). One enum never means
// two things: how the call ended, how much of the message was heard, who
// answered, and what became of the person are four different questions.
//
// Every enum has Name(), the spelling used in the database, the API and
// reports, and FromName<E>(), its inverse.

// How one attempt ended.
enum class Disposition {
  kAnswered,
  kBusy,
  kNoAnswer,
  kDeclined,
  kInvalidNumber,
  kUnreachable,
  kNetworkBlocked,
  kCongestion,
  kConfigError,
  kProviderError,
  kCanceled,
  kLost,
};

// Whether the disposition was told by the provider or concluded from silence:
// the 2021 dialects end an unanswered call without any reason.
enum class DispositionSource { kObserved, kInferred };

// How much of the message one attempt played while connected.
enum class Delivery { kNone, kPartial, kFull, kUnknown };

// kHuman: a key was pressed. kMachine: only from a detector.
enum class AnsweredBy { kNobody, kUnknown, kHuman, kMachine };

// What became of a person in a campaign.
enum class Outcome {
  kConfirmed,
  kDeliveredUnconfirmed,
  kPartial,
  kNotReached,
  kRefused,
  kOptedOut,
  kNoUsableNumber,
  kSuppressed,
  kExpired,
  kCanceled,
  kUnknown,
};

std::string_view Name(Disposition disposition);
std::string_view Name(DispositionSource source);
std::string_view Name(Delivery delivery);
std::string_view Name(AnsweredBy answered_by);
std::string_view Name(Outcome outcome);

// nullopt for a name that is none of the enum's.
template <class E>
std::optional<E> FromName(std::string_view name);

template <>
std::optional<Disposition> FromName(std::string_view name);
template <>
std::optional<DispositionSource> FromName(std::string_view name);
template <>
std::optional<Delivery> FromName(std::string_view name);
template <>
std::optional<AnsweredBy> FromName(std::string_view name);
template <>
std::optional<Outcome> FromName(std::string_view name);

}  // namespace tocsin
