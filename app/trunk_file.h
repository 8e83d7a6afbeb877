#pragma once
#include <string>

#include "absl/status/statusor.h"
#include "core/trunk.h"
#include "dialer/credentials.h"

namespace tocsin {

// Reads a trunk as its operator wrote it (deploy/trunk.example.yaml). Its secret is
// in a file of its own, named relative to this one, or in the environment; it is
// read to see that it is one, and to learn the endpoint from a connection string.
//
// kInvalidArgument tells everything that is wrong, a line each
// ("trunk.yaml:3:1: unknown key 'enpoint'; did you mean 'endpoint'?"): what
// cannot be read, and what CheckTrunk finds. No error quotes a number or a key.
// kNotFound: no such file.
absl::StatusOr<Trunk> ReadTrunkFile(const std::string& path,
                                    const dialer::Environment& environment);

}  // namespace tocsin
