#pragma once
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "speech/samples.h"

namespace tocsin::speech {

// The voices that the program offers, by language, in lower case ("es", "pt-br").
// kUnavailable: it is not there, or says something else.
absl::StatusOr<std::set<std::string>> EspeakVoices(const std::string& program,
                                                   absl::Duration limit);

// A text, said by the program. kUnavailable: it failed or took longer than `limit`.
absl::StatusOr<Samples> SayWithEspeak(const std::string& program, const std::string& voice,
                                      const std::string& text, absl::Duration limit);

// Sound out of a WAV file of 16-bit PCM, mono, whose lengths may be wrong, as they are
// when it was written to a pipe. kInvalidArgument.
absl::StatusOr<Samples> ReadPipedWav(const std::string& wav);

}  // namespace tocsin::speech
