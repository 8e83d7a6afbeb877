// A whole Tocsin in one thread: the real scheduler and the real rules over the
// in-memory store, a carrier that does its worst, and a clock that jumps from
// event to event. One seed decides everything.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "core/fact_sink.h"
#include "core/gateway.h"
#include "core/phone_number.h"
#include "scheduler/scheduler.h"
#include "tests/support/fake_clock.h"
#include "tests/support/in_memory_store.h"

namespace tocsin::sim {

// How often things go wrong, each a probability.
struct Faults {
  double answer_lost = 0;    // The call is placed, create-call's answer is not seen.
  double request_lost = 0;   // Nothing arrives, and nobody can tell.
  double no_connection = 0;  // There is none to be had: the request never gets to the gate.
  double not_sent = 0;       // The connection fails before anything is sent.
  double throttled = 0;
  double refused = 0;
  double event_lost = 0;
  double event_twice = 0;
  double event_late = 0;   // By up to an hour.
  double action_lost = 0;  // The action is not carried out and nobody answers.
  double crashes_per_hour = 0;
  bool provider_tries_again = false;  // What nobody took while the process was down.
};

struct Options {
  std::uint64_t seed = 1;
  int people = 200;
  double rate = 5;
  int concurrent_max = 40;
  Faults faults;
  Dialect dialect = Dialect::kPreview202105;
  CampaignSpec spec;
  // Calls that the provider takes before its limit of the month; 0: none.
  int monthly_limit = 0;
  // Paces at twice the rate, so that it can be seen that the checks see it.
  bool break_pacing = false;
};

class World final : public CallGateway, public FactSink {
 public:
  explicit World(const Options& options);
  ~World() override;

  // Runs until the campaign has ended or `limit` of simulated time is over.
  // Returns the promises that were broken on the way; empty when all is well.
  std::vector<std::string> Run(absl::Duration limit);

  // Commands at a simulated time after the start.
  void At(absl::Duration after, std::function<void()> what);
  void Command(CampaignCommand command, CancelMode mode = CancelMode::kDrain);

  CampaignProgress Progress();
  InMemoryStore& store() { return store_; }
  CampaignId campaign() const { return campaign_; }
  // Of whom an operator took over.
  int put_through() const { return put_through_; }
  int calls_placed() const { return static_cast<int>(calls_.size()); }
  // Create-calls that left, repetitions among them.
  int requests() const { return static_cast<int>(sends_.size()); }
  // A line that is equal for equal runs.
  std::string Digest();

  // CallGateway.
  void Send(const Trunk& trunk, CreateCallRequest request, SendPermit& permit, Done done) override;
  int capacity() const override { return 64; }
  absl::Status Probe(const Trunk&) override { return absl::OkStatus(); }

  // FactSink.
  void Record(AttemptInput input) override { RecordAll({std::move(input)}); }
  void RecordAll(std::vector<AttemptInput> inputs) override;
  double Strain(TrunkId) const override { return strain_; }

  void LiftMonthlyLimit() { limited_ = false; }

  // From now on the way of the events is said to be so near its limit.
  void SetStrain(double strain) { strain_ = strain; }

 private:
  // A call as the carrier sees it.
  struct Call {
    std::string id;
    AttemptKey attempt;
    std::string number;
    bool live = true;
    bool answered = false;
    int events = 0;
    int playing = 0;           // Ordinal; 0: nothing.
    bool transferred = false;  // Somebody was asked to put it through.
  };
  struct Wake {
    SteadyTime at;
    std::uint64_t order = 0;
    std::function<void()> what;
    bool operator>(const Wake& other) const {
      return std::tie(at, order) > std::tie(other.at, other.order);
    }
  };

  double strain_ = 0;
  bool limited_ = true;
  int put_through_ = 0;

  bool Chance(double probability);
  absl::Duration Between(absl::Duration low, absl::Duration high);
  void After(absl::Duration wait, std::function<void()> what);
  // Only if the process that asked has not crashed since.
  void AfterInThisLife(absl::Duration wait, std::function<void()> what);
  void Check(bool kept, const std::string& promise);

  void StartProcess();
  void Crash();
  void StepScheduler();
  void Sweep();
  CreateCallCompletion Completion(const CreateCallRequest& request, CreateCallResult result,
                                  absl::Time sent_at) const;
  void TrySend(CreateCallRequest request, scheduler::PaceGate* gate, Done done);
  void Deliver(const CreateCallRequest& request, Done done, absl::Time sent_at);

  void PlaceCall(const Call& call);
  void AnswerCall(std::size_t index);
  void EndCall(std::size_t index);
  void Post(std::size_t index, Fact fact);
  void Deliver(const AttemptKey& attempt, Fact fact);
  void CarryOut(const LiveCall& call, const Action& action);
  bool CarryOutPlay(std::size_t index, int ordinal);
  bool CarryOutTransfer(std::size_t index, int ordinal);
  int FindCall(const std::string& id) const;

  const Options options_;
  std::mt19937_64 random_;
  FakeClock clock_;
  InMemoryStore store_;
  CampaignId campaign_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::uint64_t life_ = 0;
  std::uint64_t order_ = 0;
  SteadyTime step_at_{};
  std::priority_queue<Wake, std::vector<Wake>, std::greater<>> wakes_;
  std::vector<Call> calls_;
  // What each send has placed: GA answers a repetition with the same.
  std::map<std::pair<AttemptKey, int>, std::string> calls_by_send_;
  std::map<std::string, int> live_by_number_;
  std::map<AttemptKey, absl::Time> armed_;
  std::vector<SteadyTime> sends_;
  std::vector<std::string> broken_;
};

}  // namespace tocsin::sim
