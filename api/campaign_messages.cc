#include "api/campaign_messages.h"

#include <algorithm>

#include "api/resource_name.h"
#include "base/status_macros.h"

namespace tocsin {
namespace {

// google.protobuf.Duration's own bounds.
constexpr std::int64_t kSecondsMax = 315'576'000'000;

// Reads the fields of one request and remembers what is wrong with them.
class Decoder {
 public:
  explicit Decoder(std::vector<FieldViolation>& violations) : violations_(violations) {}

  void Add(const std::string& field, std::string description) {
    violations_.push_back({"campaign." + field, std::move(description)});
  }

  // Leaves the default of core/ where the message has none.
  template <class Message>
  void Duration(const std::string& field, const Message& message, bool is_set,
                absl::Duration& target) {
    if (!is_set) return;
    const bool valid = message.seconds() >= -kSecondsMax && message.seconds() <= kSecondsMax &&
                       message.nanos() > -1'000'000'000 && message.nanos() < 1'000'000'000 &&
                       (message.seconds() == 0 || message.nanos() == 0 ||
                        (message.seconds() < 0) == (message.nanos() < 0));
    if (!valid) return Add(field, "is no valid google.protobuf.Duration");
    target = absl::Seconds(message.seconds()) + absl::Nanoseconds(message.nanos());
  }

  void MinuteOfDay(const std::string& field, const std::string& text, int& target) {
    if (text.empty()) return;
    const absl::StatusOr<int> minute = ParseMinuteOfDay(text);
    if (!minute.ok()) return Add(field, Message(minute.status()));
    target = *minute;
  }

  void Text(const std::string& field, const std::string& text, std::string& target) {
    if (text.empty()) return;
    if (HasControlCharacters(text)) return Add(field, "must not have control characters");
    target = text;
  }

  std::vector<FieldViolation>& violations() { return violations_; }

 private:
  std::vector<FieldViolation>& violations_;
};

// TOCSIN_CHECK would be wrong here: what a newer or a hostile client sends.
std::optional<KeyMeaning> MeaningOf(v1::KeyMeaning meaning) {
  switch (static_cast<int>(meaning)) {
    case v1::KEY_MEANING_ACKNOWLEDGE: return KeyMeaning::kAcknowledge;
    case v1::KEY_MEANING_REFUSE: return KeyMeaning::kRefuse;
    case v1::KEY_MEANING_OPT_OUT: return KeyMeaning::kOptOut;
    case v1::KEY_MEANING_OPERATOR: return KeyMeaning::kOperator;
    case v1::KEY_MEANING_REPEAT: return KeyMeaning::kRepeat;
    default: return std::nullopt;
  }
}

v1::KeyMeaning ToMessage(KeyMeaning meaning) {
  switch (meaning) {
    case KeyMeaning::kAcknowledge: return v1::KEY_MEANING_ACKNOWLEDGE;
    case KeyMeaning::kRefuse: return v1::KEY_MEANING_REFUSE;
    case KeyMeaning::kOptOut: return v1::KEY_MEANING_OPT_OUT;
    case KeyMeaning::kOperator: return v1::KEY_MEANING_OPERATOR;
    case KeyMeaning::kRepeat: return v1::KEY_MEANING_REPEAT;
  }
  return v1::KEY_MEANING_UNSPECIFIED;
}

v1::CampaignState ToMessage(CampaignState state) {
  switch (state) {
    case CampaignState::kDraft: return v1::CAMPAIGN_STATE_DRAFT;
    case CampaignState::kRunning: return v1::CAMPAIGN_STATE_RUNNING;
    case CampaignState::kPaused: return v1::CAMPAIGN_STATE_PAUSED;
    case CampaignState::kCanceling: return v1::CAMPAIGN_STATE_CANCELING;
    case CampaignState::kCompleted: return v1::CAMPAIGN_STATE_COMPLETED;
    case CampaignState::kCanceled: return v1::CAMPAIGN_STATE_CANCELED;
  }
  return v1::CAMPAIGN_STATE_UNSPECIFIED;
}

void ReadKeys(const v1::CallFlow& message, CallFlow& flow, Decoder& decoder) {
  if (message.keys().empty()) return;
  flow.keys.clear();
  for (const auto& [key, number] : message.keys()) {
    const std::optional<KeyMeaning> meaning = MeaningOf(number);
    if (key.size() != 1) {
      decoder.Add("flow.keys", "a key is one of 0-9, * and #");
    } else if (!meaning) {
      decoder.Add("flow.keys", fmt::format("key {} has no known meaning", key));
    } else {
      flow.keys[key.front()] = *meaning;
    }
  }
}

void ReadTexts(const v1::MessageTexts& message, MessageTexts& texts) {
  for (const auto& [language, text] : message.templates()) {
    // A line break is a pause like any other.
    texts.templates[language] = WithoutControlCharacters(text);
  }
  texts.language = message.language();
  if (texts.language.empty() && texts.templates.size() == 1) {
    texts.language = texts.templates.begin()->first;
  }
}

void ReadOperatorLine(const v1::CallFlow& message, const PhoneNumberReader& numbers,
                      CampaignSpec& spec, Decoder& decoder) {
  if (message.operator_number().empty()) return;
  const auto number = numbers.Read(message.operator_number(), spec.default_region);
  if (!number.ok()) return decoder.Add("flow.operator_number", Message(number.status()));
  spec.flow.operator_line = OperatorLine{*number, numbers.RegionOf(*number)};
}

void ReadMessage(const v1::Message& message, CallFlow& flow, Decoder& decoder) {
  switch (message.audio_case()) {
    case v1::Message::kPrompt:
      flow.prompt =
          ReadPromptName(message.prompt(), "campaign.message.audio", decoder.violations());
      break;
    case v1::Message::kAudioUri:
      decoder.Text("message.audio", message.audio_uri(), flow.audio_uri);
      break;
    case v1::Message::kTexts: break;  // ReadTexts()
    case v1::Message::AUDIO_NOT_SET: break;
  }
  decoder.Duration("message.identity_ends", message.identity_ends(), message.has_identity_ends(),
                   flow.identity_ends);
}

void ReadFlow(const v1::CallFlow& message, CallFlow& flow, Decoder& decoder) {
  ReadKeys(message, flow, decoder);
  if (message.has_plays()) flow.plays = message.plays();
  if (message.has_replays_max()) flow.replays_max = message.replays_max();
  decoder.Duration("flow.pause", message.pause(), message.has_pause(), flow.pause);
  decoder.Duration("flow.wait_for_key", message.wait_for_key(), message.has_wait_for_key(),
                   flow.wait_for_key);
  decoder.Duration("flow.ring_limit", message.ring_limit(), message.has_ring_limit(),
                   flow.ring_limit);
  decoder.Duration("flow.call_limit", message.call_limit(), message.has_call_limit(),
                   flow.call_limit);
}

void ReadAcknowledgement(const v1::AcknowledgementPolicy& message, AckPolicy& ack,
                         Decoder& decoder) {
  if (message.has_required()) ack.required = message.required();
  if (message.has_unconfirmed_answers_max()) {
    ack.unconfirmed_answers_max = message.unconfirmed_answers_max();
  }
  switch (static_cast<int>(message.scope())) {
    case v1::ACKNOWLEDGEMENT_SCOPE_UNSPECIFIED: break;
    case v1::ACKNOWLEDGEMENT_SCOPE_NUMBER: ack.scope = AckScope::kNumber; break;
    case v1::ACKNOWLEDGEMENT_SCOPE_PERSON: ack.scope = AckScope::kPerson; break;
    default: decoder.Add("acknowledgement.scope", "is no known scope");
  }
  decoder.Duration("acknowledgement.retry_after", message.retry_after(), message.has_retry_after(),
                   ack.retry_after);
}

void ReadRetry(const v1::RetryPolicy& m, RetryPolicy& retry, Decoder& decoder) {
  if (m.has_attempts_max()) retry.attempts_max = m.attempts_max();
  if (m.has_backoff()) retry.backoff = m.backoff();
  decoder.Duration("retry.busy", m.busy(), m.has_busy(), retry.busy);
  decoder.Duration("retry.no_answer", m.no_answer(), m.has_no_answer(), retry.no_answer);
  decoder.Duration("retry.unreachable", m.unreachable(), m.has_unreachable(), retry.unreachable);
  decoder.Duration("retry.declined", m.declined(), m.has_declined(), retry.declined);
  decoder.Duration("retry.congestion", m.congestion(), m.has_congestion(), retry.congestion);
  decoder.Duration("retry.provider_error", m.provider_error(), m.has_provider_error(),
                   retry.provider_error);
  decoder.Duration("retry.lost", m.lost(), m.has_lost(), retry.lost);
}

void Set(absl::Duration duration, google::protobuf::Duration* message) {
  const std::int64_t nanoseconds = absl::ToInt64Nanoseconds(duration);
  message->set_seconds(nanoseconds / 1'000'000'000);
  message->set_nanos(static_cast<std::int32_t>(nanoseconds % 1'000'000'000));
}

void Set(absl::Time time, google::protobuf::Timestamp* message) {
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  message->set_seconds(seconds);
  message->set_nanos(
      static_cast<std::int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

std::string MinuteText(int minute) {
  return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
}

void SetMessage(const CampaignSpec& spec, v1::Message* message) {
  const CallFlow& flow = spec.flow;
  if (!spec.texts.empty()) {
    v1::MessageTexts* const texts = message->mutable_texts();
    for (const auto& [language, text] : spec.texts.templates) {
      (*texts->mutable_templates())[language] = text;
    }
    texts->set_language(spec.texts.language);
  } else if (flow.prompt.is_set()) {
    message->set_prompt(PromptName(flow.prompt));
  } else {
    message->set_audio_uri(flow.audio_uri);
  }
  Set(flow.identity_ends, message->mutable_identity_ends());
}

void SetFlow(const CallFlow& flow, v1::CallFlow* message) {
  for (const auto& [key, meaning] : flow.keys) {
    (*message->mutable_keys())[std::string(1, key)] = ToMessage(meaning);
  }
  if (flow.operator_line) message->set_operator_number(flow.operator_line->number.e164());
  message->set_plays(flow.plays);
  message->set_replays_max(flow.replays_max);
  Set(flow.pause, message->mutable_pause());
  Set(flow.wait_for_key, message->mutable_wait_for_key());
  Set(flow.ring_limit, message->mutable_ring_limit());
  Set(flow.call_limit, message->mutable_call_limit());
}

void SetAcknowledgement(const AckPolicy& ack, v1::AcknowledgementPolicy* message) {
  message->set_required(ack.required);
  message->set_scope(ack.scope == AckScope::kNumber ? v1::ACKNOWLEDGEMENT_SCOPE_NUMBER
                                                    : v1::ACKNOWLEDGEMENT_SCOPE_PERSON);
  message->set_unconfirmed_answers_max(ack.unconfirmed_answers_max);
  Set(ack.retry_after, message->mutable_retry_after());
}

void SetRetry(const RetryPolicy& retry, v1::RetryPolicy* message) {
  message->set_attempts_max(retry.attempts_max);
  message->set_backoff(retry.backoff);
  Set(retry.busy, message->mutable_busy());
  Set(retry.no_answer, message->mutable_no_answer());
  Set(retry.unreachable, message->mutable_unreachable());
  Set(retry.declined, message->mutable_declined());
  Set(retry.congestion, message->mutable_congestion());
  Set(retry.provider_error, message->mutable_provider_error());
  Set(retry.lost, message->mutable_lost());
}

double LowerLimit(double campaign, double trunk) {
  return campaign > 0 ? std::min(campaign, trunk) : trunk;
}

}  // namespace

bool HasControlCharacters(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::string WithoutControlCharacters(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return text;
}

CampaignSpec ReadCampaign(const v1::Campaign& message, const PhoneNumberReader& numbers,
                          std::vector<FieldViolation>& violations) {
  Decoder decoder(violations);
  CampaignSpec spec;
  decoder.Text("display_name", message.display_name(), spec.name);
  decoder.Text("purpose", message.purpose(), spec.purpose);
  if (!message.trunk().empty()) {
    spec.trunk = ReadTrunkName(message.trunk(), "campaign.trunk", violations);
  }
  spec.priority = message.priority();
  ReadMessage(message.message(), spec.flow, decoder);
  if (message.message().has_texts()) ReadTexts(message.message().texts(), spec.texts);
  ReadFlow(message.flow(), spec.flow, decoder);
  ReadAcknowledgement(message.acknowledgement(), spec.ack, decoder);
  ReadRetry(message.retry(), spec.retry, decoder);
  spec.calls_per_second = message.pacing().calls_per_second();
  spec.concurrent_max = message.pacing().concurrent_max();
  decoder.MinuteOfDay("window.open", message.window().open(), spec.window.open_minute);
  decoder.MinuteOfDay("window.close", message.window().close(), spec.window.close_minute);
  decoder.Text("window.time_zone", message.window().time_zone(), spec.time_zone);
  decoder.Duration("expires_after", message.expires_after(), message.has_expires_after(),
                   spec.expires_after);
  decoder.Text("recipients.default_region", message.recipients().default_region(),
               spec.default_region);
  spec.synthetic = message.recipients().synthetic();
  ReadOperatorLine(message.flow(), numbers, spec, decoder);

  const std::vector<FieldViolation> of_form = violations;
  for (FieldViolation& violation : CheckCampaignSpec(spec)) {
    violation.field = "campaign." + (violation.field == "name" ? "display_name" : violation.field);
    // A field that could not be read is not told twice.
    const bool told = std::any_of(of_form.begin(), of_form.end(), [&](const FieldViolation& other) {
      return other.field == violation.field;
    });
    if (!told) violations.push_back(std::move(violation));
  }
  return spec;
}

std::optional<CancelMode> ReadCancelMode(v1::CancelMode mode, const std::string& field,
                                         std::vector<FieldViolation>& violations) {
  switch (static_cast<int>(mode)) {
    case v1::CANCEL_MODE_DRAIN: return CancelMode::kDrain;
    case v1::CANCEL_MODE_HANG_UP: return CancelMode::kHangUp;
    default:
      violations.push_back({field, "must be CANCEL_MODE_DRAIN or CANCEL_MODE_HANG_UP"});
      return std::nullopt;
  }
}

v1::Campaign ToMessage(const Campaign& campaign) {
  const CampaignSpec& spec = campaign.spec;
  v1::Campaign message;
  message.set_name(CampaignName(campaign.id));
  message.set_display_name(spec.name);
  message.set_purpose(spec.purpose);
  message.set_trunk(TrunkName(spec.trunk));
  message.set_priority(spec.priority);
  SetMessage(spec, message.mutable_message());
  SetFlow(spec.flow, message.mutable_flow());
  SetAcknowledgement(spec.ack, message.mutable_acknowledgement());
  SetRetry(spec.retry, message.mutable_retry());
  message.mutable_pacing()->set_calls_per_second(spec.calls_per_second);
  message.mutable_pacing()->set_concurrent_max(spec.concurrent_max);
  message.mutable_window()->set_open(MinuteText(spec.window.open_minute));
  message.mutable_window()->set_close(MinuteText(spec.window.close_minute));
  message.mutable_window()->set_time_zone(spec.time_zone);
  Set(spec.expires_after, message.mutable_expires_after());
  message.mutable_recipients()->set_default_region(spec.default_region);
  message.mutable_recipients()->set_synthetic(spec.synthetic);
  message.set_state(ToMessage(campaign.state));
  message.set_state_reason(campaign.state_reason);
  if (campaign.cancel_mode) {
    message.set_cancel_mode(*campaign.cancel_mode == CancelMode::kDrain ? v1::CANCEL_MODE_DRAIN
                                                                        : v1::CANCEL_MODE_HANG_UP);
  }
  message.set_time_scale(campaign.time_scale);
  Set(campaign.created_at, message.mutable_create_time());
  if (campaign.started_at) Set(*campaign.started_at, message.mutable_start_time());
  if (campaign.expires_at) Set(*campaign.expires_at, message.mutable_expire_time());
  if (campaign.ended_at) Set(*campaign.ended_at, message.mutable_end_time());
  return message;
}

v1::Trunk ToMessage(const Trunk& trunk) {
  v1::Trunk message;
  message.set_name(TrunkName(trunk.name));
  message.set_endpoint(trunk.endpoint);
  message.set_dialect(std::string(Name(trunk.dialect)));
  message.set_signed_(trunk.credential.kind == CredentialKind::kAccessKey ||
                      trunk.credential.kind == CredentialKind::kConnectionString);
  message.set_credential(std::string(Name(trunk.credential.kind)));
  message.set_caller_numbers(static_cast<std::int32_t>(trunk.caller_numbers.size()));
  message.set_calls_per_second(trunk.calls_per_second);
  message.set_concurrent_max(trunk.concurrent_max);
  message.set_concurrent_max_per_caller(trunk.concurrent_max_per_caller);
  message.set_time_scale(trunk.time_scale);
  message.set_live_dialing(trunk.live_dialing);
  message.mutable_allowed_regions()->Assign(trunk.allowed_regions.begin(),
                                            trunk.allowed_regions.end());
  message.set_spend_ceiling_calls(trunk.spend_ceiling_calls);
  return message;
}

v1::RefusedRow ToMessage(const RefusedRow& row) {
  v1::RefusedRow message;
  message.set_line(row.line);
  message.set_person_key(row.person_key);
  message.set_field(row.field);
  message.set_reason(row.reason);
  message.set_detail(row.detail);
  return message;
}

v1::ReportTable ToMessage(const ReportTable& table) {
  v1::ReportTable message;
  message.set_title(table.title);
  message.set_sql(table.sql);
  message.mutable_columns()->Assign(table.columns.begin(), table.columns.end());
  for (const std::vector<std::string>& row : table.rows) {
    message.add_rows()->mutable_cells()->Assign(row.begin(), row.end());
  }
  return message;
}

v1::CampaignProgress ToMessage(const Campaign& campaign, const CampaignProgress& progress,
                               const Trunk& trunk, absl::Time as_of) {
  v1::CampaignProgress message;
  message.set_name(CampaignName(campaign.id));
  message.set_display_name(campaign.spec.name);
  message.set_state(ToMessage(progress.state));
  message.set_state_reason(progress.state_reason);
  Set(as_of, message.mutable_as_of());
  if (campaign.started_at) Set(*campaign.started_at, message.mutable_start_time());
  if (campaign.ended_at) Set(*campaign.ended_at, message.mutable_end_time());
  message.set_people(progress.people);
  message.set_duplicates(progress.duplicates);
  message.set_refused(progress.refused);
  message.set_done(progress.done());
  message.set_acknowledged(progress.acknowledged);
  message.set_opt_outs(progress.opt_outs);
  for (const auto& [outcome, count] : progress.outcomes) {
    (*message.mutable_outcomes())[std::string(Name(outcome))] = count;
  }
  message.set_sends(progress.sends);
  message.set_attempts(progress.attempts);
  for (const auto& [disposition, count] : progress.dispositions) {
    (*message.mutable_dispositions())[std::string(Name(disposition))] = count;
  }
  message.set_live(progress.live);
  message.set_due(progress.due);
  message.set_unheard_answers(progress.unheard_answers);
  message.set_short_calls(progress.short_calls);
  message.set_calls_per_second_max(
      LowerLimit(campaign.spec.calls_per_second, trunk.calls_per_second));
  const auto callers = static_cast<double>(trunk.caller_numbers.size());
  const double on_callers = callers * trunk.concurrent_max_per_caller;
  message.set_concurrent_max(static_cast<std::int64_t>(
      std::min(LowerLimit(campaign.spec.concurrent_max, trunk.concurrent_max), on_callers)));
  return message;
}

}  // namespace tocsin
