#include "app/admin_server.h"

#include "base/status_macros.h"

namespace tocsin {
namespace {

// Those who scrape and probe are few, and come again.
constexpr int kThreads = 8;
constexpr const char* kText = "text/plain; charset=utf-8";

HttpResponse Plain(int status, std::string body) {
  return {.status = status, .body = std::move(body) + "\n", .content_type = kText};
}

HttpResponse Verdict(const absl::Status& status) {
  return status.ok() ? Plain(200, "ok") : Plain(503, std::string(Message(status)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(const Options& options,
                                                                Answers answers) {
  std::unique_ptr<AdminServer> admin(new AdminServer(std::move(answers)));
  TOCSIN_ASSIGN_OR_RETURN(
      admin->server_,
      HttpServer::Start({.name = "admin",
                         .host = options.host,
                         .port = options.port,
                         .certificate = options.certificate,
                         .threads = kThreads},
                        [self = admin.get()](const HttpRequest& r) { return self->Serve(r); }));
  return admin;
}

HttpResponse AdminServer::Serve(const HttpRequest& request) const {
  if (request.method != "GET" && request.method != "HEAD") {
    return Plain(405, "only GET is answered here");
  }
  if (request.path == "/livez") return Verdict(answers_.live());
  if (request.path == "/readyz") return Verdict(answers_.ready());
  if (request.path != "/metrics") return Plain(404, "there are /metrics, /livez and /readyz");
  MetricsPage page;
  answers_.write_metrics(page);
  return {.body = page.Text(), .content_type = "text/plain; version=0.0.4; charset=utf-8"};
}

}  // namespace tocsin
