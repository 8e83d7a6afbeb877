#include "core/campaign.h"

#include <algorithm>
#include <cmath>

#include "base/status_macros.h"
#include "core/dial_guard.h"
#include "core/named_enum.h"
#include "fmt/format.h"

namespace tocsin {

TOCSIN_DEFINE_ENUM_NAMES(CampaignState, "DRAFT", "RUNNING", "PAUSED", "CANCELING", "COMPLETED",
                         "CANCELED")
TOCSIN_DEFINE_ENUM_NAMES(CancelMode, "DRAIN", "HANG_UP")
TOCSIN_DEFINE_ENUM_NAMES(KeyMeaning, "ACKNOWLEDGE", "REFUSE", "OPT_OUT", "OPERATOR", "REPEAT")
TOCSIN_DEFINE_ENUM_NAMES(AckScope, "NUMBER", "PERSON")

std::string_view Name(CampaignCommand command) {
  switch (command) {
    case CampaignCommand::kStart: return "START";
    case CampaignCommand::kPause: return "PAUSE";
    case CampaignCommand::kResume: return "RESUME";
    case CampaignCommand::kCancel: return "CANCEL";
  }
  return "";
}

namespace {

// The longest that a provider lets a call ring when nobody tells it to stop.
constexpr absl::Duration kProviderRingMax = absl::Seconds(120);
// For callbacks that come late, in life's and in the machine's own time.
constexpr absl::Duration kLateCallbacks = absl::Seconds(60);
constexpr absl::Duration kLateCallbacksReal = absl::Seconds(2);

class Violations {
 public:
  void Add(std::string field, std::string description) {
    found_.push_back({std::move(field), std::move(description)});
  }

  void CheckLength(std::string field, const std::string& text, std::size_t max) {
    if (text.empty() || text.size() > max) {
      Add(std::move(field), fmt::format("has {} bytes; it must have 1 to {}", text.size(), max));
    }
  }

  template <class Number>
  void CheckRange(std::string field, Number value, Number min, Number max) {
    if (!(value >= min && value <= max)) {
      Add(std::move(field), fmt::format("is {}; it must be {} to {}", value, min, max));
    }
  }

  void CheckDuration(std::string field, absl::Duration value, absl::Duration min,
                     absl::Duration max) {
    if (value < min || value > max) {
      Add(std::move(field), fmt::format("is {}; it must be {} to {}", absl::FormatDuration(value),
                                        absl::FormatDuration(min), absl::FormatDuration(max)));
    }
  }

  std::vector<FieldViolation> Take() { return std::move(found_); }

 private:
  std::vector<FieldViolation> found_;
};

bool IsDialpadKey(char key) {
  return (key >= '0' && key <= '9') || key == '*' || key == '#';
}

bool HasHttpScheme(const std::string& uri) {
  return uri.rfind("http://", 0) == 0 || uri.rfind("https://", 0) == 0;
}

void CheckKeys(const CampaignSpec& spec, Violations& found) {
  bool can_acknowledge = false;
  for (const auto& [key, meaning] : spec.flow.keys) {
    if (!IsDialpadKey(key)) {
      found.Add("flow.keys", "a key is one of 0-9, * and #");
    }
    can_acknowledge |= meaning == KeyMeaning::kAcknowledge;
  }
  if (spec.ack.required && !can_acknowledge) {
    found.Add("flow.keys",
              "acknowledgement is required but no key means ACKNOWLEDGE; name one, for example 1");
  }
}

void CheckOperatorLine(const CampaignSpec& spec, Violations& found) {
  const char* const field = "flow.operator_number";
  const PhoneNumber& number = spec.flow.operator_line->number;
  const bool can_ask =
      std::any_of(spec.flow.keys.begin(), spec.flow.keys.end(),
                  [](const auto& key) { return key.second == KeyMeaning::kOperator; });
  if (!can_ask) {
    found.Add(field, "no key means OPERATOR, so nobody can ask for one; name a key, for example 0");
  }
  if (const auto refused = RefusedDestination(number)) {
    found.Add(field, "never dialed: " + *refused);
  } else if (spec.synthetic != IsSyntheticNumber(number)) {
    found.Add(field,
              spec.synthetic
                  ? "a synthetic campaign rings numbers of exchange 555 only, here too"
                  : "nobody has a number of exchange 555; only a synthetic campaign rings it");
  }
}

void CheckTexts(const MessageTexts& texts, Violations& found) {
  if (texts.empty()) return;
  for (const auto& [language, text] : texts.templates) {
    const auto say = [&](std::string what) {
      found.Add("message.texts", language + ": " + std::move(what));
    };
    if (!IsLanguageTag(language)) {
      found.Add("message.texts", "a language is a BCP 47 tag such as en or pt-BR");
      continue;
    }
    const int characters = CountCharacters(text);
    if (characters == 0 || characters > kSpokenCharactersMax) {
      say(fmt::format("has {} characters; it must have 1 to {}", characters, kSpokenCharactersMax));
    }
    const auto parsed = MessageTemplate::Parse(text);
    if (!parsed.ok()) say(Message(parsed.status()));
  }
  if (!texts.templates.contains(texts.language)) {
    found.Add("message.texts.language",
              "is the language of people who have none: it must be one that there is a text in");
  }
}

void CheckFlow(const CampaignSpec& spec, Violations& found) {
  const CallFlow& flow = spec.flow;
  const int messages = (flow.audio_uri.empty() ? 0 : 1) + (flow.prompt.is_set() ? 1 : 0) +
                       (spec.texts.empty() ? 0 : 1);
  if (messages != 1) {
    found.Add("message.audio", "exactly one of a recording, an audio URI and a text is needed");
  } else if (!flow.audio_uri.empty() && !HasHttpScheme(flow.audio_uri)) {
    found.Add("message.audio", "an audio URI begins with http:// or https://");
  }
  CheckTexts(spec.texts, found);
  CheckKeys(spec, found);
  if (flow.operator_line) CheckOperatorLine(spec, found);
  found.CheckDuration("message.identity_ends", flow.identity_ends, absl::ZeroDuration(),
                      absl::Seconds(60));
  found.CheckRange("flow.plays", flow.plays, 1, 5);
  found.CheckDuration("flow.pause", flow.pause, absl::ZeroDuration(), absl::Seconds(30));
  found.CheckDuration("flow.wait_for_key", flow.wait_for_key, absl::ZeroDuration(),
                      absl::Seconds(60));
  found.CheckRange("flow.replays_max", flow.replays_max, 0, 3);
  found.CheckDuration("flow.ring_limit", flow.ring_limit, absl::Seconds(5), absl::Seconds(110));
  found.CheckDuration("flow.call_limit", flow.call_limit, absl::Seconds(10), absl::Seconds(180));
}

void CheckRetry(const RetryPolicy& retry, Violations& found) {
  const auto delay = [&](const char* field, absl::Duration value) {
    found.CheckDuration(field, value, absl::Seconds(10), absl::Hours(24));
  };
  found.CheckRange("retry.attempts_max", retry.attempts_max, 1, 20);
  found.CheckRange("retry.backoff", retry.backoff, 1.0, 10.0);
  delay("retry.busy", retry.busy);
  delay("retry.no_answer", retry.no_answer);
  delay("retry.unreachable", retry.unreachable);
  delay("retry.declined", retry.declined);
  delay("retry.congestion", retry.congestion);
  delay("retry.provider_error", retry.provider_error);
  delay("retry.lost", retry.lost);
}

}  // namespace

std::vector<FieldViolation> CheckCampaignSpec(const CampaignSpec& spec) {
  Violations found;
  found.CheckLength("name", spec.name, 200);
  found.CheckLength("purpose", spec.purpose, 64);
  found.CheckLength("trunk", spec.trunk, 64);
  found.CheckRange("priority", spec.priority, 0, 9);
  CheckFlow(spec, found);
  found.CheckDuration("acknowledgement.retry_after", spec.ack.retry_after, absl::Seconds(10),
                      absl::Hours(24));
  found.CheckRange("acknowledgement.unconfirmed_answers_max", spec.ack.unconfirmed_answers_max, 1,
                   20);
  CheckRetry(spec.retry, found);
  found.CheckRange("pacing.calls_per_second", spec.calls_per_second, 0.0, 10000.0);
  found.CheckRange("pacing.concurrent_max", spec.concurrent_max, 0, 1000000);
  if (const auto window = MakeCallingWindow(spec.window.open_minute, spec.window.close_minute);
      !window.ok()) {
    found.Add("window", Message(window.status()));
  }
  if (const auto zone = FindTimeZone(spec.time_zone); !zone.ok()) {
    found.Add("window.time_zone", Message(zone.status()));
  }
  found.CheckDuration("expires_after", spec.expires_after, absl::Minutes(1), absl::Hours(24 * 30));
  if (spec.default_region.size() != 2 ||
      !std::all_of(spec.default_region.begin(), spec.default_region.end(),
                   [](char c) { return c >= 'A' && c <= 'Z'; })) {
    found.Add("recipients.default_region", "a region is two capital letters, for example US");
  }
  return found.Take();
}

CallFlow ScaledFlow(const Campaign& campaign) {
  CallFlow flow = campaign.spec.flow;
  for (absl::Duration* duration :
       {&flow.identity_ends, &flow.pause, &flow.wait_for_key, &flow.ring_limit, &flow.call_limit}) {
    *duration /= campaign.time_scale;
  }
  return flow;
}

AckPolicy ScaledAck(const Campaign& campaign) {
  AckPolicy ack = campaign.spec.ack;
  ack.retry_after /= campaign.time_scale;
  return ack;
}

RetryPolicy ScaledRetry(const Campaign& campaign) {
  RetryPolicy retry = campaign.spec.retry;
  for (absl::Duration* duration :
       {&retry.busy, &retry.no_answer, &retry.unreachable, &retry.declined, &retry.congestion,
        &retry.provider_error, &retry.lost}) {
    *duration /= campaign.time_scale;
  }
  return retry;
}

absl::Duration LostAfter(const Campaign& campaign) {
  const CallFlow& flow = campaign.spec.flow;
  const absl::Duration in_life =
      std::max(flow.ring_limit, kProviderRingMax) + flow.call_limit + kLateCallbacks;
  return in_life / campaign.time_scale + kLateCallbacksReal;
}

absl::StatusOr<CampaignState> AfterCommand(CampaignState state, CampaignCommand command) {
  using S = CampaignState;
  using C = CampaignCommand;
  switch (command) {
    case C::kStart:
      if (state == S::kDraft || state == S::kRunning) return S::kRunning;
      break;
    case C::kPause:
      if (state == S::kRunning || state == S::kPaused) return S::kPaused;
      break;
    case C::kResume:
      if (state == S::kPaused || state == S::kRunning) return S::kRunning;
      break;
    case C::kCancel:
      if (state == S::kCanceled) return S::kCanceled;
      if (state != S::kCompleted) return S::kCanceling;
      break;
  }
  return FailedPrecondition(
      "cannot {} a campaign that is {}; START needs DRAFT, PAUSE needs "
      "RUNNING, RESUME needs PAUSED, CANCEL anything that has not ended",
      Name(command), Name(state));
}

}  // namespace tocsin
