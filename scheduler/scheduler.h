#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "core/fact_sink.h"
#include "core/gateway.h"
#include "core/phone_number.h"
#include "core/store.h"
#include "scheduler/breakers.h"
#include "scheduler/pace_gate.h"

namespace tocsin::scheduler {

// Claims who is due, commits the intent to ring them, hands them over to the
// gateway inside rate and caps, and ends campaigns that are done. One node does
// so at a time: the holder of the pacer lease.
//
// Step() is the whole of it: called by one thread, it takes what has come in,
// does what is due, and says when it wants to be called again. What happens
// elsewhere (answers, freed slots, operators' commands) comes in through the
// On...() methods, which any thread may call and which only note it.
class Scheduler final : public ChangeListener {
 public:
  struct Options {
    std::string node;               // Unique among the nodes on one database.
    std::string group = "default";  // The pacing group whose lease is sought.
    absl::Duration lease_length = absl::Seconds(5);
    std::chrono::nanoseconds guard = std::chrono::milliseconds(1);
  };

  // What operators and tests may want to know. Counted since the start.
  struct Stats {
    bool leading = false;
    std::int64_t epoch = 0;
    std::int64_t claims = 0;      // Attempts claimed.
    std::int64_t intents = 0;     // Attempts committed to.
    std::int64_t sent = 0;        // Requests that were sent.
    std::int64_t given_back = 0;  // Requests that reached nobody.
    std::int64_t unknown = 0;     // Requests without an answer.
    std::int64_t repeated = 0;    // Of them sent again under their id.
    std::int64_t store_errors = 0;
    std::int64_t leases_taken = 0;
    std::int64_t leases_lost = 0;
    SteadyTime stepped_at;  // When Step() last began.
    // As of the last refresh, by name.
    struct OfTrunk {
      double calls_per_second = 0;  // Its limit.
      double strain = 0;            // What is held back, 0..1.
      bool stopped = false;         // By its breaker.
    };
    std::map<std::string, OfTrunk> trunks;
  };

  // All must outlive the scheduler, and the gateway's last callback.
  Scheduler(Options options, DialStore& store, CallGateway& gateway, FactSink& facts,
            const PhoneNumberReader& numbers, const Clock& clock);
  ~Scheduler() override;

  // Does what is due and returns when to be called next.
  SteadyTime Step();

  // An attempt changed in the store, by whoever's doing.
  void OnAttemptChange(const AttemptChange& change);
  // ChangeListener: "campaigns", "due", "slots", "lease".
  void OnChange(std::string_view channel) override;
  // `wake` is called when Step() should come earlier than it said.
  void SetWaker(std::function<void()> wake);

  // Claims and intends nothing more; what is on its way goes on.
  void Drain();
  // Nothing is on its way any more.
  bool idle() const;
  // Gives the lease back so that a successor need not wait for it. After Drain().
  void ReleaseLease();

  Stats stats() const;
  void WriteMetrics(MetricsPage& page) const;

 private:
  struct TrunkDesk;
  struct CampaignDesk;
  struct Inputs;
  struct Waiting {
    absl::Time not_before;
    PlannedAttempt attempt;
  };

  void NoteStrain(TrunkDesk& desk, std::chrono::duration<double> passed);
  void TakeInputs();
  void TakeCompletion(const CreateCallCompletion& completion);
  static void TellBreaker(const TrunkDesk& desk, TrunkBreaker::State before);
  void TakeChange(const AttemptChange& change);

  void KeepLease();
  void BeginLeading(std::int64_t epoch);
  void LoseLease();
  void StopLeading();

  bool AnybodyLacksPeople() const;
  void Refresh();
  absl::Status RefreshTrunks();
  absl::Status RefreshCampaigns();
  void LookAtBreaker(CampaignDesk& desk);
  void Pause(CampaignDesk& desk, const std::string& reason);
  void PauseTrunk(TrunkId trunk);

  void Attend(CampaignDesk& desk);
  void Conclude(CampaignDesk& desk, Outcome otherwise);
  void Claim(CampaignDesk& desk);

  void Probe(TrunkDesk& desk);
  void Intend(TrunkDesk& desk);
  int FreeSlots(TrunkDesk& desk);
  std::vector<PlannedAttempt> Pick(TrunkDesk& desk, int count);
  std::vector<IntentRequest> Prepare(TrunkDesk& desk, std::vector<PlannedAttempt>& picked);
  std::optional<IntentRequest> PrepareOne(TrunkDesk& desk, CampaignDesk& campaign,
                                          PlannedAttempt& attempt);
  std::optional<PhoneNumber> PickCaller(TrunkDesk& desk, const PlannedAttempt& attempt);
  void Settle(TrunkDesk& desk, std::vector<PlannedAttempt> picked,
              const std::vector<IntentRequest>& requests,
              const std::vector<IntentVerdict>& verdicts, SteadyTime intended_at);
  void HandOver(TrunkDesk& desk, PlannedAttempt attempt, const PhoneNumber& caller);
  void PassOn(TrunkDesk& desk, CreateCallRequest request);

  void RepeatUnresolved(TrunkDesk& desk);
  bool MayRepeatNow(TrunkDesk& desk, const UnresolvedSend& send);

  SteadyTime NextWake();
  SteadyTime At(absl::Time time) const;
  CampaignDesk* DeskOf(CampaignId campaign);
  OperationId NewOperation();
  // Notes an error, so that the next step comes after a pause. True if OK.
  bool Succeeded(const absl::Status& status, std::string_view what);

  const Options options_;
  DialStore& store_;
  CallGateway& gateway_;
  FactSink& facts_;
  const PhoneNumberReader& numbers_;
  const Clock& clock_;

  // As of the present step.
  absl::Time now_;
  SteadyTime steady_;

  std::int64_t epoch_ = 0;  // 0: not leading.
  std::int64_t last_epoch_ = 0;
  bool taken_over_ = false;
  SteadyTime lease_valid_until_{};
  SteadyTime ask_lease_at_{};
  SteadyTime lead_from_{};

  bool refresh_wanted_ = true;
  SteadyTime refresh_at_{};
  SteadyTime refreshed_at_{};
  SteadyTime retry_after_error_{};

  std::map<TrunkId, std::unique_ptr<TrunkDesk>> trunks_;
  std::map<CampaignId, std::unique_ptr<CampaignDesk>> campaigns_;
  // Handed over to the gateway, until their result is logged.
  std::map<AttemptKey, PlannedAttempt> on_their_way_;
  std::set<TrunkId> paused_trunks_;  // By what came in with this step.
  std::set<AttemptKey> repeating_;   // Likewise, of sends that are repeated.
  int in_gateway_ = 0;               // Handed over, until the gateway is done with them.
  std::uint64_t operations_ = 0;
  std::uint64_t operation_salt_ = 0;

  mutable std::mutex mutex_;  // Guards what other threads touch.
  std::unique_ptr<Inputs> inputs_;
  std::function<void()> wake_;
  bool draining_ = false;
  Stats stats_;
  PaceMeasures pace_;
  int outstanding_ = 0;  // in_gateway_ as other threads may ask for it.
};

}  // namespace tocsin::scheduler
