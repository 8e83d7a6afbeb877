// What the store does in a second, beside what PostgreSQL does with the same
// rows by COPY, in one run on a private cluster with durability on.
//
//   store_bench [people] [batch] [threads] [url of an empty database]
//
// Absolutes drift with the machine; the ratios within one run are what counts.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <pqxx/pqxx>
#include <string>
#include <thread>
#include <vector>

#include "app/pgcluster/pg_cluster.h"
#include "base/check.h"
#include "base/clock.h"
#include "db/array_literal.h"
#include "db/migrator.h"
#include "db/pg_store.h"
#include "fmt/format.h"

namespace tocsin {
namespace {

constexpr TenantId kTenant{1};

template <class T>
T Must(absl::StatusOr<T> result) {
  if (!result.ok()) {
    fmt::print(stderr, "{}\n", result.status().ToString());
    std::abort();
  }
  return *std::move(result);
}

double SecondsOf(const std::function<void()>& work) {
  const SteadyTime began = SystemClock().Steady();
  work();
  return std::chrono::duration<double>(SystemClock().Steady() - began).count();
}

void Tell(const std::string& what, double count, double seconds, double against = 0) {
  const double rate = count / seconds;
  std::string ratio;
  if (against > 0) ratio = fmt::format("  {:5.1f} % of COPY", 100 * rate / against);
  fmt::print("{:<44} {:>9.0f} /s {:>8.2f} s{}\n", what, rate, seconds, ratio);
  std::fflush(stdout);
}

std::vector<ImportRow> Rows(std::int64_t from, std::int64_t count) {
  std::vector<ImportRow> rows;
  for (std::int64_t i = from; i < from + count; ++i) {
    ImportRow row;
    row.line = i;
    row.person_key = fmt::format("customer-{:08}", i);
    row.name = fmt::format("Customer Number {}", i);
    row.numbers = {*PhoneNumber::Parse(fmt::format("+1{:010}", 2'000'000'000 + i))};
    row.time_zone = "America/New_York";
    rows.push_back(std::move(row));
  }
  return rows;
}

// The same rows, into the same table, as fast as PostgreSQL takes them.
double CopyRows(const std::string& url, std::int64_t people) {
  pqxx::connection connection(url);
  pqxx::work work(connection);
  return SecondsOf([&] {
    pqxx::stream_to stream(
        work, "recipient",
        std::vector<std::string>{"campaign_id", "import_id", "line", "person_key", "name",
                                 "numbers", "time_zone", "language", "priority", "marks"});
    for (std::int64_t i = 0; i < people; ++i) {
      stream << std::make_tuple(
          1, 1, i, fmt::format("customer-{:08}", i), fmt::format("Customer Number {}", i),
          fmt::format("{{+1{}}}", 2'000'000'000 + i), "America/New_York", "", 0, ".");
    }
    stream.complete();
    work.commit();
  });
}

CampaignSpec Spec() {
  CampaignSpec spec;
  spec.name = "bench";
  spec.purpose = "bench";
  spec.flow.audio_uri = "http://127.0.0.1/bench.wav";
  spec.window = {0, 24 * 60};
  return spec;
}

Trunk BenchTrunk() {
  Trunk trunk;
  trunk.name = "local";
  trunk.endpoint = "http://127.0.0.1:1";
  trunk.caller_numbers = {*PhoneNumber::Parse("+12025550100")};
  trunk.calls_per_second = 10000;
  trunk.concurrent_max = 1'000'000;
  trunk.concurrent_max_per_caller = 1'000'000;
  return trunk;
}

class Bench {
 public:
  Bench(db::PgStore& store, std::int64_t people, int batch)
      : store_(store), people_(people), batch_(batch) {
    trunk_ = Must(store_.SaveTrunk(BenchTrunk(), now_));
    lease_ = Must(store_.AcquireLease("bench", "bench", absl::Hours(10)));
    campaign_ = Must(store_.CreateCampaign({kTenant, "", "", "bench"}, Spec(), now_)).id;
  }

  void Import(double copy_rate) {
    const ImportId import =
        Must(store_.BeginImport({kTenant, "", "", "bench"}, campaign_, now_)).id;
    std::atomic<std::int64_t> next{0};
    const double seconds = SecondsOf([&] {
      const auto load = [&] {
        for (std::int64_t i = next++; i * 1000 < people_; i = next++) {
          const auto rows = Rows(i * 1000, std::min<std::int64_t>(1000, people_ - i * 1000));
          Must(store_.ImportBatch(import, i + 1, rows, {}, now_));
        }
      };
      std::thread other(load);
      load();
      other.join();
    });
    Tell("import, batches of 1000, 2 threads", static_cast<double>(people_), seconds, copy_rate);
    Tell("finish import (ANALYZE)", 1, SecondsOf([&] { Must(store_.FinishImport(import, now_)); }));
    Tell("start", static_cast<double>(people_), SecondsOf([&] {
           Must(store_.CommandCampaign({kTenant, "", "", "bench"}, campaign_,
                                       CampaignCommand::kStart, CancelMode::kDrain, "", now_));
         }));
  }

  std::vector<PlannedAttempt> Claim() {
    return Must(store_.ClaimDue(NewOperation(), campaign_, lease_.epoch, batch_, now_));
  }

  void Intend(const std::vector<PlannedAttempt>& planned) {
    std::vector<IntentRequest> requests;
    for (const PlannedAttempt& attempt : planned) {
      requests.push_back({attempt.key, trunk_.caller_numbers.front(), std::nullopt});
    }
    for (const IntentVerdict verdict : Must(
             store_.CommitIntents(NewOperation(), "bench", lease_.epoch, trunk_, requests, now_))) {
      TOCSIN_CHECK(verdict == IntentVerdict::kGo);
    }
  }

  // Accepted, answered, playing, a key, played, ended.
  void Live(const std::vector<PlannedAttempt>& planned) {
    for (int step = 0; step < 6; ++step) {
      std::vector<AttemptInput> inputs;
      for (const PlannedAttempt& attempt : planned) {
        inputs.push_back({attempt.key, FactOfStep(step)});
      }
      Must(store_.RecordFacts(inputs, now_));
    }
  }

  void WholeLives(std::int64_t calls, int threads) {
    std::atomic<std::int64_t> done{0};
    std::vector<std::thread> others;
    const double seconds = SecondsOf([&] {
      const auto work = [&] {
        while (done < calls) {
          const auto planned = Claim();
          if (planned.empty()) return;
          Intend(planned);
          Live(planned);
          done += static_cast<std::int64_t>(planned.size());
        }
      };
      for (int i = 1; i < threads; ++i) others.emplace_back(work);
      work();
      for (std::thread& other : others) other.join();
    });
    Tell(fmt::format("whole life, batch {}, {} thread(s)", batch_, threads),
         static_cast<double>(done), seconds);
  }

  void ClaimAndIntend(std::int64_t calls) {
    std::vector<std::vector<PlannedAttempt>> all;
    std::int64_t done = 0;
    double claim = 0, intend = 0;
    while (done < calls) {
      claim += SecondsOf([&] { all.push_back(Claim()); });
      if (all.back().empty()) break;
      intend += SecondsOf([&] { Intend(all.back()); });
      done += static_cast<std::int64_t>(all.back().size());
      Live(all.back());
      all.pop_back();
    }
    Tell(fmt::format("claim, batch {}", batch_), static_cast<double>(done), claim);
    Tell(fmt::format("intent, batch {}", batch_), static_cast<double>(done), intend);
    Tell("claim + intent", static_cast<double>(done), claim + intend);
  }

  void Audit() {
    Tell("progress", 1, SecondsOf([&] { Must(store_.GetProgress(campaign_)); }));
    Tell("report", 1, SecondsOf([&] { Must(store_.RunReport(campaign_)); }));
    std::vector<std::string> findings;
    Tell("audit", 1, SecondsOf([&] { findings = Must(store_.RunAudit(campaign_)); }));
    fmt::print("audit findings: {}\n", findings.size());
    for (std::size_t i = 0; i < findings.size() && i < 5; ++i) fmt::print("  {}\n", findings[i]);
  }

 private:
  OperationId NewOperation() { return {7, ++operations_}; }

  Fact FactOfStep(int step) const {
    constexpr FactKind kKinds[] = {FactKind::kCreateAccepted, FactKind::kAnswered,
                                   FactKind::kActionAccepted, FactKind::kTone,
                                   FactKind::kPlayEnded,      FactKind::kEnded};
    constexpr int kAt[] = {0, 5, 6, 12, 20, 30};
    Fact fact;
    fact.kind = kKinds[step];
    fact.at = now_ + absl::Seconds(kAt[step]);
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
  const std::int64_t people_;
  const int batch_;
  const absl::Time now_ = SystemClock().Now();
  Trunk trunk_;
  Lease lease_;
  CampaignId campaign_;
  std::atomic<std::uint64_t> operations_{0};
};

void RunOn(const Secret& url, std::int64_t people, int batch, int threads) {
  Must(db::MigrateUp(url));
  fmt::print("{} people\n", people);
  const double copy_seconds = CopyRows(url.Reveal(), people);
  Tell("COPY into recipient, one stream", static_cast<double>(people), copy_seconds);
  {
    pqxx::connection connection(url.Reveal());
    pqxx::nontransaction session(connection);
    session.exec("TRUNCATE recipient");
    session.exec("CHECKPOINT");
  }
  auto store = Must(db::PgStore::Open({.database_url = url, .pool_size = 8}));
  Bench bench(*store, people, batch);
  bench.Import(static_cast<double>(people) / copy_seconds);
  // Enough to tell, however long the list is.
  const std::int64_t calls = std::min<std::int64_t>(people / 4, 30'000);
  bench.ClaimAndIntend(calls);
  bench.WholeLives(calls, 1);
  bench.WholeLives(calls, threads);
  bench.Audit();
}

void RunOnClusterOfOurOwn(std::int64_t people, int batch, int threads) {
  char directory[] = "/tmp/tocsin_bench_XXXXXX";
  TOCSIN_CHECK(mkdtemp(directory) != nullptr);
  std::filesystem::permissions(directory, std::filesystem::perms::all);
  {
    auto cluster = Must(PgCluster::Start({.directory = std::string(directory) + "/pg"}));
    RunOn(Secret(cluster->ConnectionString()), people, batch, threads);
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace tocsin

int main(int argc, char** argv) {
  const std::int64_t people = argc > 1 ? std::atoll(argv[1]) : 100'000;
  const int batch = argc > 2 ? std::atoi(argv[2]) : 500;
  const int threads = argc > 3 ? std::atoi(argv[3]) : 2;
  if (argc > 4) {
    tocsin::RunOn(tocsin::Secret(argv[4]), people, batch, threads);
  } else {
    tocsin::RunOnClusterOfOurOwn(people, batch, threads);
  }
  return 0;
}
