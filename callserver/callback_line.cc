#include "callserver/callback_line.h"

#include <string_view>
#include <utility>
#include <variant>

#include "callserver/call_words.h"
#include "wire/events.h"

namespace tocsin::callserver {
namespace {

// Adds to a line what an event of one kind tells.
struct Telling {
  CallbackDone& line;

  // What came of an operation of 2021.
  template <class Result>
  void TellResult(const Result& event) const {
    line.operation_context = event.operation_context;
    if (!event.result_info) return;
    line.code = event.result_info->code;
    line.subcode = event.result_info->subcode;
  }

  void operator()(const wire::CallStateChanged& event) const {
    line.state = StateWord(event.state);
  }
  void operator()(const wire::DtmfReceived& event) const { line.tone = event.tone; }
  void operator()(const wire::PlayAudioResult& event) const { TellResult(event); }
  void operator()(const wire::ga::CallEvent& event) const {
    line.operation_context = event.operation_context;
    if (event.result) {
      line.code = event.result->code;
      line.subcode = event.result->subcode;
    }
    if (const auto* tone = std::get_if<wire::ga::ToneReceived>(&event.detail)) {
      line.tone = tone->tone;
    } else if (const auto* recognized = std::get_if<wire::ga::Recognized>(&event.detail)) {
      line.tone = recognized->tones;
    }
  }
  void operator()(const wire::InviteParticipantResult& event) const { TellResult(event); }
  void operator()(const wire::ParticipantsUpdated&) const {}
  void operator()(const wire::UnknownEvent&) const {}
};

}  // namespace

LedgerLine CallbackLine(absl::Time at, const Posting& posting,
                        const CallbackPoster::Outcome& outcome) {
  constexpr std::string_view kPrefix = "Microsoft.Communication.";
  const wire::Event& event = posting.callback.event;
  CallbackDone done;
  // What was posted instead of the event tells nothing of it.
  if (posting.body) {
    done.type = posting.fault;
  } else {
    done.type = wire::EventType(event.body).substr(kPrefix.size());
    std::visit(Telling{done}, event.body);
  }
  done.fault = posting.fault;
  done.status = outcome.status;
  done.tries = outcome.tries;
  done.dropped = outcome.dropped;
  return {.at = at, .call_leg_id = wire::CallLegId(event), .entry = std::move(done)};
}

}  // namespace tocsin::callserver
