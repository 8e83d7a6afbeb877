#include "speech/speaker.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/status_macros.h"
#include "speech/english_voice.h"
#include "speech/espeak_program.h"

namespace tocsin::speech {
namespace {

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string WithoutRegion(const std::string& language) {
  return language.substr(0, language.find('-'));
}

// The voice of the library inside this process.
constexpr char kEnglish[] = "en";

}  // namespace

// The program's voice of a language; empty: that of the library.
absl::StatusOr<std::string> Speaker::VoiceOf(std::string_view language) {
  const std::string wanted = LowerCase(language);
  if (WithoutRegion(wanted) == kEnglish) return std::string();
  std::call_once(voices_asked_, [this] {
    auto voices = EspeakVoices(options_.espeak_program, options_.espeak_limit);
    if (voices.ok()) espeak_voices_ = *std::move(voices);
  });
  if (espeak_voices_.contains(wanted)) return wanted;
  if (espeak_voices_.contains(WithoutRegion(wanted))) return WithoutRegion(wanted);
  if (espeak_voices_.empty()) {
    return InvalidArgument(
        "English alone is spoken here; for '{}' install espeak-ng on every node, or use a trunk "
        "whose provider speaks (ga with cognitive_services_endpoint)",
        language);
  }
  return InvalidArgument(
      "nobody here speaks '{}'; `{} --voices` lists the languages that there are", language,
      options_.espeak_program);
}

absl::Status Speaker::Speaks(std::string_view language) {
  return VoiceOf(language).status();
}

absl::StatusOr<Wav> Speaker::Say(const SpokenMessage& message) {
  TOCSIN_ASSIGN_OR_RETURN(const std::string voice, VoiceOf(message.language));
  const std::string key = message.language + '\n' + message.text.Reveal();
  if (Wav kept = Find(key)) return kept;
  const std::lock_guard speaking(speaking_);
  // Somebody else may have wanted the same.
  if (Wav kept = Find(key)) return kept;
  Samples samples;
  if (voice.empty()) {
    samples = SayInEnglish(message.text.Reveal());
  } else {
    TOCSIN_ASSIGN_OR_RETURN(samples, SayWithEspeak(options_.espeak_program, voice,
                                                   message.text.Reveal(), options_.espeak_limit));
  }
  auto wav = std::make_shared<const std::string>(WavOf(samples));
  Keep(key, wav);
  return wav;
}

Wav Speaker::Find(const std::string& key) {
  const std::lock_guard lock(kept_mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found->second);
  return found->second->wav;
}

void Speaker::Keep(std::string key, Wav wav) {
  const std::lock_guard lock(kept_mutex_);
  kept_bytes_ += wav->size();
  kept_.push_front({key, std::move(wav)});
  by_key_.insert_or_assign(std::move(key), kept_.begin());
  while (kept_bytes_ > options_.kept_bytes_max && kept_.size() > 1) {
    kept_bytes_ -= kept_.back().wav->size();
    by_key_.erase(kept_.back().key);
    kept_.pop_back();
  }
}

}  // namespace tocsin::speech
