// How many calls a second the call server carries through their whole life:
// create, Establishing, Established, play, its result, a key, hang-up,
// Terminating, Terminated; ledger included. The server is a process of its own,
// so that its CPU time is told apart from that of the driver and receiver.
//
//   callserver_bench [--calls N] [--rate CALLS_A_SECOND] [--threads N]
//
// Prints a line of JSON; `too_late` requests came after their call had ended.
#include <fcntl.h>
#include <httplib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/http_server.h"
#include "callserver/ledger_audit.h"
#include "callserver/server.h"
#include "fmt/format.h"
#include "tests/bench/bench.h"
#include "tests/unit/callserver_wav.h"
#include "wire/calls_2021.h"
#include "wire/paths.h"

namespace tocsin::callserver {
namespace {

constexpr auto kDialect = wire::Dialect::k2021_05;
constexpr char kLedger[] = "/tmp/tocsin_callserver_bench.ledger";

struct Load {
  int calls = 20'000;
  int rate = 1'500;
  int threads = 16;
};

double CpuSecondsOf(const rusage& usage) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// The child: serves until `until_closed` is closed at the other end.
[[noreturn]] void Serve(int tell_port, int until_closed) {
  CallServer::Options options;
  options.time_scale = 60;
  options.ledger_path = kLedger;
  options.population.reachability.at_once = 1;
  options.population.reachability.sometimes = 0;
  options.population.answers.machine = options.population.answers.fax = 0;
  options.population.human.leaves_early_share = 0;
  options.population.human.presses_share = 1;
  options.population.blocking.share_max = 0;
  options.caller_number_calls_max = 0;
  auto server = CallServer::Start(options, SystemClock());
  if (!server.ok()) std::abort();
  const int port = (*server)->port();
  if (::write(tell_port, &port, sizeof(port)) != sizeof(port)) std::abort();
  char byte = 0;
  while (::read(until_closed, &byte, 1) > 0) {
  }
  // Without ceremony, as a kill would.
  std::_Exit(0);
}

// The application: creates calls, plays to whoever answers, hangs up on a key.
class Application {
 public:
  Application(int server_port, const Load& load) : server_port_(server_port), load_(load) {
    receiver_ = *HttpServer::Start({.threads = 128},
                                   [this](const HttpRequest& request) { return Take(request); });
    for (int i = 0; i < load.threads; ++i) {
      threads_.emplace_back([this](std::stop_token stop) { Run(stop); });
    }
  }

  double RunToTheEnd() {
    const SteadyTime start = SystemClock().Steady();
    for (int i = 0; i < load_.calls; ++i) {
      SystemClock().SleepUntil(start + std::chrono::nanoseconds(1'000'000'000LL * i / load_.rate),
                               {});
      Ask({.target = wire::CreateCallPath(kDialect), .body = CreateBody(i)});
    }
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ended_ == load_.calls; });
    }
    const double seconds = std::chrono::duration<double>(SystemClock().Steady() - start).count();
    threads_.clear();
    receiver_->Stop();
    return seconds;
  }

  std::int64_t callbacks() const { return callbacks_; }
  std::int64_t refused() const { return refused_; }

 private:
  struct Request {
    std::string target;
    std::string body;
  };

  std::string Url(const std::string& path) const {
    return fmt::format("http://127.0.0.1:{}{}", receiver_->port(), path);
  }

  std::string CreateBody(int i) const {
    return wire::Encode(wire::CreateCallRequest{
        .targets = {wire::Identifier::PhoneNumber(fmt::format("+1555{:07}", i))},
        .caller_number = "+18005550100",
        .callback_uri = Url(fmt::format("/callbacks/1/{}?k=a&s=b", i + 1))});
  }

  void Ask(Request request) {
    std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
    wanted_.notify_one();
  }

  // Trivial on purpose: it is the server that is measured.
  HttpResponse Take(const HttpRequest& request) {
    if (request.path == "/audio.wav") return {.body = MakeWav({.seconds = 20})};
    ++callbacks_;
    const auto has = [&request](const char* text) {
      return request.body.find(text) != std::string::npos;
    };
    constexpr std::string_view kLeg = R"("CallLegId":")";
    const std::size_t at = request.body.find(kLeg) + kLeg.size();
    const std::string leg = request.body.substr(at, request.body.find('"', at) - at);
    if (has(R"("Established")")) {
      Ask({.target = wire::PlayAudioPath(kDialect, leg),
           .body = wire::Encode(wire::PlayAudioRequest{.audio_file_uri = Url("/audio.wav"),
                                                       .operation_context = "1",
                                                       .resource_id = "r"})});
    } else if (has("ToneInfo")) {
      Ask({.target = wire::HangUpPath(kDialect, leg), .body = {}});
    } else if (has(R"("Terminated")")) {
      std::lock_guard lock(mutex_);
      ++ended_;
      changed_.notify_one();
    }
    return {.status = 200, .body = {}};
  }

  void Run(std::stop_token stop) {
    httplib::Client client("127.0.0.1", server_port_);
    client.set_keep_alive(true);
    client.set_tcp_nodelay(true);
    while (true) {
      Request request;
      {
        std::unique_lock lock(mutex_);
        if (!wanted_.wait(lock, stop, [this] { return !requests_.empty(); })) return;
        request = std::move(requests_.front());
        requests_.pop_front();
      }
      const auto result = client.Post(request.target, request.body, "application/json");
      if (!result || result->status >= 300) ++refused_;
    }
  }

  const int server_port_;
  const Load load_;
  std::atomic<std::int64_t> callbacks_ = 0;
  std::atomic<std::int64_t> refused_ = 0;
  std::mutex mutex_;
  std::condition_variable_any wanted_;
  std::condition_variable changed_;
  std::deque<Request> requests_;
  int ended_ = 0;
  std::unique_ptr<HttpServer> receiver_;
  std::vector<std::jthread> threads_;
};

bench::Figures Run(const Load& load) {
  ::unlink(kLedger);
  int port_pipe[2];
  int life_pipe[2];
  TOCSIN_CHECK(::pipe2(port_pipe, O_CLOEXEC) == 0 && ::pipe2(life_pipe, O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(life_pipe[1]);
    Serve(port_pipe[1], life_pipe[0]);
  }
  ::close(life_pipe[0]);
  int port = 0;
  TOCSIN_CHECK(::read(port_pipe[0], &port, sizeof(port)) == sizeof(port));

  Application application(port, load);
  const double seconds = application.RunToTheEnd();

  ::close(life_pipe[1]);
  int status = 0;
  rusage server{};
  ::wait4(child, &status, 0, &server);
  const auto audited = AuditLedgerFile(kLedger, AuditFormat::kJson, '1');
  if (!audited.ok()) bench::Stop("the ledger cannot be read");
  fmt::print(stderr, "{}", *audited);
  ::unlink(kLedger);
  const double calls = load.calls;
  return {{"per_second", calls / seconds},
          {"callbacks_per_second", static_cast<double>(application.callbacks()) / seconds},
          {"too_late", static_cast<double>(application.refused())},
          {"server_cpu_us", CpuSecondsOf(server) / calls * 1e6},
          {"driver_cpu_us", bench::CpuSeconds() / calls * 1e6},
          {"server_mb", static_cast<double>(server.ru_maxrss) / 1024}};
}

}  // namespace
}  // namespace tocsin::callserver

int main(int argc, char** argv) {
  tocsin::bench::Flags flags(argc, argv);
  tocsin::callserver::Load load;
  load.calls = static_cast<int>(flags.Number("--calls", load.calls));
  load.rate = static_cast<int>(flags.Number("--rate", load.rate));
  load.threads = static_cast<int>(flags.Number("--threads", load.threads));
  flags.RefuseTheRest();
  tocsin::bench::Print(tocsin::callserver::Run(load));
}
