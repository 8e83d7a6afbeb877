#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/http_server.h"
#include "callserver/ledger_audit.h"
#include "callserver/server.h"
#include "tests/unit/callserver_wav.h"
#include "wire/calls_2021.h"
#include "wire/calls_ga.h"
#include "wire/digest.h"
#include "wire/events.h"
#include "wire/paths.h"
#include "wire/paths_ga.h"
#include "wire/request_signing.h"

// What the tests of the call server over HTTP share.
namespace tocsin::callserver {
namespace ga = wire::ga;
using wire::Dialect;

inline constexpr char kAccessKey[] = "c2VjcmV0IHNlY3JldA==";

// The application's side: takes callbacks and offers the audio.
class Receiver {
 public:
  Receiver() {
    auto server = HttpServer::Start({.threads = 64},
                                    [this](const HttpRequest& request) { return Take(request); });
    server_ = *std::move(server);
  }

  std::string Url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + path;
  }

  // The statuses to answer the next callbacks with, before 200 again.
  void AnswerNext(std::vector<int> statuses) {
    std::lock_guard lock(mutex_);
    answers_ = std::move(statuses);
  }

  // Waits until so many events have come (taken with 200), and returns them.
  std::vector<wire::Event> WaitFor(std::size_t count) {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return events_.size() >= count; });
    return events_;
  }

  // Likewise, of which each satisfies `matches`.
  template <class Matches>
  std::vector<wire::Event> WaitFor(std::size_t count, Matches matches) {
    std::unique_lock lock(mutex_);
    std::vector<wire::Event> found;
    came_.wait(lock, [&] {
      found.clear();
      for (const wire::Event& event : events_) {
        if (matches(event)) found.push_back(event);
      }
      return found.size() >= count;
    });
    return found;
  }

  std::size_t count() {
    std::lock_guard lock(mutex_);
    return events_.size();
  }

  // What came and was no event.
  std::size_t garbage() {
    std::lock_guard lock(mutex_);
    return garbage_;
  }

  // The first event of GA of that type; waits for it.
  ga::CallEvent WaitForGa(ga::EventType type) {
    std::unique_lock lock(mutex_);
    const ga::CallEvent* found = nullptr;
    came_.wait(lock, [&] {
      for (const wire::Event& event : events_) {
        const auto* call = std::get_if<ga::CallEvent>(&event.body);
        if (call != nullptr && call->type == type) found = call;
      }
      return found != nullptr;
    });
    return *found;
  }

  // The Authorization headers of all callbacks so far.
  std::vector<std::string> authorizations() {
    std::lock_guard lock(mutex_);
    return authorizations_;
  }

  // Of whatever call, or of that one.
  std::vector<wire::Event> WaitForState(wire::CallState state, const std::string& leg = "") {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] {
      for (const wire::Event& event : events_) {
        const auto* change = std::get_if<wire::CallStateChanged>(&event.body);
        if (change == nullptr || change->state != state) continue;
        if (leg.empty() || change->call_leg_id == leg) return true;
      }
      return false;
    });
    return events_;
  }

 private:
  HttpResponse Take(const HttpRequest& request) {
    if (request.path == "/audio.wav") {
      return {.body = MakeWav({.seconds = 10}), .content_type = "audio/wav"};
    }
    if (request.path == "/stereo.wav") return {.body = MakeWav({.channels = 2})};
    if (!request.path.starts_with("/callbacks/")) return {.status = 404, .body = {}};
    auto events = wire::DecodeEvents(request.body);
    std::lock_guard lock(mutex_);
    if (!events.ok()) {
      ++garbage_;
      return {.status = 400, .body = {}};
    }
    if (!answers_.empty()) {
      const int status = answers_.front();
      answers_.erase(answers_.begin());
      return {.status = status, .body = {}};
    }
    authorizations_.emplace_back(request.Header("Authorization"));
    for (wire::Event& event : *events) events_.push_back(std::move(event));
    came_.notify_all();
    return {.status = 200, .body = {}};
  }

  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<int> answers_;
  std::vector<wire::Event> events_;
  std::vector<std::string> authorizations_;
  std::size_t garbage_ = 0;
  std::unique_ptr<HttpServer> server_;
};

inline PopulationParameters EverybodyPressesOne() {
  PopulationParameters population = DefaultPopulation();
  population.reachability.at_once = 1;
  population.reachability.sometimes = 0;
  population.answers.machine = population.answers.fax = 0;
  population.human.leaves_early_share = 0;
  population.human.presses_share = 1;
  population.human.key_9 = population.human.key_0 = population.human.key_other = 0;
  population.human.presses_early_share = 0;
  population.human.press_p95_s = population.human.press_median_s;
  population.human.patience_s = 10'000;
  population.blocking.share_max = 0;
  population.provider.caller_number_calls_max = 0;
  return population;
}

class CallServerTest : public testing::Test {
 protected:
  CallServerTest()
      : ledger_(testing::TempDir() + "/call_server_" +
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove(ledger_);
    options_.population = EverybodyPressesOne();
    options_.time_scale = 200;
    options_.ledger_path = ledger_;
    options_.callbacks_max = 4;
  }
  ~CallServerTest() override { std::filesystem::remove(ledger_); }

  void Start() {
    auto server = CallServer::Start(options_, SystemClock());
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    client_ = std::make_unique<httplib::Client>("127.0.0.1", server_->port());
    client_->set_keep_alive(true);
    client_->set_tcp_nodelay(true);
    client_->set_read_timeout(30);
  }

  // The client first: the server waits for those who keep their connection.
  void Stop() {
    client_.reset();
    server_->Stop();
  }

  httplib::Result Post(const std::string& target, const std::string& body,
                       httplib::Headers headers = {}) {
    if (!options_.access_key.empty()) {
      const wire::RequestSigner signer(
          Secret(wire::DecodeBase64(options_.access_key.Reveal()).value()));
      const std::string host = "127.0.0.1:" + std::to_string(server_->port());
      for (const auto& [name, value] :
           signer.Sign({.method = "POST", .path_and_query = target, .host = host, .body = body},
                       SystemClock().Now())) {
        headers.emplace(name, value);
      }
    }
    return client_->Post(target, headers, body, "application/json");
  }

  std::string CreateBody(const std::string& number = "+15555550100") {
    return wire::Encode(
        wire::CreateCallRequest{.targets = {wire::Identifier::PhoneNumber(number)},
                                .caller_number = "+18005550100",
                                .callback_uri = receiver_.Url("/callbacks/5/6?k=a&s=b")});
  }

  httplib::Result Create(const std::string& number = "+15555550100") {
    return Post(wire::CreateCallPath(Dialect::k2021_05), CreateBody(number));
  }

  std::string CreatedLeg(const httplib::Result& result) {
    EXPECT_TRUE(result);
    EXPECT_EQ(result->status, 200) << result->body;
    const auto created = wire::DecodeCreateCallResponse(result->body);
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? created->call_leg_id : "";
  }

  httplib::Result Play(const std::string& leg, const std::string& path) {
    return Post(
        wire::PlayAudioPath(Dialect::k2021_05, leg),
        wire::Encode(wire::PlayAudioRequest{
            .audio_file_uri = receiver_.Url(path), .operation_context = "1", .resource_id = path}));
  }

  httplib::Result CreateGa(httplib::Headers headers = {},
                           const std::string& number = "+15555550100") {
    return Post(ga::Path({}), CreateGaBody(number), std::move(headers));
  }

  std::string CreateGaBody(const std::string& number = "+15555550100") {
    return Encode(ga::CreateCallRequest{.targets = {wire::Identifier::PhoneNumber(number)},
                                        .callback_uri = receiver_.Url("/callbacks/5/6?k=a&s=b"),
                                        .caller_number = "+18005550100",
                                        .operation_context = "call"});
  }

  std::string CreatedGa(const httplib::Result& result) {
    EXPECT_TRUE(result);
    EXPECT_EQ(result->status, 201) << result->body;
    const auto created = ga::DecodeCallConnectionProperties(result->body);
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? created->call_connection_id : "";
  }

  httplib::Result AskGa(ga::Operation operation, const std::string& call,
                        const std::string& body = "") {
    const std::string path = ga::Path({.operation = operation, .call_id = call});
    if (ga::Method(operation) == "GET") return client_->Get(path);
    if (ga::Method(operation) == "DELETE") return client_->Delete(path);
    return Post(path, body);
  }

  LedgerAudit AuditIt() {
    const auto reading = ReadLedger(ledger_);
    EXPECT_TRUE(reading.ok()) << reading.status();
    return Audit(*reading, '1');
  }

  const std::string ledger_;
  CallServer::Options options_;
  Receiver receiver_;
  std::unique_ptr<CallServer> server_;
  std::unique_ptr<httplib::Client> client_;
};

}  // namespace tocsin::callserver
