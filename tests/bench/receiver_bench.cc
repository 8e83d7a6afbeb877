// How many callbacks a second become durable: receiver, recorder and PostgreSQL
// (--database URL), with as many connections as asked for, each a call after the
// other and an event after the other, as a provider does. Client, server and
// database share this machine.
//
//   receiver_bench --database URL | --port N  [--connections N] [--calls N]
//                  [--writers N] [--rate EVENTS_A_SECOND, 0: as many as go]
//
// With --port, the same events go to whoever listens there instead. Prints a
// line of JSON: per_second, p50_ms, p99_ms, p999_ms from when an event was due.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "db/pg_store.h"
#include "dialer/dialer.h"
#include "tests/bench/bench.h"
#include "wire/callback_url.h"
#include "wire/events.h"

namespace tocsin::bench {
namespace {

constexpr int kEventsACall = 6;

struct Settings {
  std::string database;
  int port = 0;
  int connections = 64;
  int calls = 20'000;
  int writers = 1;
  std::int64_t rate = 0;
};

// Live attempts, as the scheduler would have made them.
std::vector<AttemptKey> MakeLiveAttempts(db::PgStore& store, int count) {
  const CampaignId campaign = StartCampaign(store, FreeTrunk(9), count);
  const Trunk trunk = Must(store.GetTrunk("local"));
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
  const std::chrono::duration<double> apart(settings.rate > 0
                                                ? static_cast<double>(settings.connections) /
                                                      static_cast<double>(settings.rate)
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

// All events of all calls, to `port`.
Figures TellAll(const Settings& settings, int port, const wire::CallbackSigner& signer,
                Shares& shares) {
  const double cpu = CpuSeconds();
  const SteadyTime begin = SystemClock().Steady();
  {
    std::vector<std::jthread> providers;
    for (int c = 0; c < settings.connections; ++c) {
      providers.emplace_back([&, c] { Tell(settings, port, signer, c, begin, shares); });
    }
  }
  const double seconds = SecondsSince(begin);
  auto& ms = shares.latencies_ms;
  if (shares.refused > 0) Stop(fmt::format("{} events were refused", shares.refused.load()));
  const auto events = static_cast<double>(ms.size());
  return {{"per_second", events / seconds},
          {"p50_ms", Quantile(ms, 0.5)},
          {"p99_ms", Quantile(ms, 0.99)},
          {"p999_ms", Quantile(ms, 0.999)},
          {"cpu_us", (CpuSeconds() - cpu) / events * 1e6}};
}

Figures Ours(const Settings& settings, const wire::CallbackKey& key,
             const wire::CallbackSigner& signer) {
  const auto store = Must(db::PgStore::Open({.database_url = Secret(settings.database)}));
  Shares shares;
  shares.live = MakeLiveAttempts(*store, settings.calls);
  dialer::Dialer::Options options;
  options.callback_keys = {key};
  options.send_workers = 1;
  // What the events call for is decided and stored, and sent by nobody: requests
  // to the provider are no part of the door.
  options.action_workers = 0;
  options.receiver_connections = settings.connections;
  options.recorder.writers = settings.writers;
  const auto dialer = Must(dialer::Dialer::Start(
      options, *store, [](const std::string&) { return absl::NotFoundError("none"); }, nullptr,
      SystemClock()));
  Figures figures = TellAll(settings, dialer->callback_port(), signer, shares);
  const auto recorder = dialer->recorder_counters();
  figures["batch"] = static_cast<double>(recorder.inputs) / static_cast<double>(recorder.batches);
  for (const std::string& finding : Must(store->RunAudit(std::nullopt))) Stop("audit: " + finding);
  return figures;
}

Figures Run(const Settings& settings) {
  const wire::CallbackKey key{"k1", Secret("0123456789abcdef")};
  const wire::CallbackSigner signer = Must(wire::CallbackSigner::Create({key}));
  if (settings.port == 0) return Ours(settings, key, signer);
  Shares shares;
  for (int i = 1; i <= settings.calls; ++i) shares.live.push_back({CampaignId(1), AttemptId(i)});
  return TellAll(settings, settings.port, signer, shares);
}

}  // namespace
}  // namespace tocsin::bench

int main(int argc, char** argv) {
  tocsin::bench::Flags flags(argc, argv);
  tocsin::bench::Settings settings;
  const auto number = [&flags](const char* name, int& value) {
    value = static_cast<int>(flags.Number(name, value));
  };
  settings.database = flags.Text("--database");
  number("--port", settings.port);
  number("--connections", settings.connections);
  number("--calls", settings.calls);
  number("--writers", settings.writers);
  settings.rate = flags.Number("--rate", settings.rate);
  flags.RefuseTheRest();
  tocsin::bench::Print(tocsin::bench::Run(settings));
}
