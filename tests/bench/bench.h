// What the programs of tests/bench share: flags in, one line of JSON out. The
// driver (bench.py) starts them, each on a database of its own.
#pragma once
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "core/phone_number.h"
#include "core/store.h"
#include "fmt/format.h"

namespace tocsin::bench {

// A bench that cannot go on says why and ends.
[[noreturn]] inline void Stop(const std::string& why) {
  fmt::print(stderr, "{}\n", why);
  std::exit(1);
}

template <class T>
T Must(absl::StatusOr<T> result) {
  if (!result.ok()) Stop(Message(result.status()));
  return *std::move(result);
}

// "--name value" pairs; a name that nobody asked for is an error at the end.
class Flags {
 public:
  Flags(int argc, char** argv) {
    for (int i = 1; i + 1 < argc; i += 2) values_[argv[i]] = argv[i + 1];
    if (argc % 2 == 0) Stop(fmt::format("{} has no value", argv[argc - 1]));
  }

  std::string Text(const std::string& name, const std::string& otherwise = "") {
    const auto found = values_.extract(name);
    return found.empty() ? otherwise : found.mapped();
  }
  std::int64_t Number(const std::string& name, std::int64_t otherwise) {
    const std::string text = Text(name);
    return text.empty() ? otherwise : std::atoll(text.c_str());
  }
  void RefuseTheRest() const {
    if (!values_.empty()) Stop("unknown: " + values_.begin()->first);
  }

 private:
  std::map<std::string, std::string> values_;
};

// What was measured, by name.
using Figures = std::map<std::string, double>;

inline void Print(const Figures& figures) {
  std::string line;
  for (const auto& [name, value] : figures) {
    line += fmt::format("{}\"{}\": {:.6g}", line.empty() ? "" : ", ", name, value);
  }
  fmt::print("{{{}}}\n", line);
  std::fflush(stdout);
}

inline double SecondsSince(SteadyTime began) {
  return std::chrono::duration<double>(SystemClock().Steady() - began).count();
}

// The value below which that share of `values` lies. Sorts them.
inline double Quantile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

// Of all threads of this process.
inline double CpuSeconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// The people that every bench brings, numbered from 0: nobody shares a number.
inline std::string KeyOf(std::int64_t person) {
  return fmt::format("customer-{:08}", person);
}
inline std::string NameOf(std::int64_t person) {
  return fmt::format("Customer Number {}", person);
}
// Of the exchange 555, which is nobody's; 1.1 million of them. Two lines that do
// something in every area are left out.
inline std::string NumberOf(std::int64_t person) {
  constexpr std::string_view kAreas =
      "201202203207212215216239240248267301302305313315321330336347352386401404407410412413419434"
      "440443484508513516518540561570585603607609610614617631646678703704716717718724732740757770"
      "772781802803804813814828843845856860863864904908910912914917919937941954973978980205210214"
      "217218225228251254256262309312314318319320331334337361402405";
  constexpr std::int64_t kLines = 9'998;
  const auto area = static_cast<std::size_t>(person / kLines);
  if (area >= kAreas.size() / 3) Stop("there are not that many numbers");
  std::int64_t line = person % kLines;
  if (line >= 1212) ++line;
  if (line >= 4334) ++line;
  return fmt::format("+1{}555{:04}", kAreas.substr(3 * area, 3), line);
}
inline constexpr char kZone[] = "America/New_York";

inline ImportRow RowOf(std::int64_t person) {
  ImportRow row;
  row.line = person + 1;
  row.person_key = KeyOf(person);
  row.name = NameOf(person);
  row.numbers = {*PhoneNumber::Parse(NumberOf(person))};
  row.time_zone = kZone;
  return row;
}

// A campaign that may ring at any hour.
inline CampaignSpec Spec() {
  CampaignSpec spec;
  spec.name = "bench";
  spec.purpose = "bench";
  spec.flow.audio_uri = "http://127.0.0.1:9/bench.wav";
  spec.window = {0, 24 * 60};
  spec.synthetic = true;
  return spec;
}

// A trunk without limits that anything here comes near.
inline Trunk FreeTrunk(int port) {
  Trunk trunk;
  trunk.name = "local";
  trunk.endpoint = fmt::format("http://127.0.0.1:{}", port);
  trunk.caller_numbers = {*PhoneNumber::Parse("+12025550100")};
  trunk.calls_per_second = 1'000'000;
  trunk.concurrent_max = 10'000'000;
  trunk.concurrent_max_per_caller = 10'000'000;
  return trunk;
}

// Imports `people` into a new campaign and starts it.
inline CampaignId StartCampaign(CampaignStore& store, const Trunk& trunk, std::int64_t people) {
  const absl::Time now = SystemClock().Now();
  Must(store.SaveTrunk(trunk, now));
  const ApiRequest request{TenantId{1}, "", "", "bench"};
  const CampaignId campaign = Must(store.CreateCampaign(request, Spec(), now)).id;
  const ImportId import = Must(store.BeginImport(request, campaign, now)).id;
  std::int64_t batch = 0;
  for (std::int64_t done = 0; done < people;) {
    std::vector<ImportRow> rows;
    for (; done < people && rows.size() < 1000; ++done) rows.push_back(RowOf(done));
    Must(store.ImportBatch(import, ++batch, rows, {}, now));
  }
  Must(store.FinishImport(import, now));
  Must(store.CommandCampaign(request, campaign, CampaignCommand::kStart, CancelMode::kDrain, "",
                             now));
  return campaign;
}

}  // namespace tocsin::bench
