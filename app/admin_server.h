#pragma once
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/http_server.h"
#include "base/metrics.h"

namespace tocsin {

// What machines that look after a node ask it, over HTTP on a port of its own:
//
//   GET /metrics   the text format of Prometheus
//   GET /livez     200 while the process does its work; 503: start it again
//   GET /readyz    200 while it is of use to others; 503 and why: ask another
//
// Nothing personal stands in any answer. Without a password: for the machine
// itself and those who watch it; or with TLS, for those whose certificate it asks.
class AdminServer {
 public:
  struct Options {
    std::string host;
    int port = 0;                                    // 0: any free one.
    std::shared_ptr<ServedCertificate> certificate;  // Null: no TLS.
  };
  // Called on many threads at once; must not block for longer than a scrape may
  // take.
  struct Answers {
    std::function<void(MetricsPage&)> write_metrics;
    std::function<absl::Status()> live;
    std::function<absl::Status()> ready;
  };

  // kUnavailable if the address cannot be listened at.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(const Options& options,
                                                            Answers answers);
  int port() const { return server_->port(); }

 private:
  explicit AdminServer(Answers answers) : answers_(std::move(answers)) {}
  HttpResponse Serve(const HttpRequest& request) const;

  const Answers answers_;
  std::unique_ptr<HttpServer> server_;  // Ends first.
};

}  // namespace tocsin
