#pragma once
#include <array>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/idle_threads.h"
#include "base/metrics.h"
#include "core/gateway.h"
#include "dialer/connection_pool.h"
#include "dialer/provider_request.h"
#include "wire/callback_url.h"

namespace tocsin::dialer {

// What an answer to create-call means. `error` is the provider's words.
//
//   2xx with an id              accepted
//   2xx without                 unknown: somebody may be ringing
//   429, 503 with Retry-After   throttled; with 8529 until somebody has looked at it
//   other 4xx, and 3xx          refused
//   5xx and anything else       unknown
CreateCallResult ReadCreateCallAnswer(const Protocol& protocol, const HttpAnswer& answer,
                                      absl::Time now);

// The gateway over HTTP. Each worker carries one request at a time: it builds
// and signs it, takes a connection that is open and answers, asks the permit,
// and writes. Nothing is ever written on a connection opened after the permit.
class HttpCallGateway final : public CallGateway {
 public:
  struct Options {
    int workers = 64;  // Requests waiting for permit or answer at once.
    // What the signed paths are put behind: "https://calls.example.com/tocsin".
    std::string callback_base_url;
  };

  // `pool`, `credentials` and `clock` must live longer.
  HttpCallGateway(Options options, wire::CallbackSigner signer, ConnectionPool& pool,
                  Credentials& credentials, const Clock& clock);
  ~HttpCallGateway() override;

  // Requests beyond twice capacity(), and after Stop(), complete at once, on the
  // calling thread, as CallNotSent.
  void Send(const Trunk& trunk, CreateCallRequest request, SendPermit& permit, Done done) override;
  int capacity() const override { return options_.workers; }
  absl::Status Probe(const Trunk& trunk) override;

  // Requests by what came of them, and how long answers took.
  void WriteMetrics(MetricsPage& page) const;

  // Completes what waits in the queue as CallNotSent and waits for what is in
  // flight: at most timeouts.request, given that permits are refused by then.
  void Stop();

 private:
  struct Order {
    TrunkAddress trunk;
    CreateCallRequest request;
    SendPermit* permit;
    Done done;
  };

  const char* Enqueue(Order& order, IdleThreads::Woken& woken);
  void Work();
  CreateCallCompletion Place(const Order& order);
  CreateCallResult Exchange(const Order& order, CreateCallCompletion& completion);
  CreateCallCompletion NotSent(const CreateCallRequest& request, std::string reason) const;

  // By CreateCallResult's alternatives.
  static constexpr std::size_t kResults = std::variant_size_v<CreateCallResult>;

  const Options options_;
  const wire::CallbackSigner signer_;
  ConnectionPool& pool_;
  Credentials& credentials_;
  const Clock& clock_;
  std::array<DurationHistogram, kResults> latencies_;
  std::mutex mutex_;
  IdleThreads idle_;
  std::deque<Order> queue_;
  bool stopped_ = false;
  int carried_ = 0;  // By workers now.
  std::vector<std::jthread> workers_;
};

}  // namespace tocsin::dialer
