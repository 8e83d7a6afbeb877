#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "wire/calls_ga.h"
#include "wire/json_reader.h"

// What requests and events of GA share. For the .cc files of wire/ only.
namespace tocsin::wire::ga {

// ["one","pound"]
std::string TonesJson(std::string_view tones);

std::string CallParticipantJson(const CallParticipant& participant);
absl::StatusOr<CallParticipant> ReadCallParticipant(const ObjectReader& reader);
// The array of that name; empty if there is none. Null elements are skipped.
absl::StatusOr<std::vector<CallParticipant>> ReadCallParticipants(const ObjectReader& reader,
                                                                  std::string_view name);

}  // namespace tocsin::wire::ga
