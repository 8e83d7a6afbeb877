#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/ids.h"

// What the call server was asked and what became of it, one JSON object a line.
// The format is public: docs/ledger.md. It is the judge's file, so telephone
// numbers stand in it in full; signatures of callback URLs do not.
namespace tocsin::callserver {

// Every call that an earlier line left open ended at or before this moment:
// calls live in memory only.
struct ServerStarted {
  std::uint64_t seed = 0;
  double time_scale = 1;

  friend bool operator==(const ServerStarted&, const ServerStarted&) = default;
};

// As above, of a server that was told to stop.
struct ServerStopped {
  friend bool operator==(const ServerStopped&, const ServerStopped&) = default;
};

// A create-call request, with the moment of its arrival. A call was placed if
// and only if the line has a call_leg_id, whatever was answered.
struct CreateArrived {
  int status = 0;  // As answered; 0: never answered.
  std::string number;
  std::string caller_number;
  std::string callback_uri;           // Without its query.
  std::optional<AttemptKey> attempt;  // From the path of the callback URL, if it is one of ours.
  std::string fault;                  // What was done wrong on purpose; usually empty.
  bool never_ends = false;            // The call waits for the application to hang up.

  friend bool operator==(const CreateArrived&, const CreateArrived&) = default;
};

struct StateReached {
  std::string state;  // "Establishing", "Established", "Terminating", "Terminated"

  friend bool operator==(const StateReached&, const StateReached&) = default;
};

struct PlayStarted {
  std::string operation_context;
  std::int64_t audio_ms = 0;  // Simulated.
  bool loop = false;

  friend bool operator==(const PlayStarted&, const PlayStarted&) = default;
};

struct PlayEnded {
  std::string operation_context;
  int code = 0;
  int subcode = 0;
  std::int64_t heard_ms = 0;  // Simulated.

  friend bool operator==(const PlayEnded&, const PlayEnded&) = default;
};

struct KeyPressed {
  char key = 0;
  std::int64_t play_ms = -1;  // Simulated, into the last play that started; -1: there was none.

  friend bool operator==(const KeyPressed&, const KeyPressed&) = default;
};

// The application asked to hang up.
struct HangUpAsked {
  friend bool operator==(const HangUpAsked&, const HangUpAsked&) = default;
};

// The line is free again.
struct CallEnded {
  std::string far_end;  // Who was there: "human", "machine", "busy", ...
  std::string
      reason;  // "far_end", "application", "ring_limit", "call_limit", "in_call", "caller_limit"
  bool answered = false;
  std::int64_t talk_ms = 0;  // Simulated, from answer to end.
  std::string keys;          // Those pressed, in order.

  friend bool operator==(const CallEnded&, const CallEnded&) = default;
};

// What became of a callback.
struct CallbackDone {
  std::string type;  // Without "Microsoft.Communication.".
  // What it said of these; each may be empty.
  std::string state;              // As StateReached; 2021.
  std::string tone;               // One character.
  std::string operation_context;  // Of a play.
  std::optional<int> code;
  std::optional<int> subcode;
  std::string fault;  // What was done to it on purpose; usually empty.
  int status = 0;     // The last answer; 0: there was none.
  int tries = 0;
  bool dropped = false;  // Given up: the application never took it.

  friend bool operator==(const CallbackDone&, const CallbackDone&) = default;
};

// From here on this goes wrong (faults.h), as one JSON object.
struct FaultsSet {
  std::string plan;

  friend bool operator==(const FaultsSet&, const FaultsSet&) = default;
};

using LedgerEntry =
    std::variant<ServerStarted, ServerStopped, CreateArrived, StateReached, PlayStarted, PlayEnded,
                 KeyPressed, HangUpAsked, CallEnded, CallbackDone, FaultsSet>;

struct LedgerLine {
  absl::Time at;
  std::string call_leg_id;  // Empty for the server's own lines and refused creates.
  LedgerEntry entry;

  friend bool operator==(const LedgerLine&, const LedgerLine&) = default;
};

// One line of JSON with its line break. Always starts with {"what":"<name>".
std::string FormatLedgerLine(const LedgerLine& line);

// kInvalidArgument if it is none, naming the member. Unknown members are ignored.
absl::StatusOr<LedgerLine> ParseLedgerLine(std::string_view text);

// The "what" of a line without reading the rest; empty if it is no such line.
std::string_view WhatOf(std::string_view text);

}  // namespace tocsin::callserver
