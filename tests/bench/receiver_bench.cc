// How many callbacks a second become durable: receiver, recorder and PostgreSQL,
// with as many connections as asked for, each a call after the other and an
// event after the other, as a provider does. Client, server and database share
// this machine.
//
//   receiver_bench [connections] [calls] [writers] [events a second, 0: as many as go]
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/http_server.h"
#include "base/status_macros.h"
#include "db/migrator.h"
#include "db/pg_store.h"
#include "dialer/dialer.h"
#include "fmt/format.h"
#include "tests/support/postgres.h"
#include "wire/events.h"

namespace tocsin {
namespace {

constexpr int kEventsACall = 6;

struct Settings {
  int connections = 64;
  int calls = 20'000;
  int writers = 1;
  double rate = 0;
};

template <class T>
T Must(absl::StatusOr<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", Message(result.status()).c_str());
    std::exit(1);
  }
  return *std::move(result);
}

Trunk BenchTrunk(int port) {
  Trunk trunk;
  trunk.name = "local";
  trunk.endpoint = fmt::format("http://127.0.0.1:{}", port);
  trunk.caller_numbers = {*PhoneNumber::Parse("+12025550199")};
  trunk.calls_per_second = 1'000'000;
  trunk.concurrent_max = 10'000'000;
  trunk.concurrent_max_per_caller = 10'000'000;
  return trunk;
}

void Import(db::PgStore& store, CampaignId campaign, int people) {
  const ApiRequest request{TenantId(1), "import", "f", "bench"};
  const ImportId import = Must(store.BeginImport(request, campaign, SystemClock().Now())).id;
  for (int done = 0, batch = 1; done < people; ++batch) {
    std::vector<ImportRow> rows;
    for (; done < people && rows.size() < 1000; ++done) {
      ImportRow row;
      row.line = done + 1;
      row.person_key = fmt::format("p{}", done);
      row.numbers = {*PhoneNumber::Parse(fmt::format("+1202{:07}", done))};
      rows.push_back(std::move(row));
    }
    Must(store.ImportBatch(import, batch, rows, {}, SystemClock().Now()));
  }
  Must(store.FinishImport(import, SystemClock().Now()));
}

// Live attempts, as the scheduler would have made them.
std::vector<AttemptKey> MakeLiveAttempts(db::PgStore& store, int port, int count) {
  const Trunk trunk = Must(store.SaveTrunk(BenchTrunk(port), SystemClock().Now()));
  CampaignSpec spec;
  spec.name = "bench";
  spec.purpose = "bench";
  spec.flow.audio_uri = "http://127.0.0.1:9/a.wav";
  spec.window = {0, 24 * 60};
  spec.synthetic = true;
  const ApiRequest request{TenantId(1), "create", "f", "bench"};
  const CampaignId campaign = Must(store.CreateCampaign(request, spec, SystemClock().Now())).id;
  Import(store, campaign, count);
  Must(store.CommandCampaign({TenantId(1), "start", "f", "bench"}, campaign,
                             CampaignCommand::kStart, CancelMode::kDrain, "bench",
                             SystemClock().Now()));
  const Lease lease = Must(store.AcquireLease("default", "bench", absl::Hours(1)));
  TOCSIN_CHECK(lease.held);
  std::vector<AttemptKey> live;
  for (std::uint64_t operation = 1; live.size() < static_cast<std::size_t>(count);) {
    const auto planned =
        Must(store.ClaimDue({1, operation++}, campaign, lease.epoch, 500, SystemClock().Now()));
    if (planned.empty()) break;
    std::vector<IntentRequest> intents;
    for (const PlannedAttempt& attempt : planned) {
      intents.push_back({attempt.key, trunk.caller_numbers[0], std::nullopt});
      live.push_back(attempt.key);
    }
    for (const IntentVerdict verdict : Must(store.CommitIntents(
             {2, operation}, "default", lease.epoch, trunk, intents, SystemClock().Now()))) {
      TOCSIN_CHECK(verdict == IntentVerdict::kGo);
    }
  }
  TOCSIN_CHECK(!live.empty());
  return live;
}

std::string BodyOf(int event, const std::string& leg) {
  wire::Event made;
  made.occurred_at = SystemClock().Now();
  switch (event) {
    case 0: made.body = wire::CallStateChanged{leg, "", wire::CallState::kEstablishing}; break;
    case 1: made.body = wire::CallStateChanged{leg, "c", wire::CallState::kEstablished}; break;
    case 2:
      made.body = wire::PlayAudioResult{leg, "1", wire::OperationStatus::kCompleted,
                                        wire::ResultInfo{200, 0, "Action completed."}};
      break;
    case 3: made.body = wire::DtmfReceived{leg, 1, '1'}; break;
    case 4: made.body = wire::CallStateChanged{leg, "c", wire::CallState::kTerminating}; break;
    default: made.body = wire::CallStateChanged{leg, "c", wire::CallState::kTerminated}; break;
  }
  return wire::EncodeEvent(made);
}

// A provider's connection, as cheap as it can be: the machine is shared.
class Connection {
 public:
  explicit Connection(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    TOCSIN_CHECK(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  ~Connection() { ::close(socket_); }

  bool Post(const std::string& path, const std::string& body) {
    const std::string request = fmt::format(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", path, body.size(), body);
    if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) < 0) return false;
    std::string answer;
    char bytes[2048];
    while (answer.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(socket_, bytes, sizeof(bytes), 0);
      if (got <= 0) return false;
      answer.append(bytes, static_cast<std::size_t>(got));
    }
    return answer.starts_with("HTTP/1.1 200");
  }

 private:
  int socket_;
};

struct Shares {
  std::vector<AttemptKey> live;
  std::vector<double> latencies_ms;
  std::atomic<int> next{0};
  std::atomic<int> refused{0};
  std::mutex mutex;
};

// Takes one call after the other and tells its life.
void Tell(const Settings& settings, int port, const wire::CallbackSigner& signer, int connection,
          SteadyTime begin, Shares& shares) {
  Connection provider(port);
  std::vector<double> latencies;
  const std::chrono::duration<double> apart(settings.rate > 0 ? settings.connections / settings.rate
                                                              : 0);
  int sent = 0;
  for (int i = shares.next++; i < static_cast<int>(shares.live.size()); i = shares.next++) {
    const std::string path = signer.Sign({shares.live[static_cast<std::size_t>(i)], {}}, "");
    const std::string leg = fmt::format("leg-{}", i);
    for (int event = 0; event < kEventsACall; ++event, ++sent) {
      SteadyTime due = SystemClock().Steady();
      if (settings.rate > 0) {
        due = begin + std::chrono::duration_cast<std::chrono::nanoseconds>(
                          apart * (sent + static_cast<double>(connection) / settings.connections));
        SystemClock().SleepUntil(due, {});
      }
      if (!provider.Post(path, BodyOf(event, leg))) ++shares.refused;
      const std::chrono::duration<double, std::milli> took = SystemClock().Steady() - due;
      latencies.push_back(took.count());
    }
  }
  const std::lock_guard lock(shares.mutex);
  shares.latencies_ms.insert(shares.latencies_ms.end(), latencies.begin(), latencies.end());
}

// Of all threads of this process, client included.
double CpuSeconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void Print(const Settings& settings, Shares& shares, double seconds, dialer::Dialer& dialer) {
  auto& ms = shares.latencies_ms;
  std::sort(ms.begin(), ms.end());
  const auto at = [&ms](double share) {
    return ms[static_cast<std::size_t>(share * static_cast<double>(ms.size() - 1))];
  };
  const auto recorder = dialer.recorder_counters();
  const auto actions = dialer.action_counters();
  fmt::print(
      "connections {} writers {}: {:.0f} callbacks/s, p50 {:.2f} p99 {:.2f} p99.9 {:.2f} ms,"
      " refused {}; batches {} of {:.1f} (largest {}), facts {}, actions {} + {} refused\n",
      settings.connections, settings.writers, static_cast<double>(ms.size()) / seconds, at(0.5),
      at(0.99), at(0.999), shares.refused.load(), recorder.batches,
      static_cast<double>(recorder.inputs) / static_cast<double>(recorder.batches),
      recorder.batch_largest, recorder.new_facts, actions.accepted, actions.refused);
}

void Run(const Settings& settings) {
  const testing::TestDatabase database(
      [](const std::string& url) { return db::MigrateUp(Secret(url)).status(); });
  const auto store = Must(db::PgStore::Open({.database_url = Secret(database.ConnectionString())}));
  const auto provider = Must(HttpServer::Start({.threads = 64}, [](const HttpRequest& request) {
    return HttpResponse{.status = request.method == "POST" ? 202 : 200, .body = "{}"};
  }));
  Shares shares;
  shares.live = MakeLiveAttempts(*store, provider->port(), settings.calls);
  const wire::CallbackKey key{"k1", Secret("0123456789abcdef")};
  dialer::Dialer::Options options;
  options.callback_keys = {key};
  options.send_workers = 1;
  options.action_workers = 8;
  options.receiver_threads = settings.connections;
  options.recorder.writers = settings.writers;
  const auto dialer = Must(dialer::Dialer::Start(
      options, *store, [](const std::string&) { return absl::NotFoundError("none"); }, nullptr,
      SystemClock()));
  const wire::CallbackSigner signer = Must(wire::CallbackSigner::Create({key}));
  const double cpu_before = CpuSeconds();
  const SteadyTime begin = SystemClock().Steady();
  {
    std::vector<std::jthread> providers;
    for (int c = 0; c < settings.connections; ++c) {
      providers.emplace_back(
          [&, c] { Tell(settings, dialer->callback_port(), signer, c, begin, shares); });
    }
  }
  const std::chrono::duration<double> took = SystemClock().Steady() - begin;
  Print(settings, shares, took.count(), *dialer);
  fmt::print("cpu of this process, client and server: {:.0f} us a callback\n",
             (CpuSeconds() - cpu_before) * 1e6 / static_cast<double>(shares.latencies_ms.size()));
  for (const std::string& complaint : Must(store->RunAudit(std::nullopt))) {
    fmt::print("audit: {}\n", complaint);
  }
}

}  // namespace
}  // namespace tocsin

int main(int argc, char** argv) {
  tocsin::Settings settings;
  if (argc > 1) settings.connections = std::atoi(argv[1]);
  if (argc > 2) settings.calls = std::atoi(argv[2]);
  if (argc > 3) settings.writers = std::atoi(argv[3]);
  if (argc > 4) settings.rate = std::atof(argv[4]);
  tocsin::Run(settings);
}
