-- From the due queue to planned attempts, and back.

-- name: ReclaimPlanned
-- Planned attempts that a pacer of an older epoch left behind. It looks through all
-- that are open, so it is asked when there may be any, not with each claim.
--
-- $1 campaign_id, $2 epoch, $3 limit
WITH left_behind AS MATERIALIZED (
    SELECT campaign_id, attempt_id
    FROM call_attempt
    WHERE campaign_id = $1
      AND ended_at IS NULL
      AND state = 'PLANNED'
      AND claim_epoch < $2
    LIMIT $3
    FOR UPDATE SKIP LOCKED
)
UPDATE call_attempt AS a
SET claim_epoch = $2
FROM left_behind AS l
WHERE a.campaign_id = l.campaign_id
  AND a.attempt_id = l.attempt_id
RETURNING a.attempt_id;

-- name: ClaimDueRecipients
-- Takes up to `limit` people of a running campaign who are due, by priority and
-- due time, out of the queue and gives them planned attempts, in one statement:
-- whoever comes back is ours. People who share number and text share an attempt if
-- `share` says so; those who ride along are taken beyond the limit.
--
-- SKIP LOCKED lets several claim at once. The limit works inside a LATERAL, and
-- what it let through is looked up row by row, never as a join's input: the
-- planner does not know a parameter's value, takes it for a tenth of the table,
-- and would scan the rest.
-- One probe for each priority, because people of a higher one who wait for a
-- later time would otherwise be walked over at each claim.
--
-- $1 campaign_id, $2 now, $3 limit, $4 share boolean, $5 epoch
WITH picked AS MATERIALIZED (
    SELECT q.recipient_id, q.number, q.number_index, q.text_id,
           row_number() OVER () AS place
    FROM (
        SELECT d.recipient_id, d.number, d.number_index, d.text_id
        FROM generate_series(9, 0, -1) AS p (priority)
        CROSS JOIN LATERAL (
            SELECT w.recipient_id, w.number, w.number_index, w.text_id
            FROM due_queue AS w
            WHERE w.campaign_id = $1
              AND w.priority = p.priority
              AND w.due_at <= $2
              AND EXISTS (SELECT FROM campaign WHERE campaign_id = $1 AND state = 'RUNNING')
            ORDER BY w.due_at, w.recipient_id
            LIMIT $3
            FOR UPDATE OF w SKIP LOCKED) AS d
        LIMIT $3) AS q
),
riding AS MATERIALIZED (
    SELECT d.recipient_id, d.number, d.number_index, d.text_id
    FROM (SELECT DISTINCT number, text_id FROM picked WHERE $4) AS n
    CROSS JOIN LATERAL (
        SELECT w.recipient_id, w.number, w.number_index, w.text_id, w.due_at
        FROM due_queue AS w
        WHERE w.campaign_id = $1
          AND w.number = n.number
          AND w.text_id = n.text_id
        FOR UPDATE SKIP LOCKED) AS d
    WHERE d.due_at <= $2
      AND d.recipient_id <> all(array(SELECT recipient_id FROM picked))
),
people AS MATERIALIZED (
    SELECT recipient_id, number, number_index, text_id, place,
           CASE WHEN $4 THEN row_number() OVER (PARTITION BY number, text_id
                                                ORDER BY place, recipient_id)
                ELSE 1 END AS seat,
           CASE WHEN $4 THEN count(*) OVER (PARTITION BY number, text_id) ELSE 1 END AS people
    FROM (SELECT recipient_id, number, number_index, text_id, place FROM picked
          UNION ALL
          SELECT recipient_id, number, number_index, text_id, 9223372036854775807
          FROM riding) AS both_kinds
),
taken AS (
    DELETE FROM due_queue
    WHERE campaign_id = $1
      AND recipient_id = any(array(SELECT recipient_id FROM people))
),
attempt AS (
    INSERT INTO call_attempt
        (campaign_id, recipient_id, people, trunk_id, number, number_index, text_id, attempt_no,
         state, claim_epoch, planned_at)
    SELECT $1, leader.recipient_id, leader.people,
           (SELECT trunk_id FROM campaign WHERE campaign_id = $1), leader.number,
           leader.number_index, leader.text_id, person.attempts_made + 1, 'PLANNED', $5, $2
    FROM people AS leader
    CROSS JOIN LATERAL (
        SELECT r.attempts_made
        FROM recipient AS r
        WHERE r.campaign_id = $1 AND r.recipient_id = leader.recipient_id
        OFFSET 0) AS person
    WHERE leader.seat = 1
    ORDER BY leader.place
    RETURNING attempt_id, number, text_id, people
),
rider AS (
    INSERT INTO call_group_member (campaign_id, attempt_id, recipient_id, number_index)
    SELECT $1, attempt.attempt_id, people.recipient_id, people.number_index
    FROM attempt
    JOIN people ON people.number = attempt.number AND people.text_id = attempt.text_id
    WHERE $4
      AND attempt.people > 1
      AND people.seat > 1
)
SELECT attempt_id FROM attempt;

-- name: ShareLeases
-- Against a take-over while somebody claims: a pacer that has been succeeded must
-- not claim people whom its successor will not look for again.
SELECT epoch FROM pacer_lease ORDER BY pacing_group FOR SHARE;

-- name: ReadPlanned
-- What the scheduler needs to know of planned attempts.
--
-- $1 campaign_id, $2 attempt_ids bigint[]
SELECT a.attempt_id, a.number, person.time_zone, a.sends, coalesce(a.caller, person.last_caller),
       a.people
FROM unnest($2::bigint[]) AS key (attempt_id)
CROSS JOIN LATERAL (
    SELECT c.attempt_id, c.campaign_id, c.recipient_id, c.number, c.sends, c.caller, c.people,
           c.state
    FROM call_attempt AS c
    WHERE c.campaign_id = $1
      AND c.attempt_id = key.attempt_id
    OFFSET 0) AS a
CROSS JOIN LATERAL (
    SELECT r.time_zone, r.last_caller
    FROM recipient AS r
    WHERE r.campaign_id = a.campaign_id AND r.recipient_id = a.recipient_id
    OFFSET 0) AS person
WHERE a.state = 'PLANNED'
ORDER BY a.attempt_id;

-- name: FindOperation
-- $1 operation_id
SELECT result FROM operation WHERE operation_id = $1::uuid;

-- name: InsertOperation
-- Keeps the first result, and clears away a few that nobody can ask for any more.
--
-- $1 operation_id, $2 now, $3 result, $4 the moment before which they are old
WITH old AS (
    DELETE FROM operation
    WHERE operation_id = any(array(
        SELECT operation_id FROM operation
        WHERE recorded_at < $4
        ORDER BY recorded_at
        LIMIT 10
        FOR UPDATE SKIP LOCKED))
)
INSERT INTO operation (operation_id, recorded_at, result)
VALUES ($1::uuid, $2, $3);

-- name: StepOverAttemptIds
-- After a restore: a callback that comes late for a lost call finds no attempt,
-- rather than somebody else's.
--
-- $1 by how many
SELECT setval('attempt_id_seq', last_value + $1) FROM attempt_id_seq;

-- name: RenamePlannedAttempts
-- After a restore: what was planned at the backup may have been sent after it. Were it
-- sent again under its id, it would hear the callbacks of the call that is forgotten, and
-- a provider that knows the id would answer for that call. What is in its log (sends
-- that were given back) goes with it.
WITH renamed AS MATERIALIZED (
    SELECT campaign_id, attempt_id, nextval('attempt_id_seq') AS new_id
    FROM call_attempt
    WHERE ended_at IS NULL
      AND state = 'PLANNED'
),
members AS (
    UPDATE call_group_member AS m
    SET attempt_id = r.new_id
    FROM renamed AS r
    WHERE m.campaign_id = r.campaign_id
      AND m.attempt_id = r.attempt_id
),
events AS (
    UPDATE call_event AS e
    SET attempt_id = r.new_id
    FROM renamed AS r
    WHERE e.campaign_id = r.campaign_id
      AND e.attempt_id = r.attempt_id
)
UPDATE call_attempt AS a
SET attempt_id = r.new_id
FROM renamed AS r
WHERE a.campaign_id = r.campaign_id
  AND a.attempt_id = r.attempt_id;

-- name: ListActiveCampaigns
-- What the scheduler steers by. The earliest due time is that of ten probes, one
-- a priority.
SELECT c.campaign_id,
       (SELECT coalesce(sum(n.value), 0) FROM campaign_counter AS n
        WHERE n.campaign_id = c.campaign_id AND n.key = 'people'),
       (SELECT min(d.due_at)
        FROM generate_series(0, 9) AS p (priority)
        CROSS JOIN LATERAL (
            SELECT w.due_at FROM due_queue AS w
            WHERE w.campaign_id = c.campaign_id AND w.priority = p.priority
            ORDER BY w.due_at
            LIMIT 1) AS d),
       (SELECT count(*) FROM call_attempt AS a
        WHERE a.campaign_id = c.campaign_id AND a.ended_at IS NULL AND a.state = 'PLANNED'),
       (SELECT count(*) FROM number_lock AS l WHERE l.campaign_id = c.campaign_id)
FROM campaign AS c
WHERE c.state IN ('RUNNING', 'CANCELING', 'PAUSED')
ORDER BY c.priority DESC, c.campaign_id;

-- name: LockPlanned
-- Attempts that are still planned, in the order of the given keys.
--
-- $1 campaign_ids bigint[], $2 attempt_ids bigint[]
SELECT a.campaign_id, a.attempt_id, a.recipient_id, a.people, a.number, a.number_index, a.sends
FROM unnest($1::bigint[], $2::bigint[]) AS key (campaign_id, attempt_id)
CROSS JOIN LATERAL (
    SELECT p.campaign_id, p.attempt_id, p.recipient_id, p.people, p.number, p.number_index, p.sends,
           p.state
    FROM call_attempt AS p
    WHERE p.campaign_id = key.campaign_id
      AND p.attempt_id = key.attempt_id
    FOR UPDATE) AS a
WHERE a.state = 'PLANNED';

-- name: DropUnsent
-- Planned attempts that were never sent leave no trace.
--
-- $1 campaign_ids bigint[], $2 attempt_ids bigint[]
DELETE FROM call_attempt AS a
USING unnest($1::bigint[], $2::bigint[]) AS v (campaign_id, attempt_id)
WHERE a.campaign_id = v.campaign_id
  AND a.attempt_id = v.attempt_id
  AND a.state = 'PLANNED'
  AND a.sends = 0;

-- name: RetireGivenBack
-- Planned attempts whose sends were all given back and that will not be sent
-- again: they end as canceled.
--
-- $1 campaign_ids bigint[], $2 attempt_ids bigint[], $3 now, $4 why
UPDATE call_attempt AS a
SET state = 'ENDED',
    ended_at = $3,
    disposition = 'CANCELED',
    disposition_source = 'OBSERVED',
    reason = $4
FROM unnest($1::bigint[], $2::bigint[]) AS v (campaign_id, attempt_id)
WHERE a.campaign_id = v.campaign_id
  AND a.attempt_id = v.attempt_id
  AND a.state = 'PLANNED'
  AND a.sends > 0;

-- name: TakeWaiting
-- People of an expired or canceling campaign, out of the queue.
--
-- $1 campaign_id, $2 limit
DELETE FROM due_queue
WHERE campaign_id = $1
  AND recipient_id = any(array(
      SELECT recipient_id FROM due_queue
      WHERE campaign_id = $1
      ORDER BY recipient_id
      LIMIT $2
      FOR UPDATE SKIP LOCKED))
RETURNING recipient_id;

-- name: ListPlanned
-- Planned attempts of a campaign, in key order.
--
-- $1 campaign_id, $2 limit
SELECT attempt_id
FROM call_attempt
WHERE campaign_id = $1
  AND ended_at IS NULL
  AND state = 'PLANNED'
ORDER BY attempt_id
LIMIT $2;
