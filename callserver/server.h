#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/served_certificate.h"
#include "callserver/faults.h"
#include "callserver/population.h"

namespace tocsin::callserver {

// A Call Automation server on this machine: the same API as the cloud's, over
// a seeded population instead of telephones. Three dialects at once on one
// root: 2021-04 (/calls), 2021-05 (/calling/calls) and GA
// (/calling/callConnections).
//
// Calls live in memory only: whatever ends the process ends every call at that
// instant. What it was asked and what became of it stands in the ledger, and a
// server that continues a ledger meets the population as the last one left it.
//
// Faults are asked and set at /admin/faults, by this machine alone: GET; PUT for
// a plan as a whole; PATCH for what it names. The answer is
// {"faults":{...},"counts":{...},"stats":{...}}; what it says of faults can be
// sent back.
class CallServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    int port = 0;                                    // 0: any free one.
    std::shared_ptr<ServedCertificate> certificate;  // Null: no TLS.
    // PEM, of the authorities of https receivers and recordings; empty: the system's.
    std::string ca_file;
    // Requests must carry an HMAC made with the key, which is base64 as in a
    // connection string, or the token as their bearer token. Both empty: anybody
    // may call.
    Secret access_key;
    Secret bearer_token;
    PopulationParameters population = DefaultPopulation();
    std::uint64_t seed = 1;
    // A minute lasts a minute divided by this, for all that people and
    // telephones do.
    double time_scale = 1;
    std::string ledger_path;      // Empty: none is kept.
    int callbacks_max = 32;       // Under way at once, to one receiver.
    int http_connections = 1024;  // Served at once.
    FaultPlan faults;             // Until the admin endpoint sets others.
    // Calls at once on one caller number. Unset: as the population has it.
    std::optional<double> caller_number_calls_max;
    // In the tokens that callbacks of GA are signed with: who says it, and to
    // whom. The latter is the "immutable resource id".
    std::string callback_issuer = "https://acscallautomation.communication.azure.com";
    std::string resource_id = "00000000-0000-4000-8000-000000000001";
  };

  // Totals since the start, except where it says now.
  struct LiveStats {
    std::int64_t live_calls = 0;  // Now.
    std::int64_t creates = 0;     // Requests, whatever came of them.
    std::int64_t callbacks_answered = 0;
    std::int64_t callbacks_retried = 0;
    std::int64_t callbacks_dropped = 0;
    std::int64_t callbacks_waiting = 0;  // Now.
  };

  // Serves until Stop() or destruction. `clock` must outlive it.
  // kInvalidArgument: the access key is not base64, or the time scale not
  // positive. kUnavailable: the address cannot be used;
  // kFailedPrecondition: the ledger cannot.
  static absl::StatusOr<std::unique_ptr<CallServer>> Start(const Options& options,
                                                           const Clock& clock);
  ~CallServer();
  CallServer(const CallServer&) = delete;
  CallServer& operator=(const CallServer&) = delete;

  int port() const;
  LiveStats stats() const;

  // Ends every call without a word, as a kill would, and answers what is in
  // flight.
  void Stop();

 private:
  class Impl;
  explicit CallServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::callserver
