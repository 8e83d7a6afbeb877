#pragma once
#include <optional>
#include <string_view>

// The keys of a telephone in the words of the dialects. Ours is one character
// of "0123456789*#abcd".
namespace tocsin::wire {

// Any word of any edition, in any case: "Tone1", "one", "Star", "asterisk",
// "#". nullopt for what is no key that we know ("Flash").
std::optional<char> ToneNamed(std::string_view name);

// What 2021 sends in events: "Tone1", "Star", "Pound", "A".
std::string_view ToneName2021(char tone);

// GA's vocabulary: "one", "asterisk", "pound", "a". nullopt for any other word,
// and for these in another case: a request is held to the letter.
std::string_view ToneNameGa(char tone);
std::optional<char> ToneNamedGa(std::string_view name);

// Whether `tone` is one of the sixteen. Of others the names are a check.
bool IsTone(char tone);

}  // namespace tocsin::wire
