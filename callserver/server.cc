#include "callserver/server.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <functional>
#include <mutex>
#include <random>
#include <utility>
#include <vector>

#include "base/http_server.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "callserver/audio_library.h"
#include "callserver/call_history.h"
#include "callserver/call_simulation.h"
#include "callserver/callback_faults.h"
#include "callserver/callback_line.h"
#include "callserver/callback_poster.h"
#include "callserver/callback_tokens.h"
#include "callserver/fault_report.h"
#include "callserver/ga_requests.h"
#include "callserver/held_answers.h"
#include "callserver/ledger.h"
#include "callserver/repeated_answers.h"
#include "callserver/wake_loop.h"
#include "wire/callback_url.h"
#include "wire/digest.h"
#include "wire/paths.h"
#include "wire/paths_ga.h"
#include "wire/request_signing.h"

namespace tocsin::callserver {
namespace {

constexpr std::string_view kFaultsPath = "/admin/faults";
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

CallbackPoster::Options PosterOptions(const CallServer::Options& options, CallbackTokens& tokens) {
  return {.connections_max = options.callbacks_max,
          .first_pause = std::max(kFirstPause / options.time_scale, kFirstPauseMin),
          .authorize =
              [&tokens](const Callback& callback) { return tokens.AuthorizationFor(callback); },
          .ca_file = options.ca_file};
}

// The answer to a request of 2021 that the simulation took or refused.
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
  // Answers of GA are given to nobody who asked in the words of 2021.
  HttpResponse operator()(const auto&) const { return {.status = 202, .body = {}}; }
};

// Who asks from here and not through a proxy, which asks for strangers.
bool IsOfThisMachine(const HttpRequest& request) {
  const std::string& address = request.remote_address;
  const bool is_loopback =
      address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
  return is_loopback && request.Header("X-Forwarded-For").empty() &&
         request.Header("Forwarded").empty() && request.Header("Via").empty();
}

// A refusal in the words of the dialect that `path` is of.
HttpResponse ErrorFor(std::string_view path, int status, std::string_view code,
                      std::string_view message) {
  return wire::ga::IsGaPath(path) ? GaError(status, code, message) : Error(status, code, message);
}

}  // namespace

class CallServer::Impl {
 public:
  Impl(const Options& options, const Clock& clock, std::unique_ptr<Ledger> ledger,
       Secret access_key, CallHistory history)
      : options_(options),
        clock_(clock),
        started_at_(clock.Now()),
        started_steady_(clock.Steady()),
        signer_(access_key.empty() ? std::nullopt : std::optional(wire::RequestSigner(access_key))),
        ledger_(std::move(ledger)),
        faults_(options.faults, options.seed),
        simulation_({.population = options.population,
                     .seed = options.seed,
                     .id_seed = RandomSeed(),
                     .time_scale = options.time_scale},
                    std::move(history)),
        callback_faults_(faults_, options.time_scale),
        tokens_({.issuer = options.callback_issuer, .audience = options.resource_id}, clock,
                faults_),
        poster_(PosterOptions(options, tokens_), clock,
                [this](const Posting& posting, const CallbackPoster::Outcome& outcome) {
                  NoteCallback(posting, outcome);
                }),
        audio_(options.ca_file,
               [this](const std::string& key, const AudioFile& audio) {
                 Step(input::AudioFetched{.key = key, .audio = audio});
               }),
        wakes_(clock, kLeastSleep, [this] {
          Step(input::Tick());
          return NextWake();
        }) {}

  ~Impl() { Stop(); }

  absl::Status Listen() {
    NoteServer(ServerStarted{.seed = options_.seed, .time_scale = options_.time_scale});
    SetFaults(options_.faults);
    if (!(options_.faults == FaultPlan())) NoteFaults();
    TOCSIN_ASSIGN_OR_RETURN(
        http_, HttpServer::StartAsync({.name = "call-server",
                                       .host = options_.host,
                                       .port = options_.port,
                                       .certificate = options_.certificate,
                                       .connections_max = options_.http_connections},
                                      [this](const HttpRequest& request, HttpReply reply) {
                                        Serve(request, std::move(reply));
                                      }));
    return absl::OkStatus();
  }

  void Stop() {
    if (std::exchange(stopped_, true)) return;
    held_.Stop();
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

  using AskedIn = CallSimulation::AskedIn;

  struct Stepped {
    Answer answer;
    absl::Status ledger;
  };

  // Steps the simulation and carries out what follows. When it returns, the
  // ledger has been written.
  Stepped Step(const SimulationInput& happened, AskedIn asked_in = AskedIn::kAny) {
    Effects effects;
    std::uint64_t position = 0;
    SteadyTime next;
    {
      std::lock_guard lock(mutex_);
      effects = simulation_.Step(Now(), happened, asked_in);
      // Before any of its callbacks is on its way.
      if (IsToAwaitCallback(happened)) Expect(CallIn(effects.answer));
      // Under the lock: lines and callbacks keep the order of the steps.
      if (!effects.callbacks.empty()) SendOff(effects);
      position = ledger_->Append(effects.ledger);
      next = ToSteady(simulation_.next_wake());
    }
    wakes_.Nudge(next);
    for (WantedAudio& wanted : effects.audio_wanted) {
      audio_.Fetch(std::move(wanted.key), std::move(wanted.uri));
    }
    return {.answer = std::move(effects.answer), .ledger = ledger_->Write(position)};
  }

  // Posts what there is to tell, and notes what is lost on the way.
  void SendOff(Effects& effects) {
    CallbackFaults::Fate fate = callback_faults_.Meet(std::move(effects.callbacks));
    for (const Callback& lost : fate.lost) {
      effects.ledger.push_back(
          CallbackLine(Now(), {.callback = lost, .fault = std::string(NameOf(Fault::kLost))},
                       {.dropped = true}));
    }
    poster_.Post(std::move(fate.postings));
  }

  // An answer, and the call that it is about if it tells of a new one.
  struct Answered {
    HttpResponse response;
    std::string call_id;
  };

  HttpResponse StepAndAnswer(const SimulationInput& happened) {
    return StepAndAnswer2021(happened).response;
  }

  Answered StepAndAnswer2021(const SimulationInput& happened) {
    const Stepped stepped = Step(happened, AskedIn::k2021);
    if (!stepped.ledger.ok()) return {Error(500, "InternalError", Message(stepped.ledger)), {}};
    return {std::visit(Answerer(), stepped.answer), CallIn(stepped.answer)};
  }

  // The id of the call that an answer tells of; empty if it tells of none.
  static std::string CallIn(const Answer& answer) {
    if (const auto* created = std::get_if<wire::CreateCallResponse>(&answer)) {
      return created->call_leg_id;
    }
    const auto* properties = std::get_if<wire::ga::CallConnectionProperties>(&answer);
    return properties != nullptr ? properties->call_connection_id : std::string();
  }

  // What is answered, and when: at once unless a fault has it held.
  struct Answering {
    Answering(HttpResponse made) : response(std::move(made)) {}  // NOLINT: most are that alone.

    HttpResponse response;
    absl::Duration hold;          // Real.
    std::string until_told_call;  // Not longer than until a callback of this one was taken.
  };

  void Serve(const HttpRequest& request, HttpReply reply) {
    Answering made = Handle(request);
    if (made.hold <= absl::ZeroDuration()) return reply.Answer(std::move(made.response));
    held_.Hold(std::move(reply), std::move(made.response),
               clock_.Steady() + absl::ToChronoNanoseconds(made.hold), made.until_told_call);
  }

  Answering Handle(const HttpRequest& request) {
    // Not when a busy machine found the time to look at it.
    const absl::Time arrived_at = Now() - request.waited;
    if (request.path == "/" || request.path == "/livez")
      return HttpResponse{.status = 204, .body = {}};
    if (request.path == kFaultsPath) return HandleFaults(request);
    if (request.method == "GET" && (request.path == kKeySetPath || request.path == kOpenIdPath)) {
      return TellKeys(request);
    }
    const auto route = wire::ParseRoute(request.method, request.raw_path);
    const auto ga_route = wire::ga::ParseRoute(request.method, request.raw_path);
    if (!route && !ga_route) {
      return ErrorFor(request.raw_path, 404, "NotFound", "There is no such operation.");
    }
    if (const absl::Status status = CheckCredentials(request); !status.ok()) {
      return ErrorFor(request.raw_path, 401, "Unauthorized", Message(status));
    }
    return route ? Handle2021(request, *route, arrived_at)
                 : HandleGa(request, *ga_route, arrived_at);
  }

  HttpResponse TellKeys(const HttpRequest& request) {
    if (faults_.Due(Fault::kKeysFail)) {
      return GaError(500, "InternalError", "The keys cannot be told.");
    }
    if (request.path == kKeySetPath) return Json(200, tokens_.KeySet());
    return Json(200, tokens_.OpenIdConfiguration(
                         fmt::format("{}://{}", options_.certificate == nullptr ? "http" : "https",
                                     request.Header("Host"))));
  }

  HttpResponse HandleFaults(const HttpRequest& request) {
    if (!IsOfThisMachine(request)) {
      return Error(403, "Forbidden", "Faults are for this machine alone to ask and to set.");
    }
    if (request.method == "PUT" || request.method == "PATCH") {
      const FaultPlan base = request.method == "PATCH" ? faults_.plan() : FaultPlan();
      const auto plan = ParseFaultPlanJson(request.body, base);
      if (!plan.ok()) return BadRequest(plan.status());
      SetFaults(*plan);
      NoteFaults();
    } else if (request.method != "GET") {
      HttpResponse refused = Error(405, "MethodNotAllowed", "GET, PUT or PATCH");
      refused.headers.emplace_back("Allow", "GET, PUT, PATCH");
      return refused;
    }
    return Json(200, FaultReport(faults_, stats()));
  }

  void SetFaults(const FaultPlan& plan) {
    faults_.Set(plan);
    CallLimits limits = LimitsOf(options_.population);
    limits.caller_number_max = plan.caller_number_calls_max.value_or(
        options_.caller_number_calls_max.value_or(limits.caller_number_max));
    limits.calls_max = plan.calls_max.value_or(limits.calls_max);
    {
      std::lock_guard lock(mutex_);
      simulation_.SetLimits(limits);
    }
  }

  void NoteFaults() { NoteServer(FaultsSet{FaultPlanJson(faults_.plan())}); }

  Answering Handle2021(const HttpRequest& request, const wire::Route& route,
                       absl::Time arrived_at) {
    if (route.dialect == wire::Dialect::k2021_05 &&
        !IsApiVersion(request.QueryParameter("api-version"))) {
      return Error(400, "BadRequest",
                   "The query parameter api-version must be like 2021-04-15-preview1.");
    }
    switch (route.operation) {
      case wire::Operation::kCreateCall: return CreateCall(request, route.dialect, arrived_at);
      case wire::Operation::kPlayAudio: return PlayAudio(request, route.call_id);
      case wire::Operation::kCancelMedia: return CancelMedia(request, route);
      case wire::Operation::kHangUp: return StepAndAnswer(input::HangUp{route.call_id});
      case wire::Operation::kDeleteCall:
        return StepAndAnswer(input::HangUp{route.call_id, /*for_everyone=*/true});
      case wire::Operation::kInviteParticipants: return Invite(request, route.call_id);
      case wire::Operation::kRemoveParticipant:
        return StepAndAnswer(input::RemoveParticipant{route.call_id, route.participant_id});
      case wire::Operation::kInviteToConversation:
        return Invite(request, CallOfConversation(route.call_id));
      case wire::Operation::kRemoveFromConversation:
        return StepAndAnswer(
            input::RemoveParticipant{CallOfConversation(route.call_id), route.participant_id});
      case wire::Operation::kJoinConversation: return Join(request, route);
    }
    return Error(404, "NotFound", "There is no such operation.");
  }

  Answering HandleGa(const HttpRequest& request, const wire::ga::Route& route,
                     absl::Time arrived_at) {
    if (route.operation == wire::ga::Operation::kCreateCall)
      return CreateGaCall(request, arrived_at);
    return Once(request, route, [&] { return StepGa(request, route); }).answer;
  }

  // Carries out what may be repeated under an id once for each id.
  RepeatedAnswers::Given Once(const HttpRequest& request, const wire::ga::Route& route,
                              const std::function<HttpResponse()>& carry_out) {
    const std::string_view id = request.Header("Repeatability-Request-ID");
    if (id.empty() || !wire::ga::IsRepeatable(route.operation)) return {carry_out()};
    return repeated_.Once(
        fmt::format("{} {} {}", static_cast<int>(route.operation), route.call_id, id), carry_out);
  }

  HttpResponse StepGa(const HttpRequest& request, const wire::ga::Route& route) {
    const auto read = ReadGaRequest(route, request.body,
                                    [this](const std::string& key) { return audio_.Find(key); });
    if (const auto* refusal = std::get_if<Refusal>(&read)) {
      return GaAnswer(route.operation, *refusal);
    }
    return StepAndAnswerGa(route.operation, std::get<SimulationInput>(read)).response;
  }

  Answered StepAndAnswerGa(wire::ga::Operation operation, const SimulationInput& happened) {
    const Stepped stepped = Step(happened, AskedIn::kGa);
    if (!stepped.ledger.ok()) return {GaError(500, "InternalError", Message(stepped.ledger)), {}};
    return {GaAnswer(operation, stepped.answer), CallIn(stepped.answer)};
  }

  Answering CreateGaCall(const HttpRequest& request, absl::Time arrived_at) {
    constexpr auto kCreate = wire::ga::Operation::kCreateCall;
    ++creates_;
    auto read = ReadGaCreateCall(request.body);
    if (const auto* refusal = std::get_if<Refusal>(&read)) {
      NoteRefused({.arrived_at = arrived_at}, refusal->status);
      return GaAnswer(kCreate, *refusal);
    }
    auto& call = std::get<input::CreateCall>(read);
    call.arrived_at = arrived_at;
    call.answered_status = wire::ga::SuccessStatus(kCreate);
    call.attempt = AttemptIn(call.callback_uri);
    return CreateInWeather(std::move(call), request, [&](const input::CreateCall& placed) {
      std::string call_id;
      RepeatedAnswers::Given given = Once(request, {.operation = kCreate}, [&] {
        Answered answered = StepAndAnswerGa(kCreate, placed);
        call_id = std::move(answered.call_id);
        return std::move(answered.response);
      });
      // A request like any other to whoever counts them, and yet no call.
      if (given.repeated) NoteRefused(placed, given.answer.status);
      return Answered{std::move(given.answer), std::move(call_id)};
    });
  }

  // By the key or by the token, whichever there is; either if there are both.
  absl::Status CheckCredentials(const HttpRequest& request) const {
    constexpr std::string_view kBearer = "Bearer ";
    const std::string& token = options_.bearer_token.Reveal();
    const std::string_view authorization = request.Header("Authorization");
    if (token.empty() && !signer_) return absl::OkStatus();
    if (!token.empty() && (!signer_ || authorization.starts_with(kBearer))) {
      if (authorization.starts_with(kBearer) &&
          wire::EqualInConstantTime(authorization.substr(kBearer.size()), token)) {
        return absl::OkStatus();
      }
      return absl::UnauthenticatedError("Authorization must be the bearer token of this server");
    }
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

  Answering CreateCall(const HttpRequest& request, wire::Dialect dialect, absl::Time arrived_at) {
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
    input::CreateCall call{.dialect = dialect,
                           .number = wanted->targets[0].value,
                           .caller_number = wanted->caller_number,
                           .callback_uri = wanted->callback_uri,
                           .attempt = AttemptIn(wanted->callback_uri),
                           .wants_dtmf = wanted->wants_dtmf,
                           .wants_participants_updated = wanted->wants_participants_updated,
                           .arrived_at = arrived_at};
    return CreateInWeather(std::move(call), request, [this](const input::CreateCall& placed) {
      return StepAndAnswer2021(placed);
    });
  }

  // The attempt that a callback URL of ours names.
  static std::optional<AttemptKey> AttemptIn(const std::string& callback_uri) {
    const SplitUrl url = Split(callback_uri);
    const auto attempt = wire::ParseCallbackPath(wire::WithoutQuery(url.path_and_query));
    if (!attempt.ok()) return std::nullopt;
    return *attempt;
  }

  using Place = std::function<Answered(const input::CreateCall&)>;

  // Places a call and answers, unless a fault has something against either.
  Answering CreateInWeather(input::CreateCall call, const HttpRequest& request,
                            const Place& place) {
    const std::optional<Fault> fault =
        faults_.FirstDue({Fault::kThrottled, Fault::kErrorBefore, Fault::kErrorAfter,
                          Fault::kNoAnswer, Fault::kSlow, Fault::kAfterCallbacks, Fault::kHtml});
    if (fault) call.fault = NameOf(*fault);
    if (fault == Fault::kThrottled) {
      NoteRefused(call, 429);
      return Throttled(request);
    }
    if (fault == Fault::kErrorBefore) {
      NoteRefused(call, 500);
      return ErrorFor(request.raw_path, 500, "InternalError", "Something went wrong.");
    }
    if (fault == Fault::kHtml) {
      NoteRefused(call, 200);
      return HttpResponse{.status = 200,
                          .body = "<html><body><h1>It works!</h1></body></html>",
                          .content_type = "text/html"};
    }
    // Only one that the application was told of: nobody can hang up on another.
    call.never_ends = !fault && faults_.Due(Fault::kNeverEnds);
    if (fault == Fault::kErrorAfter) call.answered_status = 500;
    if (fault == Fault::kNoAnswer) call.answered_status = 0;
    Answered answered = place(call);
    if (fault == Fault::kErrorAfter) {
      return ErrorFor(request.raw_path, 500, "InternalError", "Something went wrong.");
    }
    Answering made = std::move(answered.response);
    if (fault == Fault::kSlow) made.hold = faults_.plan().slow;
    if (fault == Fault::kNoAnswer || fault == Fault::kAfterCallbacks) {
      made.hold = faults_.plan().hang;
    }
    if (fault == Fault::kAfterCallbacks) made.until_told_call = std::move(answered.call_id);
    return made;
  }

  HttpResponse Throttled(const HttpRequest& request) {
    HttpResponse throttled = ErrorFor(request.raw_path, 429, "TooManyRequests", "Slow down.");
    const FaultPlan plan = faults_.plan();
    const auto say = [&throttled](std::string when) {
      throttled.headers.emplace_back("Retry-After", std::move(when));
    };
    switch (plan.retry_after_form) {
      case RetryAfterForm::kNone: break;
      case RetryAfterForm::kSeconds:
        say(std::to_string(absl::ToInt64Seconds(absl::Ceil(plan.retry_after, absl::Seconds(1)))));
        break;
      case RetryAfterForm::kDate: say(wire::FormatRfc1123(clock_.Now() + plan.retry_after)); break;
    }
    return throttled;
  }

  static bool IsToAwaitCallback(const SimulationInput& happened) {
    const auto* create = std::get_if<input::CreateCall>(&happened);
    return create != nullptr && create->fault == NameOf(Fault::kAfterCallbacks);
  }

  void Expect(const std::string& call_id) {
    if (!call_id.empty()) held_.Expect(call_id);
  }

  HttpResponse PlayAudio(const HttpRequest& request, const std::string& call_leg_id) {
    absl::StatusOr<wire::PlayAudioRequest> wanted = wire::DecodePlayAudioRequest(request.body);
    if (!wanted.ok()) return BadRequest(wanted.status());
    std::optional<AudioFile> audio = audio_.Find(AudioKey(*wanted));
    return StepAndAnswer(input::PlayAudio{
        .call_leg_id = call_leg_id, .request = *std::move(wanted), .audio = std::move(audio)});
  }

  HttpResponse CancelMedia(const HttpRequest& request, const wire::Route& route) {
    const absl::StatusOr<wire::CancelMediaRequest> wanted =
        wire::DecodeCancelMediaRequest(request.body);
    if (!wanted.ok()) return BadRequest(wanted.status());
    HttpResponse answer = StepAndAnswer(input::CancelMedia{
        .call_leg_id = route.call_id, .operation_context = wanted->operation_context});
    if (route.edition == wire::Edition::kSwagger && answer.status == 202) answer.status = 200;
    return answer;
  }

  // 2021 invites several at once, and tells of each.
  HttpResponse Invite(const HttpRequest& request, const std::string& call_leg_id) {
    const auto wanted = wire::DecodeInviteParticipantsRequest(request.body);
    if (!wanted.ok()) return BadRequest(wanted.status());
    HttpResponse answer{.status = 202, .body = {}};
    for (const wire::Identifier& participant : wanted->participants) {
      answer = StepAndAnswer(
          input::AddParty{.call_leg_id = call_leg_id,
                          .request = {.participant = participant,
                                      .caller_number = wanted->caller_number,
                                      .echo = {wanted->operation_context, wanted->callback_uri}}});
      if (answer.status != 202) break;
    }
    return answer;
  }

  HttpResponse Join(const HttpRequest& request, const wire::Route& route) {
    absl::StatusOr<wire::JoinRequest> wanted = wire::DecodeJoinRequest(request.body);
    if (!wanted.ok()) return BadRequest(wanted.status());
    HttpResponse answer =
        StepAndAnswer(input::Join{.conversation_id = route.call_id, .request = *std::move(wanted)});
    if (route.edition == wire::Edition::kSwagger && answer.status == 200) answer.status = 202;
    return answer;
  }

  std::string CallOfConversation(const std::string& conversation_id) {
    std::lock_guard lock(mutex_);
    return simulation_.CallOfConversation(conversation_id);
  }

  void NoteRefused(const input::CreateCall& call, int status) {
    const LedgerLine line{
        .at = call.arrived_at,
        .entry = CreateArrived{.status = status,
                               .number = call.number,
                               .caller_number = call.caller_number,
                               .callback_uri = std::string(wire::WithoutQuery(call.callback_uri)),
                               .attempt = call.attempt,
                               .fault = call.fault}};
    // Its failure shows at the next call that is placed.
    static_cast<void>(ledger_->Write(ledger_->Append({line})));
  }

  void NoteServer(LedgerEntry entry) {
    const LedgerLine line{.at = Now(), .entry = std::move(entry)};
    static_cast<void>(ledger_->Write(ledger_->Append({line})));
  }

  void NoteCallback(const Posting& posting, const CallbackPoster::Outcome& outcome) {
    const LedgerLine line = CallbackLine(Now(), posting, outcome);
    static_cast<void>(ledger_->Write(ledger_->Append({line})));
    if (!outcome.dropped) {
      held_.NoteTaken(line.call_leg_id);
    } else if (!posting.body) {
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
  RepeatedAnswers repeated_;
  std::atomic<std::int64_t> creates_ = 0;
  HeldAnswers held_{clock_};
  bool stopped_ = false;

  std::mutex mutex_;  // Guards simulation_. Before the poster's and the ledger's.
  CallSimulation simulation_;
  CallbackFaults callback_faults_;  // Under mutex_ as well.

  CallbackTokens tokens_;
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
  CallHistory history = ReadCallHistory(options.ledger_path, options.seed);
  if (history.calls() > 0) {
    Log(LogLevel::kInfo, "call_history_read", {{"calls", history.calls()}});
  }
  auto impl = std::make_unique<Impl>(options, clock, std::move(ledger), Secret(*std::move(key)),
                                     std::move(history));
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
