#pragma once
#include "dialer/protocol.h"

namespace tocsin::dialer {

// GA's words for what the dialer wants (protocol.h). Lives as long as the process.
const Protocol& ProtocolGa();

}  // namespace tocsin::dialer
