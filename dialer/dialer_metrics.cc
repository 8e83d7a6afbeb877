// What the dialer's parts count, for the operator's page.
#include "dialer/dialer.h"

namespace tocsin::dialer {
namespace {

// Counters without labels.
class Counts {
 public:
  explicit Counts(MetricsPage& page) : page_(page) {}

  Counts& Add(std::string_view name, std::uint64_t value, std::string_view help) {
    page_.Counter(name, help, static_cast<double>(value));
    return *this;
  }

 private:
  MetricsPage& page_;
};

void WriteReceiver(const ReceiverCounters& counters, MetricsPage& page) {
  Counts(page)
      .Add("tocsin_callbacks_total", counters.callbacks,
           "Callbacks that came, whatever became of them.")
      .Add("tocsin_callbacks_acknowledged_total", counters.acknowledged,
           "Callbacks answered 200: durable.");
  for (std::size_t i = 0; i < kCallbackRefusals; ++i) {
    const auto refusal = static_cast<CallbackRefusal>(i);
    const auto found = counters.refused.find(refusal);
    page.Counter("tocsin_callbacks_refused_total", "Callbacks refused, by reason.",
                 found == counters.refused.end() ? 0 : static_cast<double>(found->second),
                 {{"reason", std::string(Name(refusal))}});
  }
  for (const auto& [kind, events] : counters.events) {
    page.Counter("tocsin_events_total", "Events read from callbacks, by what they say.",
                 static_cast<double>(events), {{"kind", std::string(Name(kind))}});
  }
}

void WriteTokens(const TokenCounters& counters, MetricsPage& page) {
  const auto count = [&page](const char* result, std::uint64_t value) {
    page.Counter("tocsin_callback_key_fetches_total",
                 "Fetches of the keys that callbacks are signed with, by what came of them.",
                 static_cast<double>(value), {{"result", result}});
  };
  count("fetched", counters.fetches);
  count("failed", counters.fetch_failures);
}

void WriteRecorder(const RecorderCounters& counters, MetricsPage& page) {
  Counts(page)
      .Add("tocsin_fact_batches_total", counters.batches, "Batches of facts committed.")
      .Add("tocsin_facts_total", counters.new_facts, "Facts that were new.")
      .Add("tocsin_fact_failures_total", counters.failures,
           "Batches of facts that could not be written at once.")
      .Add("tocsin_facts_unfit_total", counters.unfit, "Facts that the database will not take.");
  page.Gauge("tocsin_facts_held", "Facts that wait to be written.",
             static_cast<double>(counters.held));
  page.Gauge("tocsin_facts_aside", "Facts that wait for somebody to mend the database.",
             static_cast<double>(counters.aside));
}

void WriteActions(const ActionCounters& counters, MetricsPage& page) {
  const auto count = [&page](const char* result, std::uint64_t value) {
    page.Counter("tocsin_actions_total", "Plays, cancels and hang-ups, by what came of them.",
                 static_cast<double>(value), {{"result", result}});
  };
  count("accepted", counters.accepted);
  count("refused", counters.refused);
  count("failed", counters.tries_failed);
  count("left_to_sweeper", counters.left_to_sweeper);
  page.Counter("tocsin_plays_deaf_total",
               "First plays into calls whose keys the provider would not listen for.",
               static_cast<double>(counters.deaf));
  page.Gauge("tocsin_actions_waiting", "Calls that wait for an action to be carried out.",
             static_cast<double>(counters.waiting));
}

void WriteReconciler(const ReconcilerCounters& counters, MetricsPage& page) {
  Counts(page)
      .Add("tocsin_sweeps_total", counters.sweeps, "Sweeps over live attempts.")
      .Add("tocsin_sweep_failures_total", counters.failures, "Sweeps that the database cut short.")
      .Add("tocsin_sweep_finds_total", counters.looked_at,
           "Live attempts that nobody had a timer for.");
}

}  // namespace

void Dialer::WriteMetrics(MetricsPage& page,
                          const std::function<std::string(TrunkId)>& name_of) const {
  WriteReceiver(receiver_counters(), page);
  WriteTokens(token_counters(), page);
  WriteRecorder(recorder_counters(), page);
  recorder_->WriteMetrics(page, name_of);
  WriteActions(action_counters(), page);
  WriteReconciler(reconciler_counters(), page);
  gateway_->WriteMetrics(page);
}

}  // namespace tocsin::dialer
