#include "dialer/dialer.h"

#include <utility>

#include "base/host_port.h"
#include "base/status_macros.h"
#include "dialer/http_fetch.h"

namespace tocsin::dialer {
namespace {

std::string BaseUrlOf(const Dialer::Options& options, int port) {
  std::string url = options.callback_base_url;
  if (url.empty()) {
    const char* const scheme = options.certificate == nullptr ? "http" : "https";
    url = fmt::format("{}://{}", scheme, JoinHostPort(options.listen_host, port));
  }
  while (url.ends_with('/')) url.pop_back();
  return url;
}

HttpServer::Options ServerOptionsOf(const Dialer::Options& options) {
  return {.name = "receive-events",
          .host = options.listen_host,
          .port = options.listen_port,
          .certificate = options.certificate,
          .connections_max = options.receiver_connections,
          .keep_alive_timeout_s = options.receiver_keep_alive_s};
}

FactRecorder::Options RecorderOptionsOf(const Dialer::Options& options,
                                        const TokenVerifier& tokens) {
  FactRecorder::Options recorder = options.recorder;
  recorder.hears = [&tokens](TrunkId trunk) { return tokens.Hears(trunk); };
  return recorder;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Dialer>> Dialer::Start(const Options& options, DialStore& store,
                                                      PromptFinder find_prompt,
                                                      FactRecorder::Observer observer,
                                                      const Clock& clock) {
  TOCSIN_ASSIGN_OR_RETURN(wire::CallbackSigner signer,
                          wire::CallbackSigner::Create(options.callback_keys));
  std::unique_ptr<Dialer> dialer(new Dialer());
  dialer->pool_ = std::make_unique<ConnectionPool>(
      ConnectionPool::Options{.timeouts = options.timeouts, .ca_file = options.ca_file}, clock);
  dialer->credentials_ = std::make_unique<Credentials>(options.environment, clock);
  dialer->tokens_ = std::make_unique<TokenVerifier>(
      options.tokens, [&store] { return store.ListTrunks(); },
      [pool = dialer->pool_.get()](const std::string& url) { return FetchText(*pool, url); },
      clock);
  dialer->recorder_ =
      std::make_unique<FactRecorder>(RecorderOptionsOf(options, *dialer->tokens_), store, clock);
  if (options.speak_text) {
    dialer->texts_ =
        std::make_unique<TextPrompts>(options.callback_keys, store, options.speak_text);
  }
  dialer->receiver_ =
      std::make_unique<EventReceiver>(signer, *dialer->tokens_, *dialer->recorder_,
                                      std::move(find_prompt), clock, dialer->texts_.get());
  // Our address has to be known before anything is sent; what comes from an
  // earlier life before all is in place is asked to come again.
  TOCSIN_ASSIGN_OR_RETURN(
      dialer->callbacks_,
      HttpServer::StartAsync(ServerOptionsOf(options),
                             [self = dialer.get()](HttpRequest request, HttpReply reply) {
                               self->Serve(std::move(request), std::move(reply));
                             }));
  dialer->callback_base_url_ = BaseUrlOf(options, dialer->callbacks_->port());
  dialer->Furnish(options, std::move(signer), store, std::move(observer), clock);
  return dialer;
}

void Dialer::Furnish(const Options& options, wire::CallbackSigner signer, DialStore& store,
                     FactRecorder::Observer observer, const Clock& clock) {
  sender_ =
      std::make_unique<ActionSender>(ActionSender::Options{.workers = options.action_workers,
                                                           .prompt_base_url = callback_base_url_,
                                                           .texts = texts_.get()},
                                     store, *pool_, *credentials_, *recorder_, clock);
  recorder_->AddObserver([this](const AttemptChange& change) {
    if (change.call) sender_->CarryOut(*change.call, change.new_actions);
  });
  if (observer) recorder_->AddObserver(std::move(observer));
  reconciler_ =
      std::make_unique<Reconciler>(options.reconciler, store, *recorder_, *sender_, clock);
  gateway_ = std::make_unique<HttpCallGateway>(
      HttpCallGateway::Options{.workers = options.send_workers,
                               .callback_base_url = callback_base_url_},
      std::move(signer), *pool_, *credentials_, clock);
  open_.store(true);
}

Dialer::~Dialer() {
  Stop();
}

void Dialer::Serve(HttpRequest request, HttpReply reply) {
  if (open_.load()) return receiver_->Handle(std::move(request), std::move(reply));
  reply.Answer({.status = 503, .headers = {{"Retry-After", "1"}}});
}

void Dialer::Stop() {
  if (gateway_ != nullptr) gateway_->Stop();
  if (reconciler_ != nullptr) reconciler_->Stop();
  if (callbacks_ != nullptr) callbacks_->Stop();
  if (tokens_ != nullptr) tokens_->Stop();
  if (sender_ != nullptr) sender_->Stop();
  if (recorder_ != nullptr) recorder_->Stop();
  if (pool_ != nullptr) pool_->CloseIdle();
}

}  // namespace tocsin::dialer
