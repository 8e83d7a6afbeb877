// What a call hears, and what is heard of it: the media half of CallSimulation.
#include <algorithm>
#include <utility>

#include "callserver/call_simulation.h"
#include "fmt/format.h"

namespace tocsin::callserver {
namespace {

constexpr std::string_view kMediaActive = "8500";
constexpr std::string_view kMediaIncompatible = "8583";
constexpr std::string_view kCannotSpeak = "8567";

Result MaxTones() {
  return {.code = 200, .subcode = 8531, .message = "Action completed, max digits received."};
}

Result StopTone() {
  return {.code = 200, .subcode = 8514, .message = "Action completed as stop tone was detected."};
}

Result InitialSilence() {
  return {
      .code = 400, .subcode = 8510, .message = "Action failed, initial silence timeout reached."};
}

Result InterToneSilence() {
  return {.code = 400,
          .subcode = 8532,
          .message = "Action failed, inter-digit silence timeout reached."};
}

bool Speaks(const std::vector<wire::ga::PlaySource>& sources) {
  return std::any_of(sources.begin(), sources.end(), [](const wire::ga::PlaySource& source) {
    return source.kind != wire::ga::PlaySource::Kind::kFile;
  });
}

}  // namespace

std::string AudioKey(const wire::PlayAudioRequest& request) {
  return request.resource_id.empty() ? request.audio_file_uri : request.resource_id;
}

void CallSimulation::Take(const input::PlayAudio& request) {
  Call* const call = FindConnected(request.call_leg_id);
  if (call == nullptr || !MayBegin(*call, /*recognizes=*/false, /*interrupts=*/false)) return;
  effects_.answer = wire::OperationResult{.id = NewId(),
                                          .status = wire::OperationStatus::kRunning,
                                          .operation_context = request.request.operation_context};
  Media media{.echo = {request.request.operation_context, request.request.callback_uri},
              .loop = request.request.loop};
  media.prompts.push_back({.key = AudioKey(request.request),
                           .uri = request.request.audio_file_uri,
                           .audio = request.audio});
  Begin(*call, std::move(media));
}

void CallSimulation::Take(const input::Play& request) {
  Call* const call = FindConnected(request.call_leg_id);
  if (call == nullptr) return;
  const wire::ga::PlayRequest& play = request.request;
  for (const wire::Identifier& party : play.play_to) {
    if (!IsPresent(*call, party)) return;
  }
  if (Speaks(play.sources) && !call->request.can_speak) {
    return Refuse(400, kCannotSpeak, "The call was created without a cognitive services endpoint.");
  }
  if (!MayBegin(*call, /*recognizes=*/false, play.interrupts)) return;
  Begin(*call, {.echo = play.echo, .prompts = request.prompts, .loop = play.loop});
}

void CallSimulation::Take(const input::Recognize& request) {
  Call* const call = FindConnected(request.call_leg_id);
  if (call == nullptr) return;
  const wire::ga::RecognizeRequest& wanted = request.request;
  if (!IsPresent(*call, wanted.target)) return;
  if (Speaks(wanted.prompts) && !call->request.can_speak) {
    return Refuse(400, kCannotSpeak, "The call was created without a cognitive services endpoint.");
  }
  if (!MayBegin(*call, /*recognizes=*/true, wanted.interrupts)) return;
  Begin(*call, {.echo = wanted.echo,
                .prompts = request.prompts,
                .recognition =
                    Recognition{.interrupt_prompt = wanted.interrupt_prompt,
                                .initial_silence = Real(absl::Seconds(wanted.initial_silence_s)),
                                .inter_tone = Real(absl::Seconds(wanted.inter_tone_s)),
                                .tones_max = static_cast<std::size_t>(wanted.tones_max),
                                .stop_tones = wanted.stop_tones}});
}

void CallSimulation::Take(const input::AudioFetched& fetched) {
  const auto waiting = waiting_for_audio_.extract(fetched.key);
  if (waiting.empty()) return;
  for (const std::uint64_t slot : waiting.mapped()) {
    const auto it = calls_.find(slot);
    if (it == calls_.end()) continue;
    std::optional<Media>& media = it->second.media;
    if (!media || !media->waits) continue;
    bool complete = true;
    for (input::Prompt& prompt : media->prompts) {
      if (!prompt.audio && prompt.key == fetched.key) prompt.audio = fetched.audio;
      complete = complete && prompt.audio.has_value();
    }
    if (!complete) continue;
    StartPrompts(it->second);
    Schedule(it->second);
  }
}

void CallSimulation::Take(const input::CancelMedia& request) {
  Call* const call = FindConnected(request.call_leg_id);
  if (call == nullptr) return;
  if (call->names.dialect != wire::Dialect::kGa) {
    effects_.answer = wire::OperationResult{.id = NewId(),
                                            .status = wire::OperationStatus::kCompleted,
                                            .operation_context = request.operation_context};
  }
  StopMedia(*call);
  Schedule(*call);
}

void CallSimulation::Take(const input::WatchTones& request) {
  Call* const call = FindConnected(request.call_leg_id);
  if (call == nullptr || !IsPresent(*call, request.request.target)) return;
  if (request.start) {
    call->tones_wanted = request.request.echo;
    return;
  }
  call->tones_wanted.reset();
  Tell(*call, TonesStoppedWords(call->names, request.request.echo),
       request.request.echo.callback_uri);
}

void CallSimulation::Take(const input::SendTones& request) {
  Call* const call = FindConnected(request.call_leg_id);
  if (call == nullptr || !IsPresent(*call, request.request.target)) return;
  effects_.answer = wire::ga::OperationResponse{request.request.echo.context};
  Tell(*call, TonesSentWords(call->names, request.request.echo), request.request.echo.callback_uri);
}

// Refuses what may not begin now; ends what it interrupts.
bool CallSimulation::MayBegin(Call& call, bool recognizes, bool interrupts) {
  if (!call.media) return true;
  if (interrupts) {
    StopMedia(call);
    return true;
  }
  // GA tells two of a kind from two of different kinds.
  if (call.names.dialect == wire::Dialect::kGa &&
      recognizes != call.media->recognition.has_value()) {
    Refuse(412, kMediaIncompatible, "Another kind of media operation is active; cancel it first.");
  } else {
    Refuse(400, kMediaActive, "A media operation is already active; cancel it first.");
  }
  return false;
}

void CallSimulation::Begin(Call& call, Media media) {
  for (const input::Prompt& prompt : media.prompts) {
    if (prompt.audio) continue;
    media.waits = true;
    std::vector<std::uint64_t>& waiting = waiting_for_audio_[prompt.key];
    if (waiting.empty()) effects_.audio_wanted.push_back({prompt.key, prompt.uri});
    if (waiting.empty() || waiting.back() != call.slot) waiting.push_back(call.slot);
  }
  const bool waits = media.waits;
  call.media = std::move(media);
  if (!waits) StartPrompts(call);
  Schedule(call);
}

// All audio is here: plays it, or says which of it cannot be played.
void CallSimulation::StartPrompts(Call& call) {
  if (!call.media) return;
  Media& media = *call.media;
  media.waits = false;
  absl::Duration audio_length;
  for (std::size_t i = 0; i < media.prompts.size(); ++i) {
    const AudioFile audio = media.prompts[i].audio.value_or(AudioFile());
    if (audio.failure != 0) {
      const bool recognizes = media.recognition.has_value();
      return EndMedia(call,
                      {.code = recognizes ? 500 : 400,
                       .subcode = recognizes ? 8511 : audio.failure,
                       .message = audio.message},
                      static_cast<int>(i));
    }
    audio_length += audio.length;
  }
  call.patience_until = absl::InfiniteFuture();
  if (media.prompts.empty()) return PromptsEnded(call);
  media.plays = true;
  media.started_at = now_;
  media.length = Real(audio_length);
  call.last_play_started_at = now_;
  call.play_ends_at = media.loop ? absl::InfiniteFuture() : now_ + media.length;
  Note(call, PlayStarted{.operation_context = media.echo.context,
                         .audio_ms = absl::ToInt64Milliseconds(audio_length),
                         .loop = media.loop});
  if (!media.recognition) {
    Tell(call, PlayStartedWords(call.names, media.echo), media.echo.callback_uri);
  }
  HearPrompts(call, media.length);
}

// Decides when the person who hears this audio presses the key.
void CallSimulation::HearPrompts(Call& call, absl::Duration audio_length) {
  const bool confirms = call.keys.size() == 1 && call.plan.presses_again;
  const bool is_first = call.keys.empty() && call.presses_at == absl::InfiniteFuture();
  if (call.plan.key != 0 && (is_first || confirms)) {
    call.presses_at = now_ + audio_length * call.plan.presses_at + Real(call.plan.press_delay);
  }
  // Whoever has pressed hears out what is said to that.
  if (!call.keys.empty()) {
    call.leaves_at =
        std::max(call.leaves_at, now_ + audio_length + Real(call.plan.stays_after_key));
  }
}

// The audio is over, or was never heard.
void CallSimulation::EndPrompts(Call& call, const Result& result) {
  if (!call.media) return;
  Media& media = *call.media;
  call.play_ends_at = absl::InfiniteFuture();
  call.patience_until = now_ + Real(call.plan.patience);
  const absl::Duration heard = media.plays ? now_ - media.started_at : absl::ZeroDuration();
  media.plays = false;
  // Who did not get to hear which key to press waits for the next audio.
  if (heard < media.length * call.plan.presses_at && call.presses_at > now_) {
    call.presses_at = absl::InfiniteFuture();
  }
  Note(call, PlayEnded{.operation_context = media.echo.context,
                       .code = result.code,
                       .subcode = result.subcode,
                       .heard_ms = SimulatedMs(heard)});
}

// What follows a prompt that was heard to its end: the end, or the keys.
void CallSimulation::PromptsEnded(Call& call) {
  if (!call.media) return;
  const Media& media = *call.media;
  if (!media.recognition) return EndMedia(call, Succeeded());
  call.listens_until = now_ + media.recognition->initial_silence;
  if (media.plays) {
    EndPrompts(call, Succeeded());
  } else {
    call.patience_until = now_ + Real(call.plan.patience);
  }
}

// A key for whatever listens for keys.
void CallSimulation::Collect(Call& call, char tone) {
  if (!call.media || call.media->waits || !call.media->recognition) return;
  Recognition& recognition = *call.media->recognition;
  if (call.media->plays) {
    if (!recognition.interrupt_prompt) return;
    EndPrompts(call, Cancelled());
  }
  if (recognition.stop_tones.find(tone) != std::string::npos) return EndMedia(call, StopTone());
  recognition.tones += tone;
  if (recognition.tones.size() == recognition.tones_max) return EndMedia(call, MaxTones());
  call.listens_until = now_ + recognition.inter_tone;
}

// Nothing more was heard in time.
void CallSimulation::StopListening(Call& call) {
  if (!call.media || !call.media->recognition) return;
  const bool silent = call.media->recognition->tones.empty();
  EndMedia(call, silent ? InitialSilence() : InterToneSilence());
}

void CallSimulation::EndMedia(Call& call, const Result& result, std::optional<int> failed_source) {
  if (!call.media) return;
  const Media media = *call.media;
  // A recognition whose prompts are through has said so in the ledger already.
  if (!media.recognition || media.plays || media.waits || failed_source) EndPrompts(call, result);
  call.listens_until = absl::InfiniteFuture();
  call.media.reset();
  if (media.recognition) {
    Tell(call,
         RecognizeEndedWords(call.names, media.echo, result, media.recognition->tones,
                             failed_source),
         media.echo.callback_uri);
  } else {
    Tell(call, PlayEndedWords(call.names, media.echo, result, failed_source),
         media.echo.callback_uri);
  }
}

void CallSimulation::StopMedia(Call& call) {
  if (call.media) EndMedia(call, Cancelled());
}

}  // namespace tocsin::callserver
