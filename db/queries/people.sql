-- What becomes of people after a call, a mark or a command: shared by facts,
-- intents and conclusions.

-- name: LockPeople
-- In the order in which the pairs are given, which is key order: whoever locks
-- several does it in one order.
--
-- $1 campaign_ids bigint[], $2 recipient_ids bigint[]
SELECT r.campaign_id, r.recipient_id, r.time_zone, r.marks, r.mark_reason, r.history, r.numbers,
       r.priority, r.outcome, r.outcome_reason, coalesce(r.served_by_attempt_id, 0),
       r.first_attempt_at, r.last_caller, r.concluded_at, r.revision, r.text_id
FROM unnest($1::bigint[], $2::bigint[]) AS key (campaign_id, recipient_id)
CROSS JOIN LATERAL (
    SELECT p.campaign_id, p.recipient_id, p.time_zone, p.marks, p.mark_reason, p.history,
           p.numbers, p.priority, p.outcome, p.outcome_reason, p.served_by_attempt_id,
           p.first_attempt_at, p.last_caller, p.concluded_at, p.revision, p.text_id
    FROM recipient AS p
    WHERE p.campaign_id = key.campaign_id
      AND p.recipient_id = key.recipient_id
    FOR UPDATE) AS r;

-- name: WritePeople
-- $1 campaign_ids bigint[], $2 recipient_ids bigint[], $3 histories text[] (array
-- literals), $4 marks text[], $5 mark_reasons text[], $6 outcomes text[],
-- $7 outcome_reasons text[], $8 served_by bigint[], $9 concluded_at timestamptz[],
-- $10 attempts_made smallint[], $11 first_attempt_at timestamptz[],
-- $12 last_callers text[], $13 revisions integer[]
UPDATE recipient AS r
SET history = v.history::text[],
    marks = v.marks,
    mark_reason = v.mark_reason,
    outcome = v.outcome::outcome,
    outcome_reason = v.outcome_reason,
    served_by_attempt_id = v.served_by,
    concluded_at = v.concluded_at,
    attempts_made = v.attempts_made,
    first_attempt_at = v.first_attempt_at,
    last_caller = v.last_caller,
    revision = v.revision
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[],
            $7::text[], $8::bigint[], $9::timestamptz[], $10::smallint[], $11::timestamptz[],
            $12::text[], $13::integer[])
    AS v (campaign_id, recipient_id, history, marks, mark_reason, outcome, outcome_reason,
          served_by, concluded_at, attempts_made, first_attempt_at, last_caller, revision)
WHERE r.campaign_id = v.campaign_id
  AND r.recipient_id = v.recipient_id;

-- name: Enqueue
-- The next try of people; one that stood there already is replaced.
--
-- $1 campaign_ids bigint[], $2 recipient_ids bigint[], $3 priorities smallint[],
-- $4 due_at timestamptz[], $5 numbers text[], $6 number_indexes smallint[],
-- $7 text_ids bigint[]
INSERT INTO due_queue
    (campaign_id, recipient_id, priority, due_at, number, number_index, text_id)
SELECT campaign_id, recipient_id, priority, due_at, number, number_index, text_id
FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::timestamptz[], $5::text[],
            $6::smallint[], $7::bigint[])
    AS v (campaign_id, recipient_id, priority, due_at, number, number_index, text_id)
ON CONFLICT (campaign_id, recipient_id) DO UPDATE
SET due_at = excluded.due_at,
    number = excluded.number,
    number_index = excluded.number_index;

-- name: Dequeue
-- People who need no further try after all.
--
-- $1 campaign_ids bigint[], $2 recipient_ids bigint[]
DELETE FROM due_queue AS d
USING unnest($1::bigint[], $2::bigint[]) AS v (campaign_id, recipient_id)
WHERE d.campaign_id = v.campaign_id
  AND d.recipient_id = v.recipient_id;

-- name: OpenPeople
-- Which of these people have an attempt that is not over, of their own or of a
-- group: they get no place in the queue.
--
-- $1 campaign_ids bigint[], $2 recipient_ids bigint[]
SELECT v.campaign_id, v.recipient_id
FROM unnest($1::bigint[], $2::bigint[]) AS v (campaign_id, recipient_id)
CROSS JOIN LATERAL (
    SELECT FROM call_attempt AS a
    WHERE a.campaign_id = v.campaign_id
      AND a.recipient_id = v.recipient_id
      AND a.ended_at IS NULL
    OFFSET 0) AS attempt
UNION
SELECT v.campaign_id, v.recipient_id
FROM unnest($1::bigint[], $2::bigint[]) AS v (campaign_id, recipient_id)
CROSS JOIN LATERAL (
    SELECT FROM call_group_member AS g
    WHERE g.campaign_id = v.campaign_id
      AND g.recipient_id = v.recipient_id
      AND g.ended_at IS NULL
    OFFSET 0) AS member;

-- name: ReadGroupMembers
-- Who rides along with these attempts.
--
-- $1 campaign_ids bigint[], $2 attempt_ids bigint[]
SELECT g.campaign_id, g.attempt_id, g.recipient_id, g.number_index
FROM unnest($1::bigint[], $2::bigint[]) AS key (campaign_id, attempt_id)
CROSS JOIN LATERAL (
    SELECT m.campaign_id, m.attempt_id, m.recipient_id, m.number_index
    FROM call_group_member AS m
    WHERE m.campaign_id = key.campaign_id
      AND m.attempt_id = key.attempt_id
    OFFSET 0) AS g;

-- name: EndGroups
-- $1 campaign_ids bigint[], $2 attempt_ids bigint[], $3 ended_at timestamptz[]
UPDATE call_group_member AS g
SET ended_at = v.ended_at
FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS v (campaign_id, attempt_id, ended_at)
WHERE g.campaign_id = v.campaign_id
  AND g.attempt_id = v.attempt_id;

-- name: DeleteGroups
-- $1 campaign_ids bigint[], $2 attempt_ids bigint[]
DELETE FROM call_group_member AS g
USING unnest($1::bigint[], $2::bigint[]) AS v (campaign_id, attempt_id)
WHERE g.campaign_id = v.campaign_id
  AND g.attempt_id = v.attempt_id;

-- name: AddCounters
-- Deltas, into this session's shard, in key order.
--
-- $1 campaign_ids bigint[], $2 keys text[], $3 deltas bigint[], $4 shard
INSERT INTO campaign_counter (campaign_id, key, shard, value)
SELECT campaign_id, key, $4, delta
FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS v (campaign_id, key, delta)
ON CONFLICT (campaign_id, key, shard) DO UPDATE
SET value = campaign_counter.value + excluded.value;
