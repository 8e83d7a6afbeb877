#include "callserver/server.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <mutex>
#include <random>
#include <stop_token>
#include <utility>
#include <vector>

#include "base/http_server.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "callserver/audio_library.h"
#include "callserver/call_simulation.h"
#include "callserver/callback_poster.h"
#include "callserver/ledger.h"
#include "callserver/wake_loop.h"
#include "wire/callback_url.h"
#include "wire/digest.h"
#include "wire/paths.h"
#include "wire/request_signing.h"

namespace tocsin::callserver {
namespace {

constexpr std::chrono::microseconds kLeastSleep(1'000);
constexpr absl::Duration kFirstPause = absl::Seconds(2);
// However fast the simulated world runs, the receiver's restart takes its time.
constexpr absl::Duration kFirstPauseMin = absl::Milliseconds(250);

HttpResponse Json(int status, std::string body) {
  return {.status = status, .body = std::move(body)};
}

HttpResponse Error(int status, std::string_view code, std::string_view message) {
  return Json(status, wire::Encode(wire::ErrorBody{std::string(code), std::string(message)}));
}

HttpResponse BadRequest(const absl::Status& status) {
  return Error(400, "BadRequest", Message(status));
}

// 20dd-dd-dd, then perhaps -preview and digits.
bool IsApiVersion(std::string_view text) {
  constexpr std::string_view kShape = "20dd-dd-dd";
  constexpr std::string_view kPreview = "-preview";
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() < kShape.size()) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    if (kShape[i] == 'd' ? !is_digit(text[i]) : text[i] != kShape[i]) return false;
  }
  text.remove_prefix(kShape.size());
  if (text.empty()) return true;
  if (!text.starts_with(kPreview)) return false;
  text.remove_prefix(kPreview.size());
  return std::all_of(text.begin(), text.end(), is_digit);
}

std::uint64_t RandomSeed() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32U | device();
}

CallbackPoster::Options PosterOptions(const CallServer::Options& options) {
  return {.threads = options.poster_threads,
          .first_pause = std::max(kFirstPause / options.time_scale, kFirstPauseMin)};
}

// The answer to a request that the simulation took or refused.
struct Answerer {
  HttpResponse operator()(const std::monostate&) const { return {.status = 202, .body = {}}; }
  HttpResponse operator()(const wire::CreateCallResponse& created) const {
    return Json(200, wire::Encode(created));
  }
  HttpResponse operator()(const wire::OperationResult& result) const {
    return Json(202, wire::Encode(result));
  }
  HttpResponse operator()(const Refusal& refusal) const {
    return Json(refusal.status, wire::Encode(refusal.error));
  }
};

}  // namespace

class CallServer::Impl {
 public:
  Impl(const Options& options, const Clock& clock, std::unique_ptr<Ledger> ledger,
       Secret access_key)
      : options_(options),
        clock_(clock),
        started_at_(clock.Now()),
        started_steady_(clock.Steady()),
        signer_(access_key.empty() ? std::nullopt : std::optional(wire::RequestSigner(access_key))),
        ledger_(std::move(ledger)),
        faults_(options.faults),
        simulation_({.population = options.population,
                     .seed = options.seed,
                     .id_seed = RandomSeed(),
                     .time_scale = options.time_scale}),
        poster_(PosterOptions(options), clock,
                [this](const Callback& callback, const CallbackPoster::Outcome& outcome) {
                  NoteCallback(callback, outcome);
                }),
        audio_([this](const std::string& key, const AudioFile& audio) {
          Step(input::AudioFetched{.key = key, .audio = audio});
        }),
        wakes_(clock, kLeastSleep, [this] {
          Step(input::Tick());
          return NextWake();
        }) {}

  ~Impl() { Stop(); }

  absl::Status Listen() {
    NoteServer(ServerStarted{.seed = options_.seed, .time_scale = options_.time_scale});
    TOCSIN_ASSIGN_OR_RETURN(
        http_, HttpServer::Start(
                   {.host = options_.host, .port = options_.port, .threads = options_.http_threads},
                   [this](const HttpRequest& request) { return Handle(request); }));
    return absl::OkStatus();
  }

  void Stop() {
    if (std::exchange(stopped_, true)) return;
    hangs_.request_stop();
    if (http_) http_->Stop();
    wakes_.Stop();
    audio_.Stop();
    poster_.Stop();
    NoteServer(ServerStopped());
  }

  int port() const { return http_->port(); }

  LiveStats stats() {
    const CallbackPoster::Stats posted = poster_.stats();
    std::lock_guard lock(mutex_);
    return {.live_calls = static_cast<std::int64_t>(simulation_.live_calls()),
            .creates = creates_.load(),
            .callbacks_answered = posted.answered,
            .callbacks_retried = posted.retried,
            .callbacks_dropped = posted.dropped,
            .callbacks_waiting = posted.waiting};
  }

 private:
  // Civil time that goes as the steady clock goes: an operator who sets the
  // clock must not move calls about.
  absl::Time Now() const {
    return started_at_ + absl::FromChrono(clock_.Steady() - started_steady_);
  }

  SteadyTime NextWake() {
    std::lock_guard lock(mutex_);
    return ToSteady(simulation_.next_wake());
  }

  SteadyTime ToSteady(absl::Time time) const {
    if (time == absl::InfiniteFuture()) return SteadyTime::max();
    return started_steady_ + absl::ToChronoNanoseconds(time - started_at_);
  }

  struct Stepped {
    decltype(Effects::answer) answer;
    absl::Status ledger;
  };

  // Steps the simulation and carries out what follows. When it returns, the
  // ledger has been written.
  Stepped Step(const SimulationInput& happened) {
    Effects effects;
    std::uint64_t position = 0;
    SteadyTime next;
    {
      std::lock_guard lock(mutex_);
      effects = simulation_.Step(Now(), happened);
      // Under the lock: lines and callbacks keep the order of the steps.
      position = ledger_->Append(effects.ledger);
      if (!effects.callbacks.empty()) poster_.Post(std::move(effects.callbacks));
      next = ToSteady(simulation_.next_wake());
    }
    wakes_.Nudge(next);
    if (effects.audio_wanted) {
      const auto& play = std::get<input::PlayAudio>(happened);
      audio_.Fetch(*effects.audio_wanted, play.request.audio_file_uri);
    }
    return {.answer = std::move(effects.answer), .ledger = ledger_->Write(position)};
  }

  HttpResponse StepAndAnswer(const SimulationInput& happened) {
    const Stepped stepped = Step(happened);
    if (!stepped.ledger.ok()) return Error(500, "InternalError", Message(stepped.ledger));
    return std::visit(Answerer(), stepped.answer);
  }

  HttpResponse Handle(const HttpRequest& request) {
    const absl::Time arrived_at = Now();
    if (request.path == "/" || request.path == "/livez") return {.status = 204, .body = {}};
    const std::optional<wire::Route> route = wire::ParseRoute(request.method, request.raw_path);
    if (!route) return Error(404, "NotFound", "There is no such operation.");
    if (const absl::Status status = CheckSignature(request); !status.ok()) {
      return Error(401, "Unauthorized", Message(status));
    }
    if (route->dialect == wire::Dialect::k2021_05 &&
        !IsApiVersion(request.QueryParameter("api-version"))) {
      return Error(400, "BadRequest",
                   "The query parameter api-version must be like 2021-04-15-preview1.");
    }
    switch (route->operation) {
      case wire::Operation::kCreateCall: return CreateCall(request, arrived_at);
      case wire::Operation::kPlayAudio: return PlayAudio(request, route->call_id);
      case wire::Operation::kCancelMedia: return CancelMedia(request, route->call_id);
      case wire::Operation::kHangUp:
      case wire::Operation::kDeleteCall:
        return StepAndAnswer(input::HangUp{.call_leg_id = route->call_id});
      case wire::Operation::kInviteParticipants:
      case wire::Operation::kRemoveParticipant: break;
    }
    return Error(400, "NotSupported", "This server does not connect further parties.");
  }

  absl::Status CheckSignature(const HttpRequest& request) const {
    if (!signer_) return absl::OkStatus();
    std::string target = request.raw_path;
    if (!request.raw_query.empty()) target += "?" + request.raw_query;
    const std::string_view date = request.Header("x-ms-date");
    return signer_->Verify({.method = request.method,
                            .path_and_query = target,
                            .host = request.Header("Host"),
                            .body = request.body},
                           {.authorization = request.Header("Authorization"),
                            .date = date.empty() ? request.Header("Date") : date,
                            .content_sha256 = request.Header("x-ms-content-sha256")},
                           clock_.Now());
  }

  HttpResponse CreateCall(const HttpRequest& request, absl::Time arrived_at) {
    ++creates_;
    const absl::StatusOr<wire::CreateCallRequest> wanted =
        wire::DecodeCreateCallRequest(request.body);
    if (!wanted.ok()) {
      NoteRefused({.arrived_at = arrived_at}, 400);
      return BadRequest(wanted.status());
    }
    if (wanted->targets.size() != 1 ||
        wanted->targets[0].kind != wire::Identifier::Kind::kPhoneNumber) {
      NoteRefused({.arrived_at = arrived_at}, 400);
      return Error(400, "BadRequest", "create call.targets must be one phoneNumber");
    }
    input::CreateCall call{.number = wanted->targets[0].value,
                           .caller_number = wanted->caller_number,
                           .callback_uri = wanted->callback_uri,
                           .wants_dtmf = wanted->wants_dtmf,
                           .wants_participants_updated = wanted->wants_participants_updated,
                           .arrived_at = arrived_at};
    const SplitUrl callback = Split(call.callback_uri);
    const absl::StatusOr<AttemptKey> attempt =
        wire::ParseCallbackPath(wire::WithoutQuery(callback.path_and_query));
    if (attempt.ok()) call.attempt = *attempt;
    return CreateInWeather(std::move(call));
  }

  HttpResponse CreateInWeather(input::CreateCall call) {
    switch (faults_.NextCreate()) {
      case CreateFault::kNone: return StepAndAnswer(call);
      case CreateFault::kThrottled: {
        NoteRefused(call, 429);
        HttpResponse throttled = Error(429, "TooManyRequests", "Slow down.");
        const absl::Duration retry_after = faults_.plan().retry_after;
        if (retry_after > absl::ZeroDuration()) {
          throttled.headers.emplace_back("Retry-After",
                                         std::to_string(absl::ToInt64Seconds(retry_after)));
        }
        return throttled;
      }
      case CreateFault::kFailedAfterPlacing:
        call.answered_status = 500;
        Step(call);
        return Error(500, "InternalError", "Something went wrong.");
      case CreateFault::kNoAnswer: {
        call.answered_status = 0;
        HttpResponse late = StepAndAnswer(call);
        clock_.SleepUntil(clock_.Steady() + absl::ToChronoNanoseconds(faults_.plan().hang),
                          hangs_.get_token());
        return late;
      }
      case CreateFault::kHtml:
        NoteRefused(call, 200);
        return {.status = 200,
                .body = "<html><body><h1>It works!</h1></body></html>",
                .content_type = "text/html"};
    }
    return Error(500, "InternalError", "");
  }

  HttpResponse PlayAudio(const HttpRequest& request, const std::string& call_leg_id) {
    absl::StatusOr<wire::PlayAudioRequest> wanted = wire::DecodePlayAudioRequest(request.body);
    if (!wanted.ok()) return BadRequest(wanted.status());
    std::optional<AudioFile> audio = audio_.Find(AudioKey(*wanted));
    return StepAndAnswer(input::PlayAudio{
        .call_leg_id = call_leg_id, .request = *std::move(wanted), .audio = std::move(audio)});
  }

  HttpResponse CancelMedia(const HttpRequest& request, const std::string& call_leg_id) {
    const absl::StatusOr<wire::CancelMediaRequest> wanted =
        wire::DecodeCancelMediaRequest(request.body);
    if (!wanted.ok()) return BadRequest(wanted.status());
    return StepAndAnswer(input::CancelMedia{.call_leg_id = call_leg_id,
                                            .operation_context = wanted->operation_context});
  }

  void NoteRefused(const input::CreateCall& call, int status) {
    const LedgerLine line{
        .at = call.arrived_at,
        .entry = CreateArrived{.status = status,
                               .number = call.number,
                               .caller_number = call.caller_number,
                               .callback_uri = std::string(wire::WithoutQuery(call.callback_uri)),
                               .attempt = call.attempt}};
    // Its failure shows at the next call that is placed.
    static_cast<void>(ledger_->Write(ledger_->Append({line})));
  }

  void NoteServer(LedgerEntry entry) {
    const LedgerLine line{.at = Now(), .entry = std::move(entry)};
    static_cast<void>(ledger_->Write(ledger_->Append({line})));
  }

  void NoteCallback(const Callback& callback, const CallbackPoster::Outcome& outcome) {
    constexpr std::string_view kPrefix = "Microsoft.Communication.";
    const LedgerLine line{
        .at = Now(),
        .call_leg_id = wire::CallLegId(callback.event),
        .entry = CallbackDone{
            .type = wire::EventType(callback.event.body).substr(kPrefix.size()),
            .status = outcome.status,
            .tries = outcome.tries,
            .dropped = outcome.dropped}};
    static_cast<void>(ledger_->Write(ledger_->Append({line})));
    if (outcome.dropped) {
      Log(LogLevel::kWarn, "callback_dropped",
          {{"call_leg_id", line.call_leg_id},
           {"status", outcome.status},
           {"tries", outcome.tries}});
    }
  }

  const Options options_;
  const Clock& clock_;
  const absl::Time started_at_;
  const SteadyTime started_steady_;
  const std::optional<wire::RequestSigner> signer_;
  const std::unique_ptr<Ledger> ledger_;
  Faults faults_;
  std::atomic<std::int64_t> creates_ = 0;
  std::stop_source hangs_;
  bool stopped_ = false;

  std::mutex mutex_;  // Guards simulation_. Before the poster's and the ledger's.
  CallSimulation simulation_;

  // These run threads that call back into the above; Stop() ends them first.
  CallbackPoster poster_;
  AudioLibrary audio_;
  WakeLoop wakes_;
  std::unique_ptr<HttpServer> http_;
};

absl::StatusOr<std::unique_ptr<CallServer>> CallServer::Start(const Options& options,
                                                              const Clock& clock) {
  if (!(options.time_scale > 0)) {
    return InvalidArgument("call server: the time scale must be greater than 0");
  }
  absl::StatusOr<std::string> key = wire::DecodeBase64(options.access_key.Reveal());
  if (!key.ok()) return InvalidArgument("call server: the access key must be base64");
  TOCSIN_ASSIGN_OR_RETURN(std::unique_ptr<Ledger> ledger, Ledger::Open(options.ledger_path));
  auto impl = std::make_unique<Impl>(options, clock, std::move(ledger), Secret(*std::move(key)));
  TOCSIN_RETURN_IF_ERROR(impl->Listen());
  return std::unique_ptr<CallServer>(new CallServer(std::move(impl)));
}

CallServer::CallServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CallServer::~CallServer() = default;
int CallServer::port() const {
  return impl_->port();
}
CallServer::LiveStats CallServer::stats() const {
  return impl_->stats();
}
void CallServer::Stop() {
  impl_->Stop();
}

}  // namespace tocsin::callserver
