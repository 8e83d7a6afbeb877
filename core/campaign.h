#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/calling_window.h"
#include "core/disposition.h"
#include "core/ids.h"
#include "core/message_text.h"
#include "core/phone_number.h"

namespace tocsin {

// draft -> running <-> paused -> ... -> completed | canceled. `canceling` lasts
// until the calls in progress have drained or been hung up.
enum class CampaignState { kDraft, kRunning, kPaused, kCanceling, kCompleted, kCanceled };

// What to do with calls in progress when a campaign is canceled.
enum class CancelMode { kDrain, kHangUp };

// What pressing a key means.
enum class KeyMeaning { kAcknowledge, kRefuse, kOptOut, kOperator, kRepeat };

// Whom an acknowledgement confirms: everybody whom the call served (people who
// share the number and the message are rung once), or one person at a time, in
// which case nobody shares a call.
enum class AckScope { kNumber, kPerson };

std::string_view Name(CampaignState state);
std::string_view Name(CancelMode mode);
std::string_view Name(KeyMeaning meaning);
std::string_view Name(AckScope scope);
template <>
std::optional<CampaignState> FromName(std::string_view name);
template <>
std::optional<CancelMode> FromName(std::string_view name);
template <>
std::optional<KeyMeaning> FromName(std::string_view name);
template <>
std::optional<AckScope> FromName(std::string_view name);

// Whom a person who asks for an operator is put through to.
struct OperatorLine {
  PhoneNumber number;
  std::string region;  // ISO 3166, for DialGuard; empty: unknown.

  friend bool operator==(const OperatorLine&, const OperatorLine&) = default;
};

// What a call plays and how it listens. Durations are as people live them; see
// Campaign::time_scale.
struct CallFlow {
  // Where the provider fetches the recording: WAV, mono, 16 bit, 16 kHz.
  // Empty if `prompt` is one that we keep and serve ourselves, or if the campaign
  // has texts that are spoken.
  std::string audio_uri;
  PromptId prompt;
  // '0'-'9', '*', '#' -> meaning.
  std::map<char, KeyMeaning> keys = {{'1', KeyMeaning::kAcknowledge},
                                     {'2', KeyMeaning::kRefuse},
                                     {'9', KeyMeaning::kOptOut},
                                     {'0', KeyMeaning::kOperator},
                                     {'*', KeyMeaning::kRepeat}};
  // Unset: who asks for an operator is noted, and nothing more happens.
  std::optional<OperatorLine> operator_line;
  // A key counts only if pressed this long after the first copy began: by then
  // the message has said who calls.
  absl::Duration identity_ends = absl::Seconds(4);
  int plays = 2;  // 1..5 copies without a key press.
  absl::Duration pause = absl::Seconds(2);
  absl::Duration wait_for_key = absl::Seconds(5);
  int replays_max = 3;
  absl::Duration ring_limit = absl::Seconds(30);
  absl::Duration call_limit = absl::Seconds(180);  // From the answer.

  friend bool operator==(const CallFlow&, const CallFlow&) = default;
};

struct AckPolicy {
  bool required = true;
  AckScope scope = AckScope::kNumber;
  absl::Duration retry_after = absl::Minutes(30);  // After an answer without a key.
  int unconfirmed_answers_max = 2;

  friend bool operator==(const AckPolicy&, const AckPolicy&) = default;
};

struct RetryPolicy {
  int attempts_max = 4;  // Per person, 1..20.
  double backoff = 2.0;  // >= 1: factor for each repetition of a disposition.
  absl::Duration busy = absl::Minutes(3);
  absl::Duration no_answer = absl::Minutes(10);
  absl::Duration unreachable = absl::Minutes(15);
  absl::Duration declined = absl::Minutes(30);  // Once.
  absl::Duration congestion = absl::Minutes(1);
  absl::Duration provider_error = absl::Minutes(1);
  absl::Duration lost = absl::Minutes(5);

  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

// What a submitter decides about a campaign.
struct CampaignSpec {
  std::string name;     // 1..200 characters.
  std::string purpose;  // 1..64 characters; opting out is for tenant + purpose + number.
  std::string trunk = "local";
  int priority = 0;  // 0..9; higher gets capacity first.
  CallFlow flow;
  MessageTexts texts;  // Instead of a recording.
  AckPolicy ack;
  RetryPolicy retry;
  double calls_per_second = 0;  // 0: the trunk's own rate.
  int concurrent_max = 0;       // 0: the trunk's own limit.
  CallingWindow window;
  std::string time_zone = "UTC";                   // For recipients without one.
  absl::Duration expires_after = absl::Hours(12);  // From the start.
  std::string default_region = "US";
  bool synthetic = false;  // Rehearsal numbers: dialed by a local trunk only.

  friend bool operator==(const CampaignSpec&, const CampaignSpec&) = default;
};

// One thing that is wrong with a request, for google.rpc.BadRequest.
struct FieldViolation {
  std::string field;        // "flow.plays"
  std::string description;  // What is wrong and what would be right.

  friend bool operator==(const FieldViolation&, const FieldViolation&) = default;
};

// Everything that is wrong with a specification, in field order; empty if it
// may be stored.
std::vector<FieldViolation> CheckCampaignSpec(const CampaignSpec& spec);

struct Campaign {
  CampaignId id;
  TenantId tenant;
  CampaignSpec spec;
  CampaignState state = CampaignState::kDraft;
  // Why it stands where it stands: "operator", or what the breaker found.
  std::string state_reason;
  // Of the trunk at creation: a rehearsal endpoint whose minute lasts
  // 60 / time_scale seconds. Every duration above is divided by it. 1 for a
  // real carrier. Fixed for the campaign's life, so that folding stays a
  // function of stored facts.
  double time_scale = 1.0;
  std::optional<CancelMode> cancel_mode;
  absl::Time created_at;
  std::optional<absl::Time> started_at;
  std::optional<absl::Time> expires_at;  // started_at + expires_after.
  std::optional<absl::Time> ended_at;
};

// The durations of a specification as this campaign's endpoint lives them.
CallFlow ScaledFlow(const Campaign& campaign);
AckPolicy ScaledAck(const Campaign& campaign);
RetryPolicy ScaledRetry(const Campaign& campaign);

// With neither an answer nor an event, a call is dead this long after its
// send: ring limit, longest call and a margin for late callbacks. The one
// bound that "nobody is rung twice" assumes.
absl::Duration LostAfter(const Campaign& campaign);

enum class CampaignCommand { kStart, kPause, kResume, kCancel };
std::string_view Name(CampaignCommand command);

// The state after `command`; kFailedPrecondition names the state it is in and
// what would be possible. Repeating a command that has been obeyed is no error.
absl::StatusOr<CampaignState> AfterCommand(CampaignState state, CampaignCommand command);

}  // namespace tocsin
