#include "callserver/fault_report.h"

#include <nlohmann/json.hpp>

namespace tocsin::callserver {

std::string FaultReport(const Faults& faults, const CallServer::LiveStats& stats) {
  using Json = nlohmann::ordered_json;
  const auto counts = faults.counts();
  Json counted = Json::object();
  for (std::size_t i = 0; i < kFaults; ++i) {
    const auto fault = static_cast<Fault>(i);
    counted[std::string(SectionOf(fault))][std::string(NameOf(fault))] = {
        {"chances", counts[i].chances}, {"times", counts[i].times}};
  }
  return Json{{"faults", Json::parse(FaultPlanJson(faults.plan()))},
              {"counts", std::move(counted)},
              {"stats",
               {{"live_calls", stats.live_calls},
                {"creates", stats.creates},
                {"callbacks_answered", stats.callbacks_answered},
                {"callbacks_retried", stats.callbacks_retried},
                {"callbacks_dropped", stats.callbacks_dropped},
                {"callbacks_waiting", stats.callbacks_waiting}}}}
      .dump();
}

}  // namespace tocsin::callserver
