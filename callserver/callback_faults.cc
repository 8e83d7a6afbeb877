#include "callserver/callback_faults.h"

#include <array>
#include <optional>
#include <utility>

#include "callserver/population.h"
#include "fmt/format.h"
#include "wire/events.h"

namespace tocsin::callserver {
namespace {

constexpr std::string_view kUnknownType = "Microsoft.Communication.NotYetInvented";

// The last of a call: nothing comes after it that it could change places with.
bool IsLast(const wire::Event& event) {
  if (const auto* state = std::get_if<wire::CallStateChanged>(&event.body)) {
    return state->state == wire::CallState::kTerminated;
  }
  const auto* of_ga = std::get_if<wire::ga::CallEvent>(&event.body);
  return of_ga != nullptr && of_ga->type == wire::ga::EventType::kCallDisconnected;
}

// The event, but of a type that nobody knows and with an id of its own.
std::string UnknownEvent(wire::Event event, std::int64_t count) {
  if (!event.id.empty()) event.id = fmt::format("{}-{}", event.id, count);
  std::string body = wire::EncodeEvent(event);
  const std::string type = wire::EventType(event.body);
  body.replace(body.find(type), type.size(), kUnknownType);
  return body;
}

// What stands for every way of not being an event, one after another.
std::string Garbage(const wire::Event& event, std::int64_t count) {
  const std::string body = wire::EncodeEvent(event);
  const auto size = static_cast<std::size_t>(count);
  switch (count % 8) {
    case 0: return body.substr(0, 1 + size % (body.size() - 1));
    case 1: return "<html><body>Bad gateway</body></html>";
    case 2: return std::string(100'000, '[');
    case 3: return "\xFF\xFE\x80\xC3(";
    case 4: return fmt::format(R"({{"eventType":17,"data":"{}"}})", count);
    case 5: return body + body;
    case 6: return R"({"eventType":"a","eventType":"b","data":{}})";
    default: return {};
  }
}

}  // namespace

CallbackFaults::Fate CallbackFaults::Meet(std::vector<Callback> callbacks) {
  Fate fate;
  fate.postings.reserve(callbacks.size());
  for (Callback& callback : callbacks) MeetOne(std::move(callback), fate);
  return fate;
}

void CallbackFaults::MeetOne(Callback callback, Fate& fate) {
  const std::string call = wire::CallLegId(callback.event);
  const bool last = IsLast(callback.event);
  Intrude(callback, fate);
  std::optional<Fault> due =
      faults_.FirstDue({Fault::kLost, Fault::kDelayed, Fault::kReordered, Fault::kDuplicated});
  // Nor with one that waits for it already.
  if (due == Fault::kReordered && (last || held_.contains(call))) due.reset();
  if (due == Fault::kLost) {
    fate.lost.push_back(std::move(callback));
  } else {
    Posting posting{.callback = std::move(callback), .queue = call};
    if (due) posting.fault = NameOf(*due);
    if (due == Fault::kReordered) {
      held_.emplace(call, std::move(posting));
      return;
    }
    if (due == Fault::kDuplicated) {
      Posting first = posting;
      first.fault.clear();
      fate.postings.push_back(std::move(first));
    } else if (due == Fault::kDelayed) {
      posting.queue = fmt::format("{}/{}", call, ++own_queues_);
      posting.delay = faults_.Delay() / time_scale_;
    }
    fate.postings.push_back(std::move(posting));
  }
  if (const auto held = held_.extract(call)) fate.postings.push_back(std::move(held.mapped()));
}

// Puts before it what should not be there.
void CallbackFaults::Intrude(const Callback& callback, Fate& fate) {
  const std::string& call = wire::CallLegId(callback.event);
  if (faults_.Due(Fault::kUnknown)) {
    fate.postings.push_back({.callback = callback,
                             .queue = call,
                             .fault = std::string(NameOf(Fault::kUnknown)),
                             .body = UnknownEvent(callback.event, ++intruders_)});
  }
  if (faults_.Due(Fault::kGarbage)) {
    fate.postings.push_back({.callback = callback,
                             .queue = call,
                             .fault = std::string(NameOf(Fault::kGarbage)),
                             .body = Garbage(callback.event, ++intruders_),
                             .tries_max = 1});
  }
}

}  // namespace tocsin::callserver
