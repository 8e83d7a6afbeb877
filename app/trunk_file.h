#pragma once
#include <string>

#include "absl/status/statusor.h"
#include "core/trunk.h"

namespace tocsin {

// Reads a trunk as its operator wrote it (deploy/trunk.example.yaml). The access
// key is in a file of its own, named relative to this one.
//
// kInvalidArgument tells everything that is wrong, a line each
// ("trunk.yaml:3:1: unknown key 'enpoint'; did you mean 'endpoint'?"): what
// cannot be read, and what CheckTrunk finds. No error quotes a number or a key.
// kNotFound: no such file.
absl::StatusOr<Trunk> ReadTrunkFile(const std::string& path);

}  // namespace tocsin
