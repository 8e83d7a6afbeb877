#pragma once
#include <string>
#include <string_view>

#include "speech/samples.h"

namespace tocsin::speech {

// `text` in letters and signs that the English voice has: accents are dropped, other
// scripts become pauses.
std::string InEnglishLetters(std::string_view text);

// Says an English text. One caller at a time in the whole process.
Samples SayInEnglish(const std::string& text);

}  // namespace tocsin::speech
