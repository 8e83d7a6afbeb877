// A whole Tocsin in one thread: the real schedulers of one node or several and the
// real rules over the in-memory store, a carrier that does its worst, and a clock
// that jumps from event to event. One seed decides everything.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/gateway.h"
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
  double event_late = 0;        // By up to an hour.
  double action_lost = 0;       // The action is not carried out and nobody answers.
  double crashes_per_hour = 0;  // Of any node; it is started again two seconds later.
  double freezes_per_hour = 0;  // Likewise; it thaws within a minute, and goes on where it was.
  bool provider_tries_again = false;  // What nobody took while the process was down.
};

struct Options {
  std::uint64_t seed = 1;
  int people = 200;
  int nodes = 1;
  // Machines' calendars are off by up to so much, either way.
  absl::Duration clock_skew;
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

// How long a lease lasts here.
inline constexpr absl::Duration kLease = absl::Seconds(10);

class World {
 public:
  explicit World(const Options& options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Runs until the campaign has ended or `limit` of simulated time is over.
  // Returns the promises that were broken on the way; empty when all is well.
  std::vector<std::string> Run(absl::Duration limit);

  // Commands at a simulated time after the start.
  void At(absl::Duration after, std::function<void()> what);
  void Command(CampaignCommand command, CancelMode mode = CancelMode::kDrain);

  // Done to whoever paces now; nothing if nobody does. A node that is stopped
  // finishes its requests and gives its lease back.
  void CrashPacer();
  void FreezePacer(absl::Duration length);
  void StopPacer();

  CampaignProgress Progress();
  InMemoryStore& store() { return store_; }
  CampaignId campaign() const { return campaign_; }
  // Of whom an operator took over.
  int put_through() const { return put_through_; }
  int calls_placed() const { return static_cast<int>(calls_.size()); }
  // Create-calls that left, repetitions among them.
  int requests() const { return static_cast<int>(sends_.size()); }
  // The longest time between two of the requests so far.
  absl::Duration longest_gap() const;
  // How often the lease went to somebody.
  std::int64_t leases_taken() const { return leases_taken_; }
  // A line that is equal for equal runs.
  std::string Digest();

  void LiftMonthlyLimit() { limited_ = false; }
  // From now on nothing goes wrong by itself.
  void EndFaults() { options_.faults = Faults(); }

  // From now on the way of the events is said to be so near its limit.
  void SetStrain(double strain) { strain_ = strain; }

 private:
  class Node;
  friend class Node;

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

  bool Chance(double probability);
  absl::Duration Between(absl::Duration low, absl::Duration high);
  void After(absl::Duration wait, std::function<void()> what);
  void Check(bool kept, const std::string& promise);

  void PlanAccidents(double per_hour, const std::function<void(Node&)>& what);
  Node* Pacer();
  // A node that answers; null: none does.
  Node* AnyNode();
  // What NOTIFY tells every node but one.
  void Notify(std::string_view channel, const Node* besides);
  void StepNext(SteadyTime end);
  void Judge(absl::Duration limit);

  // What a create-call that was let through brings about.
  void Deliver(Node& node, const CreateCallRequest& request, CallGateway::Done done);
  void PlaceCall(const Call& call);
  void AnswerCall(std::size_t index);
  void EndCall(std::size_t index);
  void Post(std::size_t index, Fact fact);
  void Deliver(const AttemptKey& attempt, Fact fact);
  // Whether the carrier does it.
  bool CarryOut(const std::string& call, const Action& action);
  bool CarryOutPlay(std::size_t index, int ordinal);
  bool CarryOutTransfer(std::size_t index, int ordinal);
  int FindCall(const std::string& id) const;

  Options options_;
  std::mt19937_64 random_;
  FakeClock clock_;  // The database's, and the carrier's.
  InMemoryStore store_;
  CampaignId campaign_;
  std::vector<std::unique_ptr<Node>> nodes_;
  double strain_ = 0;
  bool limited_ = true;
  int put_through_ = 0;
  std::int64_t leases_taken_ = 0;
  std::uint64_t lives_ = 0;
  std::uint64_t order_ = 0;
  std::priority_queue<Wake, std::vector<Wake>, std::greater<>> wakes_;
  std::vector<Call> calls_;
  // What each send has placed: GA answers a repetition with the same.
  std::map<std::pair<AttemptKey, int>, std::string> calls_by_send_;
  std::map<std::string, int> live_by_number_;
  std::vector<SteadyTime> sends_;
  std::vector<std::string> broken_;
};

}  // namespace tocsin::sim
