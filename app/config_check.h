#pragma once
#include <string>
#include <vector>

#include "app/config.h"

namespace tocsin {

// What each setting alone cannot tell: settings that contradict one another, and
// what the files and folders say that they name. Each with its place and what
// would be right, like LoadedConfig::problems. Opens files and resolves names;
// listens at nothing, writes nothing, asks no database.
std::vector<std::string> FindContradictions(Command command, const Config& config);

}  // namespace tocsin
