// What the store does in a second, on the database at --database, which has the
// newest schema and is otherwise empty:
//
//   store_bench --work import   a list, by batches
//   store_bench --work claim    from the due queue to planned attempts
//   store_bench --work life     claim, intent, and six facts for each call
//
// with --people N, --batch N, --threads N, and --calls N if not everybody is to
// be called. Prints a line of JSON: per_second; p99_ms of a batch; claims_per_second
// and claim_p99_ms of the claims alone; and what a row or call costs: cpu_us here,
// database_cpu_us, wal_bytes and disk_bytes there.
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "db/pg_store.h"
#include "tests/bench/bench.h"
#include "tests/bench/database_costs.h"

namespace tocsin::bench {
namespace {

struct Settings {
  std::string url;
  std::int64_t people = 100'000;
  std::int64_t calls = 0;  // 0: as many as people.
  int batch = 100;
  int threads = 1;
};

// Runs `work` in so many threads and waits for all.
void InThreads(int threads, const std::function<void()>& work) {
  std::vector<std::jthread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(work);
  work();
}

Figures Import(db::PgStore& store, const Settings& settings) {
  const absl::Time now = SystemClock().Now();
  const ApiRequest request{TenantId{1}, "", "", "bench"};
  Must(store.SaveTrunk(FreeTrunk(1), now));
  const CampaignId campaign = Must(store.CreateCampaign(request, Spec(), now)).id;
  const ImportId import = Must(store.BeginImport(request, campaign, now)).id;
  // Made before the clock runs, as the rows of a COPY are.
  std::vector<std::vector<ImportRow>> batches;
  for (std::int64_t i = 0; i < settings.people; ++i) {
    if (i % settings.batch == 0) batches.emplace_back();
    batches.back().push_back(RowOf(i));
  }
  std::atomic<std::size_t> next{0};
  const DatabaseCosts costs(settings.url);
  const double cpu = CpuSeconds();
  const SteadyTime began = SystemClock().Steady();
  InThreads(settings.threads, [&] {
    for (std::size_t i = next++; i < batches.size(); i = next++) {
      Must(store.ImportBatch(import, static_cast<std::int64_t>(i) + 1, batches[i], {}, now));
    }
  });
  const double seconds = SecondsSince(began);
  const auto people = static_cast<double>(settings.people);
  TOCSIN_CHECK(Must(store.FinishImport(import, now)).accepted == settings.people);
  Figures figures = {{"per_second", people / seconds},
                     {"cpu_us", (CpuSeconds() - cpu) / people * 1e6}};
  costs.AddTo(figures, people);
  return figures;
}

// A running campaign, and what happens to its people.
class Calls {
 public:
  Calls(db::PgStore& store, const Settings& settings)
      : store_(store), settings_(settings), trunk_(FreeTrunk(1)) {
    campaign_ = StartCampaign(store_, trunk_, settings_.people);
    trunk_ = Must(store_.GetTrunk(trunk_.name));
    lease_ = Must(store_.AcquireLease("bench", "bench", absl::Hours(10)));
  }

  Figures Claims() {
    return Timed([this] { return static_cast<std::int64_t>(Claim().size()); });
  }

  Figures Lives() {
    return Timed([this] {
      const std::vector<PlannedAttempt> planned = Claim();
      if (planned.empty()) return std::int64_t{0};
      Intend(planned);
      Live(planned);
      return static_cast<std::int64_t>(planned.size());
    });
  }

  void CheckBooks() {
    for (const std::string& finding : Must(store_.RunAudit(campaign_))) Stop("audit: " + finding);
  }

 private:
  // Repeats `batch`, which says how many it did, until all calls are made.
  Figures Timed(const std::function<std::int64_t()>& batch) {
    const std::int64_t wanted = settings_.calls > 0 ? settings_.calls : settings_.people;
    std::vector<double> took_ms;
    std::atomic<std::int64_t> done{0};
    const DatabaseCosts costs(settings_.url);
    const double cpu = CpuSeconds();
    const SteadyTime began = SystemClock().Steady();
    InThreads(settings_.threads, [&] {
      while (done < wanted) {
        const SteadyTime at = SystemClock().Steady();
        const std::int64_t count = batch();
        if (count == 0) return;
        done += count;
        const std::lock_guard lock(mutex_);
        took_ms.push_back(SecondsSince(at) * 1e3);
      }
    });
    const double seconds = SecondsSince(began);
    const auto calls = static_cast<double>(done);
    TOCSIN_CHECK(done >= wanted);
    double claims_s = 0;
    for (const double ms : claims_ms_) claims_s += ms / 1e3;
    Figures figures = {{"per_second", calls / seconds},
                       {"p99_ms", Quantile(took_ms, 0.99)},
                       {"claims_per_second", calls / claims_s},
                       {"claim_p99_ms", Quantile(claims_ms_, 0.99)},
                       {"cpu_us", (CpuSeconds() - cpu) / calls * 1e6}};
    costs.AddTo(figures, calls);
    return figures;
  }

  std::vector<PlannedAttempt> Claim() {
    const SteadyTime at = SystemClock().Steady();
    auto planned = Must(store_.ClaimDue(NewOperation(), campaign_, lease_.epoch, settings_.batch,
                                        SystemClock().Now()));
    const std::lock_guard lock(mutex_);
    claims_ms_.push_back(SecondsSince(at) * 1e3);
    return planned;
  }

  void Intend(const std::vector<PlannedAttempt>& planned) {
    std::vector<IntentRequest> requests;
    for (const PlannedAttempt& attempt : planned) {
      requests.push_back({attempt.key, trunk_.caller_numbers.front(), std::nullopt});
    }
    for (const IntentVerdict verdict : Must(store_.CommitIntents(
             NewOperation(), "bench", lease_.epoch, trunk_, requests, SystemClock().Now()))) {
      TOCSIN_CHECK(verdict == IntentVerdict::kGo);
    }
  }

  // Accepted, answered, playing, a key, played, ended.
  void Live(const std::vector<PlannedAttempt>& planned) {
    const absl::Time dialed = SystemClock().Now();
    for (int step = 0; step < 6; ++step) {
      std::vector<AttemptInput> inputs;
      for (const PlannedAttempt& attempt : planned) {
        inputs.push_back({attempt.key, FactOfStep(step, dialed)});
      }
      Must(store_.RecordFacts(inputs, dialed));
    }
  }

  OperationId NewOperation() { return {7, ++operations_}; }

  static Fact FactOfStep(int step, absl::Time dialed) {
    constexpr FactKind kKinds[] = {FactKind::kCreateAccepted, FactKind::kAnswered,
                                   FactKind::kActionAccepted, FactKind::kTone,
                                   FactKind::kPlayEnded,      FactKind::kEnded};
    constexpr int kAt[] = {0, 5, 6, 12, 20, 30};
    Fact fact;
    fact.kind = kKinds[step];
    fact.at = dialed + absl::Seconds(kAt[step]);
    fact.received_at = fact.at;
    fact.number = 1;
    fact.call = "411f0200-3a40-4fe1-a1c0-1a2b3c4d5e6f";
    fact.key = fmt::format("event-{}-0a1b2c3d4e5f", step);
    if (fact.kind == FactKind::kTone) fact.tone = '1';
    if (fact.kind == FactKind::kPlayEnded) fact.code = 200;
    if (step == 1 || step >= 3) fact.raw = std::string(430, 'x');
    return fact;
  }

  db::PgStore& store_;
  const Settings settings_;
  Trunk trunk_;
  CampaignId campaign_;
  Lease lease_;
  std::atomic<std::uint64_t> operations_{0};
  std::mutex mutex_;
  std::vector<double> claims_ms_;  // Of all threads.
};

Figures Run(const std::string& work, const Settings& settings) {
  const auto store =
      Must(db::PgStore::Open({.database_url = Secret(settings.url), .pool_size = 8}));
  if (work == "import") return Import(*store, settings);
  Calls calls(*store, settings);
  if (work == "claim") return calls.Claims();
  if (work != "life") Stop("--work is import, claim or life");
  const Figures figures = calls.Lives();
  calls.CheckBooks();
  return figures;
}

}  // namespace
}  // namespace tocsin::bench

int main(int argc, char** argv) {
  tocsin::bench::Flags flags(argc, argv);
  tocsin::bench::Settings settings;
  const std::string work = flags.Text("--work");
  settings.url = flags.Text("--database");
  settings.people = flags.Number("--people", settings.people);
  settings.calls = flags.Number("--calls", settings.calls);
  settings.batch = static_cast<int>(flags.Number("--batch", settings.batch));
  settings.threads = static_cast<int>(flags.Number("--threads", settings.threads));
  flags.RefuseTheRest();
  tocsin::bench::Print(tocsin::bench::Run(work, settings));
}
