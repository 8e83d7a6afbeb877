#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/campaign.h"
#include "core/store.h"
#include "google/protobuf/message.h"

namespace tocsin {

// What makes a mutation repeatable: the caller's request_id (checked; 1 to 100
// printable ASCII characters) and a fingerprint of what is asked, taken over
// `message`, which must be the request WITHOUT its request_id. A caller without
// one gets a random one, so that the service itself may repeat after a commit
// whose fate is unknown. `method` keeps apart requests that look the same.
ApiRequest IdentifyRequest(TenantId tenant, std::string_view method, std::string request_id,
                           const google::protobuf::Message& message, std::string actor,
                           std::vector<FieldViolation>& violations);

// The same content in another process gives the same fingerprint. It guards
// against mistakes, not against attacks: 64 bits, not cryptographic.
std::string Fingerprint(std::string_view method, const google::protobuf::Message& message);

}  // namespace tocsin
