#pragma once
#include <string>

namespace tocsin {

// A random UUID (version 4), such as "0b9f0d53-6d8e-4f6a-9d0e-8c5a4f6b2a11".
// From the machine's own entropy: two processes never make the same one.
std::string RandomUuid();

}  // namespace tocsin
