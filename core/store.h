// What the rules need remembered. db/ keeps it in PostgreSQL, tests/support in
// memory; one conformance suite (tests/store) runs over both.
//
// Each method is one linearizable transaction. Those that change something and
// are not naturally repeatable take an OperationId: after kUnknown (a commit
// whose fate nobody knows) the caller repeats with the same id and gets the
// first result. Errors everywhere: kUnavailable (database away: later),
// kAborted (lost a race after the store's own repeats: now), kUnknown (repeat
// with the same id). Others are named at the method.
//
// All methods are thread-safe and may block on the database.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/attempt_step.h"
#include "core/campaign.h"
#include "core/facts.h"
#include "core/fold.h"
#include "core/ids.h"
#include "core/message_text.h"
#include "core/phone_number.h"
#include "core/recipient.h"
#include "core/trunk.h"

namespace tocsin {

// A mutation asked for through the API. `request_id` is the caller's; repeated
// with the same `fingerprint` (a hash of the request) it gives the first
// answer, with another fingerprint kAlreadyExists. Empty: not repeatable.
struct ApiRequest {
  TenantId tenant;
  std::string request_id;
  std::string fingerprint;
  std::string actor;  // Who asked, for the audit trail.
};

// One submitted row after the ingest worker has read it.
struct ImportRow {
  std::int64_t line = 0;   // In the submitter's file, from 1; or the row's index.
  std::string person_key;  // The submitter's; unique within the campaign.
  std::string name;
  std::vector<PhoneNumber> numbers;      // In order; never empty, no duplicates, <= 5.
  std::string time_zone;                 // IANA; empty: the campaign's.
  std::string language;                  // BCP 47; empty: the campaign's.
  std::optional<SpokenMessage> message;  // Theirs, where the campaign has texts.
  int priority = 0;                      // 0..9; higher is rung first.
};

// A row that was not taken, and why. Kept for ever beside the campaign.
struct RefusedRow {
  std::int64_t line = 0;
  std::string person_key;
  std::string field;   // "phone"; empty if the row as a whole is at fault.
  std::string reason;  // A constant: MISSING_NUMBER, INVALID_NUMBER, DUPLICATE_PERSON, ...
  std::string detail;  // What is wrong and what would be right; never quotes a number.

  friend bool operator==(const RefusedRow&, const RefusedRow&) = default;
};

struct ImportBatchResult {
  std::int64_t accepted = 0;
  std::vector<RefusedRow> duplicates;  // person_key already in the campaign or the batch.
};

struct ImportSummary {
  ImportId id;
  std::int64_t accepted = 0;
  std::int64_t duplicates = 0;
  std::int64_t refused = 0;  // Without the duplicates.
};

struct CampaignPage {
  std::vector<Campaign> campaigns;
  CampaignId next_after;  // Unset: that was the last page.
};

struct RefusedPage {
  std::vector<RefusedRow> rows;
  std::int64_t next_after = 0;  // 0: that was the last page.
};

// The counters of a campaign. Exact once it has ended; while it runs, each is
// as of some recent batch.
struct CampaignProgress {
  CampaignState state = CampaignState::kDraft;
  std::string state_reason;
  std::int64_t people = 0;  // Accepted.
  std::int64_t duplicates = 0;
  std::int64_t refused = 0;
  std::int64_t sends = 0;            // Create-call requests that left.
  std::int64_t attempts = 0;         // Ended attempts.
  std::int64_t live = 0;             // Live attempts, counted now.
  std::int64_t due = 0;              // Waiting in the due queue, now or later.
  std::int64_t acknowledged = 0;     // People.
  std::int64_t unheard_answers = 0;  // Answered attempts with delivery NONE.
  std::int64_t short_calls = 0;      // Answered and over within 6 s of life, no key.
  std::int64_t opt_outs = 0;
  std::map<Outcome, std::int64_t> outcomes;
  std::map<Disposition, std::int64_t> dispositions;

  std::int64_t done() const {
    std::int64_t sum = 0;
    for (const auto& [outcome, count] : outcomes) sum += count;
    return sum;
  }
};

struct Prompt {
  PromptId id;
  std::string public_name;  // Unguessable, ends in ".wav".
  std::string wav;
  absl::Duration length;
};

// One cell matrix of the report, as the reporting schema gives it.
struct ReportTable {
  std::string title;
  std::string sql;  // What to ask yourself; with the campaign's id filled in.
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // SQL NULL is "-".
};

// What the API needs: campaigns, lists, prompts, trunks, reports.
class CampaignStore {
 public:
  virtual ~CampaignStore() = default;

  // kNotFound if the trunk does not exist. `spec` has been checked.
  virtual absl::StatusOr<Campaign> CreateCampaign(const ApiRequest& request,
                                                  const CampaignSpec& spec, absl::Time now) = 0;
  // kNotFound.
  virtual absl::StatusOr<Campaign> GetCampaign(TenantId tenant, CampaignId id) = 0;
  // Newest first; `after` unset: from the newest.
  virtual absl::StatusOr<CampaignPage> ListCampaigns(TenantId tenant, CampaignId after,
                                                     int page_size) = 0;
  // AfterCommand() decides; kFailedPrecondition also for a start without
  // recipients or during an open import. `reason` becomes state_reason. On start
  // every person gets the first try (FirstTry) and a due-queue row.
  virtual absl::StatusOr<Campaign> CommandCampaign(const ApiRequest& request, CampaignId id,
                                                   CampaignCommand command, CancelMode mode,
                                                   const std::string& reason, absl::Time now) = 0;

  // Opens an import into a draft, running or paused campaign. A repeated
  // request_id reopens the same import: batches already there are skipped.
  virtual absl::StatusOr<ImportSummary> BeginImport(const ApiRequest& request, CampaignId id,
                                                    absl::Time now) = 0;
  // `batch_no` counts from 1 within the import; a batch sent again is answered
  // as the first time. People imported into a running campaign are due at once.
  virtual absl::StatusOr<ImportBatchResult> ImportBatch(ImportId import, std::int64_t batch_no,
                                                        const std::vector<ImportRow>& rows,
                                                        const std::vector<RefusedRow>& refused,
                                                        absl::Time now) = 0;
  // Closes it and refreshes the planner's statistics.
  virtual absl::StatusOr<ImportSummary> FinishImport(ImportId import, absl::Time now) = 0;
  virtual absl::StatusOr<RefusedPage> ListRefusedRows(TenantId tenant, CampaignId id,
                                                      std::int64_t after, int page_size) = 0;

  virtual absl::StatusOr<CampaignProgress> GetProgress(CampaignId id) = 0;
  virtual absl::StatusOr<std::vector<ReportTable>> RunReport(CampaignId id) = 0;
  // A line per broken promise, empty when all is well. Unset: all campaigns.
  virtual absl::StatusOr<std::vector<std::string>> RunAudit(std::optional<CampaignId> id) = 0;

  // A prompt with the same content is stored once.
  virtual absl::StatusOr<PromptId> SavePrompt(TenantId tenant, const std::string& wav,
                                              absl::Duration length, absl::Time now) = 0;
  virtual absl::StatusOr<Prompt> GetPrompt(PromptId id) = 0;
  virtual absl::StatusOr<Prompt> FindPrompt(const std::string& public_name) = 0;

  // Creates or replaces the trunk of that name; keeps its id. `trunk` has been checked.
  virtual absl::StatusOr<Trunk> SaveTrunk(const Trunk& trunk, absl::Time now) = 0;
  virtual absl::StatusOr<Trunk> GetTrunk(const std::string& name) = 0;
  virtual absl::StatusOr<std::vector<Trunk>> ListTrunks() = 0;

  // Numbers that a tenant never rings for a purpose; "*" is every purpose.
  virtual absl::Status AddSuppressions(TenantId tenant, const std::string& purpose,
                                       const std::vector<PhoneNumber>& numbers,
                                       const std::string& source, absl::Time now) = 0;
};

// The pacer lease as its asker sees it. Durations, not times: the database's
// clock and ours need not agree.
struct Lease {
  bool held = false;
  std::int64_t epoch = 0;    // Grows with every change of holder.
  absl::Duration remaining;  // Until it expires, whoever holds it.
  std::string holder;
};

// A campaign that is running, paused or canceling, as the scheduler sees it.
struct ActiveCampaign {
  Campaign campaign;
  std::int64_t people = 0;
  std::optional<absl::Time> next_due;  // Earliest due-queue row; unset: empty queue.
  std::int64_t planned = 0;            // Planned attempts, due now or later.
  std::int64_t live = 0;
};

// A planned attempt. Was never sent, or every send was given back.
struct PlannedAttempt {
  AttemptKey key;
  PhoneNumber to;
  std::string time_zone;  // Empty: the campaign's.
  std::string region;     // Unused by the store; the scheduler fills it in.
  int sends = 0;
  std::optional<PhoneNumber> caller;  // Of the person's previous call, to keep it.
  int people = 1;                     // Served by this call (CallGroup).
};

// A send of unknown fate, as whoever sends it again under its id has to know it.
struct UnresolvedSend {
  AttemptKey attempt;
  PhoneNumber to;
  PhoneNumber from;
  std::string time_zone;  // Empty: the campaign's.
  int send_no = 1;
  absl::Time intended_at;
  absl::Time last_sent;  // Or repeated.
  int repetitions = 0;
};

struct IntentRequest {
  AttemptKey attempt;
  PhoneNumber caller;
  // Set: DialGuard refused the number. The attempt is withdrawn, the number is
  // marked, and the person goes on with the next number or an outcome.
  std::optional<std::string> guard_refusal;
};

enum class IntentVerdict {
  kGo,          // Committed: dialing. Send within 250 ms.
  kNumberBusy,  // Another attempt holds the number: try again later.
  kNoSlot,      // A concurrency cap is reached: try again when a slot is freed.
  kStopped,     // The campaign is not running; the attempt stays planned.
  kWithdrawn,   // Suppressed, refused, already acknowledged, or no longer planned: forget it.
  kNotHolder,   // The lease epoch is not ours any more: forget everything.
};

struct SlotCount {
  std::int64_t live = 0;                               // On the trunk.
  std::map<std::string, std::int64_t> live_by_caller;  // E.164 -> live.
  std::int64_t sends = 0;                              // On the trunk in all.
};

// An event, a result, or only a look at the time (fact unset).
struct AttemptInput {
  AttemptKey attempt;
  std::optional<Fact> fact;
};

// A call as whoever acts on it has to know it.
struct LiveCall {
  AttemptKey attempt;
  TrunkId trunk;
  std::string call;  // The provider's id.
  PhoneNumber to;    // Whom it rings.
  PhoneNumber from;  // Our caller number.
  TextId text = {};  // What is said; unset: the campaign's recording.
};

// What came of one attempt in a batch of inputs; one for each distinct attempt.
struct AttemptChange {
  AttemptKey attempt;
  bool known = false;  // False: no such attempt; nothing was stored.
  int new_facts = 0;   // Facts that were not there before.
  CallView view;
  std::vector<Action> new_actions;  // Inserted by this call: the caller sends them.
  std::optional<LiveCall> call;     // What they are done to; set if there are any.
  std::optional<absl::Time> wake;   // When to look again if nothing happens.
  bool ended_now = false;           // This call ended it: a slot is free.
  bool given_back_now = false;      // Back to planned: `not_before` is in `retry_send_at`.
  absl::Time retry_send_at;
  TrunkId trunk;
  double time_scale = 1;
  std::optional<Disposition> disposition;
};

// An action that was decided but whose result is not logged.
struct PendingAction {
  LiveCall call;
  Action action;
};

// What carrying out a flow needs to know of its campaign.
class DialStore {
 public:
  virtual ~DialStore() = default;

  // --- The pacer lease (the database's clock). ---
  // Takes the lease of `group` if it is free, expired or ours; else reports it.
  // The epoch grows whenever it was not ours at the time: also if we released
  // it, or somebody else held it, in between.
  virtual absl::StatusOr<Lease> AcquireLease(const std::string& group, const std::string& node,
                                             absl::Duration length) = 0;
  virtual absl::Status ReleaseLease(const std::string& group, const std::string& node,
                                    std::int64_t epoch) = 0;
  // Attempts left `dialing` by older epochs without any fact become unresolved
  // (a kCreateUnknown fact each); returns how many. Idempotent.
  virtual absl::StatusOr<int> TakeOver(const std::string& group, std::int64_t epoch,
                                       absl::Time now) = 0;

  // --- Scheduling. ---
  virtual absl::StatusOr<std::vector<ActiveCampaign>> ListActiveCampaigns() = 0;
  virtual absl::StatusOr<std::vector<Trunk>> ListTrunks() = 0;
  // Takes over up to `limit` planned attempts that pacers of older epochs left
  // behind. Nothing if we have been succeeded, as with ClaimDue.
  virtual absl::StatusOr<std::vector<PlannedAttempt>> AdoptPlanned(OperationId operation,
                                                                   CampaignId campaign,
                                                                   std::int64_t epoch, int limit,
                                                                   absl::Time now) = 0;
  // Takes up to `limit` due people, by priority and due time, with a planned
  // attempt each; people who share number and message, word for word, join one
  // attempt (AckScope::kNumber).
  virtual absl::StatusOr<std::vector<PlannedAttempt>> ClaimDue(OperationId operation,
                                                               CampaignId campaign,
                                                               std::int64_t epoch, int limit,
                                                               absl::Time now) = 0;
  virtual absl::StatusOr<SlotCount> CountSlots(TrunkId trunk) = 0;
  // planned -> dialing, in order, re-checking campaign state, acknowledgement,
  // suppression, number lock and the caps of trunk, caller and campaign. One
  // verdict for each request. A repeated operation gives the first verdicts.
  virtual absl::StatusOr<std::vector<IntentVerdict>> CommitIntents(
      OperationId operation, const std::string& group, std::int64_t epoch, const Trunk& trunk,
      const std::vector<IntentRequest>& requests, absl::Time now) = 0;
  // Sends of unknown fate on a trunk, of running campaigns; at most `limit`. Whoever
  // sends one again does so soon after: this is where the campaign's state is checked.
  virtual absl::StatusOr<std::vector<UnresolvedSend>> ListUnresolved(TrunkId trunk, int limit) = 0;
  // Planned attempts whose window has closed go back to the due queue at `due`.
  virtual absl::Status ReturnToQueue(const std::vector<std::pair<AttemptKey, absl::Time>>& attempts,
                                     absl::Time now) = 0;
  // Concludes up to `limit` people of an expired or canceling campaign who are
  // in the due queue or planned; returns how many. 0: none left.
  virtual absl::StatusOr<int> ConcludeRecipients(CampaignId campaign, Outcome otherwise, int limit,
                                                 absl::Time now) = 0;
  // running -> completed or canceling -> canceled if nobody is due, planned or
  // live and every person has an outcome; returns whether it has ended.
  virtual absl::StatusOr<bool> CompleteIfDone(CampaignId campaign, absl::Time now) = 0;
  // The breaker's pause: running -> paused with a reason. No error if it is not running.
  virtual absl::Status PauseCampaign(CampaignId campaign, const std::string& reason,
                                     absl::Time now) = 0;
  virtual absl::StatusOr<CampaignProgress> GetProgress(CampaignId id) = 0;

  // --- Facts. ---
  // Design part 3.5: locks the attempts in key order, appends what is new,
  // reads all facts, steps each attempt (StepAttempt), and writes what follows:
  // actions, end, person, counters, locks, due queue. After OK it is durable.
  virtual absl::StatusOr<std::vector<AttemptChange>> RecordFacts(
      const std::vector<AttemptInput>& inputs, absl::Time now) = 0;
  // Live attempts (dialing, unresolved) in key order after `after`, at most
  // `limit`: for arming timers after a start and for the reconciler's sweep.
  virtual absl::StatusOr<std::vector<AttemptKey>> ListLiveAttempts(AttemptKey after, int limit) = 0;
  // Actions of live attempts decided before `before` without a logged result,
  // each given to one caller until `before` has moved on.
  virtual absl::StatusOr<std::vector<PendingAction>> ClaimPendingActions(absl::Time before,
                                                                         int limit,
                                                                         absl::Time now) = 0;
  // For carrying out plays.
  virtual absl::StatusOr<Campaign> GetCampaign(CampaignId id) = 0;
  virtual absl::StatusOr<Prompt> GetPrompt(PromptId id) = 0;
  // What somebody of the campaign is told in words. kNotFound.
  virtual absl::StatusOr<SpokenMessage> GetText(CampaignId campaign, TextId text) = 0;
  // Live attempts of a canceling campaign with CancelMode::kHangUp that have no
  // kHangUpOrdered fact yet.
  virtual absl::StatusOr<std::vector<AttemptKey>> ListHangUpsOwed(CampaignId campaign,
                                                                  int limit) = 0;
};

// Told when something commits that others may wait for. Implementations: the
// in-process hub, fed by LISTEN/NOTIFY for other nodes.
//
// Channels: "campaigns" (a state changed), "due" (people became due at once),
// "slots" (a live attempt ended), "lease" (the pacer's was given up).
class ChangeListener {
 public:
  virtual ~ChangeListener() = default;
  virtual void OnChange(std::string_view channel) = 0;
};

}  // namespace tocsin
