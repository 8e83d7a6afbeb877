#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callserver/population.h"
#include "wire/calls_ga.h"
#include "wire/dialect.h"
#include "wire/events.h"

// What a call tells the application, in the words of its dialect. Pure: the
// simulation decides what happens, this file how it is said. What a dialect has
// no word for gives no event.
namespace tocsin::callserver {

// What a call is called.
struct CallNames {
  wire::Dialect dialect = wire::Dialect::k2021_05;
  std::string id;               // Call leg or call connection.
  std::string conversation_id;  // GA: serverCallId.
  std::string correlation_id;   // GA alone has one; likewise the next.
  std::string operation_context;
};

// How something ended: the provider's codes, which all dialects share.
using Result = wire::ga::ResultInformation;
using Echo = wire::ga::OperationEcho;

Result Succeeded();
// A media operation that was stopped before it was through.
Result Cancelled();

// A party of a call as a roster shows it.
struct Seat {
  wire::Identifier identifier;
  std::string participant_id;  // 2021 alone has one.
  bool is_muted = false;
};

// Why a call that nobody answered did not come about, or why one that was
// answered ended. `reason` as in the ledger.
Result EndResult(FarEnd far_end, std::string_view reason, bool answered);

// "Establishing", ...: the states of the simulation, as 2021 and the ledger name them.
std::string_view StateWord(wire::CallState state);

using Words = std::vector<wire::EventBody>;

Words StateWords(const CallNames& call, wire::CallState state);
// Besides the states: what GA says at the very end.
Words EndWords(const CallNames& call, const Result& result, bool answered);
Words RosterWords(const CallNames& call, const std::vector<Seat>& seats, std::int64_t sequence);
Words ToneWords(const CallNames& call, const Echo& echo, std::int64_t sequence, char tone);
Words TonesStoppedWords(const CallNames& call, const Echo& echo);
Words PlayStartedWords(const CallNames& call, const Echo& echo);
// `failed_source` if one of several could not be played.
Words PlayEndedWords(const CallNames& call, const Echo& echo, const Result& result,
                     std::optional<int> failed_source);
Words RecognizeEndedWords(const CallNames& call, const Echo& echo, const Result& result,
                          const std::string& tones, std::optional<int> failed_source);
Words TonesSentWords(const CallNames& call, const Echo& echo);
// Succeeded or failed, as the result says.
Words PartyAddedWords(const CallNames& call, const Echo& echo, const Result& result,
                      const wire::Identifier& party);
Words PartyRemovedWords(const CallNames& call, const Echo& echo, const Result& result,
                        const wire::Identifier& party);
Words InvitationCancelledWords(const CallNames& call, const Echo& echo, const Result& result,
                               const std::string& invitation_id);
Words TransferWords(const CallNames& call, const Echo& echo, const Result& result,
                    const wire::Identifier& target, const wire::Identifier& transferee);

}  // namespace tocsin::callserver
