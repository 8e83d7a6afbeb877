#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/http_server.h"
#include "base/metrics.h"
#include "core/fact_sink.h"
#include "core/gateway.h"
#include "core/store.h"
#include "dialer/action_sender.h"
#include "dialer/connection_pool.h"
#include "dialer/credentials.h"
#include "dialer/event_receiver.h"
#include "dialer/fact_recorder.h"
#include "dialer/http_call_gateway.h"
#include "dialer/prompt_server.h"
#include "dialer/reconciler.h"
#include "dialer/token_verifier.h"
#include "wire/callback_url.h"

namespace tocsin::dialer {

// Everything that speaks with providers: create-calls out, events in, the call
// flow's actions, and the sweep after what was lost.
//
// Opens up to `send_workers` + `action_workers` connections to an endpoint; a
// server with a thread for each connection needs as many and some more.
class Dialer {
 public:
  struct Options {
    // Where callbacks and fetches of recordings arrive.
    std::string listen_host = "127.0.0.1";
    int listen_port = 0;  // 0: any free one; callback_port() tells which.
    std::shared_ptr<ServedCertificate> certificate;  // Null: no TLS.
    // How the provider reaches that: "https://calls.example.com/tocsin". Empty:
    // the address above, with https if there is a certificate.
    std::string callback_base_url;
    // The first signs callback URLs, all verify them.
    std::vector<wire::CallbackKey> callback_keys;
    int send_workers = 64;
    int action_workers = 32;
    int receiver_connections = 1024;  // Of the provider's, at once.
    int receiver_keep_alive_s = 5;
    HttpTimeouts timeouts;
    std::string ca_file;  // PEM, for https trunks; empty: the system's.
    // Where trunks may have their secrets besides files; unset: nowhere.
    Environment environment;
    // Says texts for trunks whose provider does not; unset: nobody does.
    SpeakText speak_text;
    TokenVerifier::Options tokens;
    FactRecorder::Options recorder;
    Reconciler::Options reconciler;
  };

  // What to start. A node that only receives has no gateway work but the same parts.
  // kInvalidArgument for keys or addresses that cannot be; kUnavailable if the
  // port cannot be listened on. The store, the finder and the clock must live
  // longer. `observer` is told of every committed change (slots freed, sends
  // given back) on the recorder's threads and must not block.
  static absl::StatusOr<std::unique_ptr<Dialer>> Start(const Options& options, DialStore& store,
                                                       PromptFinder find_prompt,
                                                       FactRecorder::Observer observer,
                                                       const Clock& clock);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  CallGateway& gateway() { return *gateway_; }
  FactSink& recorder() { return *recorder_; }
  int callback_port() const { return callbacks_->port(); }
  const std::string& callback_base_url() const { return callback_base_url_; }

  // A campaign changed its state, or a trunk: hang-ups may be owed, and tokens
  // expected. For a ChangeListener.
  void CampaignsChanged() {
    reconciler_->Poke();
    tokens_->TrunksChanged();
  }

  // How late events come now (fact_recorder.h).
  absl::Duration callback_lag() const { return recorder_->Lateness(); }

  RecorderCounters recorder_counters() const { return recorder_->counters(); }
  TokenCounters token_counters() const { return tokens_->counters(); }
  ReceiverCounters receiver_counters() const { return receiver_->counters(); }
  ActionCounters action_counters() const { return sender_->counters(); }
  ReconcilerCounters reconciler_counters() const { return reconciler_->counters(); }

  // `name_of` tells a trunk's name.
  void WriteMetrics(MetricsPage& page, const std::function<std::string(TrunkId)>& name_of) const;

  // In order: takes no new sends and finishes those in flight, stops sweeping,
  // answers the callbacks that have come, finishes the actions in flight, writes
  // every fact that is held. Whoever hands out permits must refuse them by now.
  // At most about timeouts.request. May be called twice.
  void Stop();

 private:
  Dialer() = default;
  void Furnish(const Options& options, wire::CallbackSigner signer, DialStore& store,
               FactRecorder::Observer observer, const Clock& clock);
  void Serve(HttpRequest request, HttpReply reply);

  std::atomic<bool> open_{false};  // All is in place.
  std::string callback_base_url_;
  // In the order in which they need one another.
  std::unique_ptr<ConnectionPool> pool_;
  std::unique_ptr<Credentials> credentials_;
  std::unique_ptr<TokenVerifier> tokens_;
  std::unique_ptr<FactRecorder> recorder_;
  std::unique_ptr<TextPrompts> texts_;  // Null: nobody says texts.
  std::unique_ptr<EventReceiver> receiver_;
  std::unique_ptr<HttpServer> callbacks_;
  std::unique_ptr<ActionSender> sender_;
  std::unique_ptr<Reconciler> reconciler_;
  std::unique_ptr<HttpCallGateway> gateway_;
};

}  // namespace tocsin::dialer
