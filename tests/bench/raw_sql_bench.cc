// What PostgreSQL does in a second with the rows that ours come to, in our own
// schema, by the least SQL that makes them: what the store is measured against.
//
//   raw_sql_bench --work copy    a list, by COPY in one stream
//   raw_sql_bench --work claim   from the due queue to planned attempts
//   raw_sql_bench --work life    claim, the log, and the end of call and person
//
// with --database URL, --people N, --batch N, --threads N, --calls N if not
// everybody is to be called; and of a life
// --events N facts, of which --raw N carry --raw-bytes N as received, and
// --actions N. Prints a line of JSON: per_second; p99_ms of a batch; and what a
// row or call costs: cpu_us here, database_cpu_us, wal_bytes and disk_bytes there.
//
// No rule is looked at, nothing is folded, no number is locked and no counter
// kept: a limit that nothing with these tables can pass, not a dialer.
#include <libpq-fe.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "tests/bench/bench.h"
#include "tests/bench/database_costs.h"

namespace tocsin::bench {
namespace {

struct Settings {
  std::string url;
  std::int64_t people = 100'000;
  std::int64_t calls = 0;  // 0: as many as people.
  int batch = 100;
  int threads = 1;
  int events = 6;
  int raw = 4;
  int raw_bytes = 430;
  int actions = 1;
};

class Session {
 public:
  explicit Session(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    if (PQstatus(connection_) != CONNECTION_OK) Stop(PQerrorMessage(connection_));
    // As the store's own sessions: plans are made once, and by index.
    Run("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; "
        "SET enable_hashjoin = off; SET enable_mergejoin = off");
  }
  ~Session() { PQfinish(connection_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

  Result Run(const std::string& sql) { return Checked(PQexec(connection_, sql.c_str())); }

  void Prepare(const char* name, const std::string& sql) {
    Checked(PQprepare(connection_, name, sql.c_str(), 0, nullptr));
  }

  Result RunPrepared(const char* name, const std::vector<std::string>& parameters) {
    std::vector<const char*> values;
    for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
    return Checked(PQexecPrepared(connection_, name, static_cast<int>(values.size()), values.data(),
                                  nullptr, nullptr, 0));
  }

  void Copy(const std::string& sql, const std::vector<std::string>& rows) {
    Run(sql);
    std::string buffer;
    const auto send = [&] {
      if (PQputCopyData(connection_, buffer.data(), static_cast<int>(buffer.size())) != 1) {
        Stop(PQerrorMessage(connection_));
      }
      buffer.clear();
    };
    for (const std::string& row : rows) {
      buffer += row;
      if (buffer.size() > 60'000) send();
    }
    send();
    if (PQputCopyEnd(connection_, nullptr) != 1) Stop(PQerrorMessage(connection_));
    Checked(PQgetResult(connection_));
    TOCSIN_CHECK(PQgetResult(connection_) == nullptr);
  }

 private:
  Result Checked(PGresult* result) {
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_IN) {
      Stop(PQerrorMessage(connection_));
    }
    return {result, &PQclear};
  }

  PGconn* connection_;
};

constexpr char kCopyPeople[] =
    "COPY recipient (campaign_id, import_id, line, person_key, name, numbers, time_zone, language,"
    " priority, marks) FROM STDIN";
constexpr char kQueue[] =
    "INSERT INTO due_queue (campaign_id, recipient_id, priority, due_at, number, number_index)"
    " SELECT campaign_id, recipient_id, priority, now(), numbers[1], 0 FROM recipient"
    " ORDER BY recipient_id";

std::vector<std::string> People(std::int64_t count) {
  std::vector<std::string> rows;
  for (std::int64_t i = 0; i < count; ++i) {
    rows.push_back(fmt::format("1\t1\t{}\t{}\t{}\t{{{}}}\t{}\t\t0\t.\n", i + 1, KeyOf(i), NameOf(i),
                               NumberOf(i), kZone));
  }
  return rows;
}

Figures Copy(const Settings& settings) {
  const std::vector<std::string> rows = People(settings.people);
  Session session(settings.url);
  const DatabaseCosts costs(settings.url);
  const double cpu = CpuSeconds();
  const SteadyTime began = SystemClock().Steady();
  session.Copy(kCopyPeople, rows);
  const auto people = static_cast<double>(settings.people);
  Figures figures = {{"per_second", people / SecondsSince(began)},
                     {"cpu_us", (CpuSeconds() - cpu) / people * 1e6}};
  costs.AddTo(figures, people);
  return figures;
}

// A claim: out of the queue, and an attempt each. `= any(array(...))`, because a
// join with a LIMIT that is a parameter scans the table.
constexpr char kClaim[] = R"(
WITH picked AS MATERIALIZED (
    SELECT recipient_id, number, number_index FROM due_queue
    WHERE campaign_id = 1 AND priority = 0 AND due_at <= now()
    ORDER BY due_at, recipient_id
    LIMIT $1::integer
    FOR UPDATE SKIP LOCKED
),
taken AS (
    DELETE FROM due_queue
    WHERE campaign_id = 1 AND recipient_id = any(array(SELECT recipient_id FROM picked))
)
INSERT INTO call_attempt
    (campaign_id, recipient_id, people, trunk_id, number, number_index, attempt_no, state,
     claim_epoch, planned_at)
SELECT 1, recipient_id, 1, 1, number, number_index, 1, 'PLANNED', 1, now() FROM picked
RETURNING attempt_id, recipient_id)";

// The facts of one moment of so many calls.
constexpr char kAppend[] = R"(
INSERT INTO call_event
    (campaign_id, attempt_id, event_key, kind, at, received_at, number, code, subcode, call, raw)
SELECT 1, attempt_id, $2, 'OTHER_EVENT', now(), now(), 1, 200, 0,
       '411f0200-3a40-4fe1-a1c0-1a2b3c4d5e6f', nullif($3, '')
FROM unnest($1::bigint[]) AS key (attempt_id))";

constexpr char kAct[] = R"(
INSERT INTO call_action (campaign_id, attempt_id, ordinal, kind, decided_at)
SELECT 1, attempt_id, $2::integer, 'PLAY', now() FROM unnest($1::bigint[]) AS key (attempt_id))";

constexpr char kEndCalls[] = R"(
UPDATE call_attempt
SET state = 'ENDED', caller = '+12025550100', pacing_group = 'bench', intent_epoch = 1,
    intended_at = now(), sends = 1, provider_call = '411f0200-3a40-4fe1-a1c0-1a2b3c4d5e6f',
    seizure = true, sent_at = now(), answered_at = now(), ended_at = now(),
    disposition = 'ANSWERED', disposition_source = 'OBSERVED', delivery = 'FULL',
    heard_ms = 14000, answered_by = 'HUMAN', acknowledged_at = now()
WHERE campaign_id = 1 AND attempt_id = any($1::bigint[]))";

constexpr char kEndPeople[] = R"(
UPDATE recipient
SET history = '{"0|ANSWERED|2026-01-01 00:00:30+00"}', attempts_made = 1,
    first_attempt_at = now(), last_caller = '+12025550100', outcome = 'CONFIRMED',
    concluded_at = now(), served_by_attempt_id = pair.attempt_id
FROM unnest($1::bigint[], $2::bigint[]) AS pair (attempt_id, recipient_id)
WHERE campaign_id = 1 AND recipient.recipient_id = pair.recipient_id)";

constexpr char kAcknowledge[] = R"(
INSERT INTO acknowledgement
    (campaign_id, recipient_id, attempt_id, number, tone, acknowledged_at, offset_ms,
     message_version, recorded_at)
SELECT 1, recipient_id, attempt_id, '+12025550123', '1', now(), 6000, 'uri', now()
FROM unnest($1::bigint[], $2::bigint[]) AS pair (attempt_id, recipient_id))";

// Calls of one thread, a batch at a time.
class Caller {
 public:
  explicit Caller(const Settings& settings) : settings_(settings), session_(settings.url) {
    session_.Prepare("claim", kClaim);
    session_.Prepare("append", kAppend);
    session_.Prepare("act", kAct);
    session_.Prepare("end_calls", kEndCalls);
    session_.Prepare("end_people", kEndPeople);
    session_.Prepare("acknowledge", kAcknowledge);
  }

  // How many were claimed; 0: nobody is left.
  int Claim() {
    const Session::Result claimed =
        session_.RunPrepared("claim", {std::to_string(settings_.batch)});
    attempts_ = people_ = "{";
    const int count = PQntuples(claimed.get());
    for (int i = 0; i < count; ++i) {
      attempts_ += fmt::format("{}{}", i > 0 ? "," : "", PQgetvalue(claimed.get(), i, 0));
      people_ += fmt::format("{}{}", i > 0 ? "," : "", PQgetvalue(claimed.get(), i, 1));
    }
    attempts_ += '}';
    people_ += '}';
    return count;
  }

  // A transaction for each moment of the calls, since events come one by one;
  // the last ends them.
  int Live() {
    const int count = Claim();
    if (count == 0) return 0;
    const std::string raw(static_cast<std::size_t>(settings_.raw_bytes), 'x');
    for (int event = 1; event <= settings_.events; ++event) {
      session_.Run("BEGIN");
      session_.RunPrepared("append", {attempts_, fmt::format("event-{}-0a1b2c3d4e5f", event),
                                      event <= settings_.raw ? raw : std::string()});
      if (event <= settings_.actions)
        session_.RunPrepared("act", {attempts_, std::to_string(event)});
      if (event == settings_.events) End();
      session_.Run("COMMIT");
    }
    return count;
  }

 private:
  void End() {
    session_.RunPrepared("end_calls", {attempts_});
    session_.RunPrepared("end_people", {attempts_, people_});
    session_.RunPrepared("acknowledge", {attempts_, people_});
  }

  const Settings& settings_;
  Session session_;
  std::string attempts_, people_;  // Of the batch, as array literals.
};

Figures Calls(const Settings& settings, int (Caller::*batch)()) {
  {
    Session session(settings.url);
    session.Copy(kCopyPeople, People(settings.people));
    session.Run(kQueue);
    session.Run("ANALYZE recipient, due_queue");
  }
  std::mutex mutex;
  std::vector<double> took_ms;
  const std::int64_t wanted = settings.calls > 0 ? settings.calls : settings.people;
  std::int64_t done = 0;
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < settings.threads; ++i) callers.push_back(std::make_unique<Caller>(settings));
  const DatabaseCosts costs(settings.url);
  const double cpu = CpuSeconds();
  const SteadyTime began = SystemClock().Steady();
  {
    std::vector<std::jthread> threads;
    for (const auto& caller : callers) {
      threads.emplace_back([&, batch] {
        while (true) {
          const SteadyTime at = SystemClock().Steady();
          const int count = (*caller.*batch)();
          const std::lock_guard lock(mutex);
          done += count;
          took_ms.push_back(SecondsSince(at) * 1e3);
          if (count == 0 || done >= wanted) return;
        }
      });
    }
  }
  const double seconds = SecondsSince(began);
  TOCSIN_CHECK(done >= wanted);
  const auto calls = static_cast<double>(done);
  Figures figures = {{"per_second", calls / seconds},
                     {"p99_ms", Quantile(took_ms, 0.99)},
                     {"cpu_us", (CpuSeconds() - cpu) / calls * 1e6}};
  costs.AddTo(figures, calls);
  return figures;
}

Figures Run(const std::string& work, const Settings& settings) {
  if (work == "copy") return Copy(settings);
  if (work == "claim") return Calls(settings, &Caller::Claim);
  if (work != "life") Stop("--work is copy, claim or life");
  return Calls(settings, &Caller::Live);
}

}  // namespace
}  // namespace tocsin::bench

int main(int argc, char** argv) {
  using tocsin::bench::Flags;
  Flags flags(argc, argv);
  tocsin::bench::Settings settings;
  const auto number = [&flags](const char* name, int& value) {
    value = static_cast<int>(flags.Number(name, value));
  };
  const std::string work = flags.Text("--work");
  settings.url = flags.Text("--database");
  settings.people = flags.Number("--people", settings.people);
  settings.calls = flags.Number("--calls", settings.calls);
  number("--batch", settings.batch);
  number("--threads", settings.threads);
  number("--events", settings.events);
  number("--raw", settings.raw);
  number("--raw-bytes", settings.raw_bytes);
  number("--actions", settings.actions);
  flags.RefuseTheRest();
  tocsin::bench::Print(tocsin::bench::Run(work, settings));
}
