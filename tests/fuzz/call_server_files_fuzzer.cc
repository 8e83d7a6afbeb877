// Whatever is handed to the call server as a population, a plan of faults, a line of
// its ledger or a recording: read or refused with a place, never a crash. The first
// byte picks the reader.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/status_macros.h"
#include "callserver/audio_file.h"
#include "callserver/faults.h"
#include "callserver/ledger_line.h"
#include "callserver/population.h"

namespace tocsin::callserver {
namespace {

template <class Read>
void MustNameItsPlace(const absl::StatusOr<Read>& read) {
  if (read.ok()) return;
  TOCSIN_CHECK(absl::IsInvalidArgument(read.status()));
  TOCSIN_CHECK(Message(read.status()).find("f.yaml") != std::string::npos);
}

void TryPlan(const absl::StatusOr<FaultPlan>& plan) {
  if (!plan.ok()) return;
  // What is told of it can be sent back.
  const auto again = ParseFaultPlanJson(FaultPlanJson(*plan));
  TOCSIN_CHECK(again.ok() && FaultPlanJson(*again) == FaultPlanJson(*plan));
}

void TryLedgerLine(std::string_view text) {
  const auto line = ParseLedgerLine(text);
  static_cast<void>(WhatOf(text));
  if (!line.ok()) return;
  const auto again = ParseLedgerLine(FormatLedgerLine(*line));
  TOCSIN_CHECK(again.ok() && *again == *line);
}

void Try(char which, std::string_view text) {
  switch (which) {
    case 'p': return MustNameItsPlace(ParsePopulation(text, "f.yaml"));
    case 'f': {
      const auto plan = ParseFaultPlan(text, "f.yaml");
      MustNameItsPlace(plan);
      return TryPlan(plan);
    }
    case 'j': return TryPlan(ParseFaultPlanJson(text));
    case 'l': return TryLedgerLine(text);
    default: {
      const auto length = WavLength(text);
      TOCSIN_CHECK(!length.ok() || *length >= absl::ZeroDuration());
    }
  }
}

}  // namespace
}  // namespace tocsin::callserver

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  tocsin::callserver::Try(text[0], text.substr(1));
  return 0;
}
