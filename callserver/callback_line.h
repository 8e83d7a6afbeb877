#pragma once
#include "absl/time/time.h"
#include "callserver/callback_poster.h"
#include "callserver/ledger_line.h"

namespace tocsin::callserver {

// What became of a callback, for the ledger: besides the outcome what it told, as
// far as an outcome of the call can hang on it.
LedgerLine CallbackLine(absl::Time at, const Posting& posting,
                        const CallbackPoster::Outcome& outcome);

}  // namespace tocsin::callserver
