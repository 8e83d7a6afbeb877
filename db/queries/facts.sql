-- Append, then fold: the path of every event. Lists are in key order.

-- name: LockAttempts
-- In the order of the given keys: two batches that share attempts wait for each
-- other, never in a circle.
--
-- $1 campaign_ids bigint[], $2 attempt_ids bigint[]
SELECT a.campaign_id, a.attempt_id, a.recipient_id, a.people, a.trunk_id, a.number, a.number_index,
       a.state, a.caller, a.planned_at, a.intended_at, a.sends, a.not_sent, a.retry_send_at,
       a.provider_call, a.seizure, a.sent_at, a.ringing_at, a.answered_at, a.ended_at,
       a.disposition, a.disposition_source, a.code, a.subcode, a.sip, a.q850, a.cause, a.reason,
       a.delivery, a.heard_ms, a.answered_by, a.acknowledged_at, a.refused_at, a.opted_out_at,
       a.asked_operator_at, a.put_through_at, a.revision, a.log_keeper, a.text_id
FROM unnest($1::bigint[], $2::bigint[]) AS key (campaign_id, attempt_id)
CROSS JOIN LATERAL (
    SELECT c.campaign_id, c.attempt_id, c.recipient_id, c.people, c.trunk_id, c.number,
           c.number_index, c.state, c.caller, c.planned_at, c.intended_at, c.sends, c.not_sent,
           c.retry_send_at, c.provider_call, c.seizure, c.sent_at, c.ringing_at, c.answered_at,
           c.ended_at, c.disposition, c.disposition_source, c.code, c.subcode, c.sip, c.q850,
           c.cause, c.reason, c.delivery, c.heard_ms, c.answered_by, c.acknowledged_at,
           c.refused_at, c.opted_out_at, c.asked_operator_at, c.put_through_at, c.revision,
           c.log_keeper, c.text_id
    FROM call_attempt AS c
    WHERE c.campaign_id = key.campaign_id
      AND c.attempt_id = key.attempt_id
    FOR UPDATE) AS a;

-- name: InsertFacts
-- What is new; returns how much of it, by attempt.
--
-- $1 campaign_ids bigint[], $2 attempt_ids bigint[], $3 event_keys text[],
-- $4 kinds fact_kind[], $5 at timestamptz[], $6 received_at timestamptz[],
-- $7 numbers integer[], $8 codes integer[], $9 subcodes integer[], $10 sips integer[],
-- $11 q850s integer[], $12 causes end_cause[], $13 tones text[], $14 calls text[],
-- $15 texts text[], $16 raws text[]
WITH inserted AS (
    INSERT INTO call_event
        (campaign_id, attempt_id, event_key, kind, at, received_at, number, code, subcode, sip,
         q850, cause, tone, call, text, raw)
    SELECT campaign_id, attempt_id, event_key, kind, at, received_at, number, code, subcode, sip,
           q850, cause, tone, call, text, raw
    FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::fact_kind[], $5::timestamptz[],
                $6::timestamptz[], $7::integer[], $8::integer[], $9::integer[], $10::integer[],
                $11::integer[], $12::end_cause[], $13::text[], $14::text[], $15::text[],
                $16::text[])
        AS v (campaign_id, attempt_id, event_key, kind, at, received_at, number, code, subcode,
              sip, q850, cause, tone, call, text, raw)
    ON CONFLICT (campaign_id, attempt_id, event_key) DO NOTHING
    RETURNING campaign_id, attempt_id
)
SELECT campaign_id, attempt_id, count(*) FROM inserted GROUP BY 1, 2;

-- name: ReadFacts
-- All facts of the attempts, those of other nodes with them: a new statement, so
-- that it sees what was committed while the locks were waited for.
--
-- $1 campaign_ids bigint[], $2 attempt_ids bigint[]
SELECT e.campaign_id, e.attempt_id, e.kind, e.at, e.received_at, e.event_key, e.number, e.code,
       e.subcode, e.sip, e.q850, e.cause, e.tone, e.call, e.text
FROM unnest($1::bigint[], $2::bigint[]) AS key (campaign_id, attempt_id)
CROSS JOIN LATERAL (
    SELECT f.campaign_id, f.attempt_id, f.kind, f.at, f.received_at, f.event_key, f.number, f.code,
           f.subcode, f.sip, f.q850, f.cause, f.tone, f.call, f.text
    FROM call_event AS f
    WHERE f.campaign_id = key.campaign_id
      AND f.attempt_id = key.attempt_id
    OFFSET 0) AS e;

-- name: DisownLogs
-- Somebody else adds to the logs that another store has in memory: from now on
-- whoever wants to know what happened reads them.
--
-- $1 campaign_ids bigint[], $2 attempt_ids bigint[]
UPDATE call_attempt AS a
SET log_keeper = 0
FROM unnest($1::bigint[], $2::bigint[]) AS v (campaign_id, attempt_id)
WHERE a.campaign_id = v.campaign_id
  AND a.attempt_id = v.attempt_id;

-- name: WriteAttempts
-- What the facts say now. The state moves only as the rows were read, which is
-- under their lock.
--
-- $1 campaign_ids bigint[], $2 attempt_ids bigint[], $3 states attempt_state[],
-- $4 not_sent smallint[], $5 retry_send_at timestamptz[], $6 calls text[],
-- $7 seizures boolean[], $8 sent_at, $9 ringing_at, $10 answered_at,
-- $11 ended_at timestamptz[], $12 dispositions disposition[],
-- $13 sources disposition_source[], $14 codes integer[], $15 subcodes integer[],
-- $16 sips integer[], $17 q850s integer[], $18 causes end_cause[],
-- $19 reasons text[], $20 deliveries delivery[], $21 heard_ms bigint[],
-- $22 answered_by answered_by[], $23 acknowledged_at, $24 refused_at,
-- $25 opted_out_at, $26 asked_operator_at, $27 put_through_at timestamptz[],
-- $28 revisions integer[]
UPDATE call_attempt AS a
SET state = v.state,
    not_sent = v.not_sent,
    retry_send_at = v.retry_send_at,
    provider_call = v.call,
    seizure = v.seizure,
    sent_at = v.sent_at,
    ringing_at = v.ringing_at,
    answered_at = v.answered_at,
    ended_at = v.ended_at,
    disposition = v.disposition,
    disposition_source = v.source,
    code = v.code,
    subcode = v.subcode,
    sip = v.sip,
    q850 = v.q850,
    cause = v.cause,
    reason = v.reason,
    delivery = v.delivery,
    heard_ms = v.heard_ms,
    answered_by = v.answered_by,
    acknowledged_at = v.acknowledged_at,
    refused_at = v.refused_at,
    opted_out_at = v.opted_out_at,
    asked_operator_at = v.asked_operator_at,
    put_through_at = v.put_through_at,
    revision = v.revision
FROM unnest($1::bigint[], $2::bigint[], $3::attempt_state[], $4::smallint[], $5::timestamptz[],
            $6::text[], $7::boolean[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[],
            $11::timestamptz[], $12::disposition[], $13::disposition_source[], $14::integer[],
            $15::integer[], $16::integer[], $17::integer[], $18::end_cause[], $19::text[],
            $20::delivery[], $21::bigint[], $22::answered_by[], $23::timestamptz[],
            $24::timestamptz[], $25::timestamptz[], $26::timestamptz[], $27::timestamptz[],
            $28::integer[])
    AS v (campaign_id, attempt_id, state, not_sent, retry_send_at, call, seizure, sent_at,
          ringing_at, answered_at, ended_at, disposition, source, code, subcode, sip, q850, cause,
          reason, delivery, heard_ms, answered_by, acknowledged_at, refused_at, opted_out_at,
          asked_operator_at, put_through_at, revision)
WHERE a.campaign_id = v.campaign_id
  AND a.attempt_id = v.attempt_id;

-- name: UnlockNumbers
-- $1 campaign_ids bigint[], $2 attempt_ids bigint[]
DELETE FROM number_lock AS l
USING unnest($1::bigint[], $2::bigint[]) AS v (campaign_id, attempt_id)
WHERE l.campaign_id = v.campaign_id
  AND l.attempt_id = v.attempt_id;

-- name: InsertActions
-- What is to be done and was not decided before; whoever gets a row back does it.
--
-- $1 campaign_ids bigint[], $2 attempt_ids bigint[], $3 ordinals integer[],
-- $4 kinds action_kind[], $5 now
INSERT INTO call_action (campaign_id, attempt_id, ordinal, kind, decided_at)
SELECT campaign_id, attempt_id, ordinal, kind, $5
FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::action_kind[])
    AS v (campaign_id, attempt_id, ordinal, kind)
ON CONFLICT (campaign_id, attempt_id, ordinal) DO NOTHING
RETURNING campaign_id, attempt_id, ordinal, kind;

-- name: WriteAcknowledgements
-- The first of each person stands; one of the same attempt is corrected by what
-- came to be known later. Returns how many people are new, by campaign.
--
-- $1 campaign_ids bigint[], $2 recipient_ids bigint[], $3 attempt_ids bigint[],
-- $4 numbers text[], $5 tones text[], $6 acknowledged_at timestamptz[],
-- $7 offsets bigint[], $8 message_versions text[], $9 now
WITH written AS (
    INSERT INTO acknowledgement AS k
        (campaign_id, recipient_id, attempt_id, number, tone, acknowledged_at, offset_ms,
         message_version, recorded_at)
    SELECT campaign_id, recipient_id, attempt_id, number, tone, acknowledged_at, offset_ms,
           message_version, $9
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[],
                $6::timestamptz[], $7::bigint[], $8::text[])
        AS v (campaign_id, recipient_id, attempt_id, number, tone, acknowledged_at, offset_ms,
              message_version)
    ORDER BY campaign_id, recipient_id
    ON CONFLICT (campaign_id, recipient_id) DO UPDATE
    SET tone = excluded.tone,
        acknowledged_at = excluded.acknowledged_at,
        offset_ms = excluded.offset_ms,
        revision = k.revision + 1
    WHERE k.attempt_id = excluded.attempt_id
    RETURNING k.campaign_id, k.revision = 0 AS is_new
)
SELECT campaign_id, count(*) FILTER (WHERE is_new) FROM written GROUP BY 1;

-- name: DeleteAcknowledgements
-- Those of attempts whose facts no longer carry one: a key turned out to have
-- been pressed before the message said who calls.
--
-- $1 campaign_ids bigint[], $2 recipient_ids bigint[], $3 attempt_ids bigint[]
DELETE FROM acknowledgement AS k
USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS v (campaign_id, recipient_id, attempt_id)
WHERE k.campaign_id = v.campaign_id
  AND k.recipient_id = v.recipient_id
  AND k.attempt_id = v.attempt_id
RETURNING k.campaign_id;

-- name: AddSuppressions
-- $1 tenant_ids bigint[], $2 numbers text[], $3 purposes text[], $4 source,
-- $5 campaign_ids bigint[], $6 attempt_ids bigint[], $7 now
INSERT INTO suppression (tenant_id, number, purpose, source, campaign_id, attempt_id, added_at)
SELECT tenant_id, number, purpose, $4, campaign_id, attempt_id, $7
FROM unnest($1::bigint[], $2::text[], $3::text[], $5::bigint[], $6::bigint[])
    AS v (tenant_id, number, purpose, campaign_id, attempt_id)
ORDER BY tenant_id, number, purpose
ON CONFLICT (tenant_id, number, purpose) DO NOTHING;

-- name: ListLiveAttempts
-- $1 campaign_id, $2 attempt_id: after this key; $3 limit
SELECT campaign_id, attempt_id
FROM number_lock
WHERE (campaign_id, attempt_id) > ($1, $2)
ORDER BY campaign_id, attempt_id
LIMIT $3;

-- name: ListIntentsLeft
-- Intents of older pacers of a group of whose send nothing is known: no result
-- of that send and no event. A crash came between the commit and the answer.
--
-- $1 pacing_group, $2 epoch, $3 campaign_id, $4 attempt_id: after this key; $5 limit
SELECT l.campaign_id, l.attempt_id, a.sends, a.intended_at
FROM number_lock AS l
CROSS JOIN LATERAL (
    SELECT c.sends, c.intended_at, c.state, c.pacing_group, c.intent_epoch
    FROM call_attempt AS c
    WHERE c.campaign_id = l.campaign_id
      AND c.attempt_id = l.attempt_id
    OFFSET 0) AS a
WHERE (l.campaign_id, l.attempt_id) > ($3, $4)
  AND a.state = 'DIALING'
  AND a.pacing_group = $1
  AND a.intent_epoch < $2
  AND NOT EXISTS (
      SELECT FROM call_event AS e
      WHERE e.campaign_id = l.campaign_id
        AND e.attempt_id = l.attempt_id
        AND (e.kind NOT IN ('CREATE_THROTTLED', 'CREATE_NOT_SENT', 'HANG_UP_ORDERED')
             OR (e.number = a.sends AND e.kind <> 'HANG_UP_ORDERED')))
ORDER BY l.campaign_id, l.attempt_id
LIMIT $5;

-- name: ListUnresolved
-- Sends of unknown fate on a trunk, of campaigns that are running now, with what
-- repeating them takes.
--
-- $1 trunk_id, $2 limit
SELECT l.campaign_id, l.attempt_id, l.e164, l.caller, person.time_zone, a.sends, a.intended_at,
       asked.last_at, asked.repetitions
FROM number_lock AS l
CROSS JOIN LATERAL (
    SELECT c.recipient_id, c.state, c.sends, c.intended_at
    FROM call_attempt AS c
    WHERE c.campaign_id = l.campaign_id
      AND c.attempt_id = l.attempt_id
    OFFSET 0) AS a
JOIN campaign AS m ON m.campaign_id = l.campaign_id
CROSS JOIN LATERAL (
    SELECT r.time_zone
    FROM recipient AS r
    WHERE r.campaign_id = l.campaign_id
      AND r.recipient_id = a.recipient_id
    OFFSET 0) AS person
CROSS JOIN LATERAL (
    SELECT max(e.at) AS last_at,
           count(*) FILTER (WHERE e.kind = 'CREATE_REPEATED') AS repetitions
    FROM call_event AS e
    WHERE e.campaign_id = l.campaign_id
      AND e.attempt_id = l.attempt_id
      AND (e.kind = 'CREATE_REPEATED' OR (e.kind = 'CREATE_UNKNOWN' AND e.number = a.sends))
    OFFSET 0) AS asked
WHERE l.trunk_id = $1
  AND a.state = 'UNRESOLVED'
  AND m.state = 'RUNNING'
  AND asked.last_at IS NOT NULL
ORDER BY asked.last_at
LIMIT $2;

-- name: ClaimPendingActions
-- Actions of live attempts decided before a moment, without a result in the log;
-- each is offered to one caller until the moment has moved past the offer. No
-- transfers: one may be under way, and it rings somebody.
--
-- $1 before, $2 limit, $3 now
WITH pending AS MATERIALIZED (
    SELECT x.campaign_id, x.attempt_id, x.ordinal, x.kind, l.trunk_id, l.e164, l.caller
    FROM number_lock AS l
    CROSS JOIN LATERAL (
        SELECT c.campaign_id, c.attempt_id, c.ordinal, c.kind
        FROM call_action AS c
        WHERE c.campaign_id = l.campaign_id
          AND c.attempt_id = l.attempt_id
          AND c.decided_at < $1
          AND (c.offered_at IS NULL OR c.offered_at < $1)
          AND c.kind <> 'TRANSFER'
          AND NOT EXISTS (
              SELECT FROM call_event AS e
              WHERE e.campaign_id = c.campaign_id
                AND e.attempt_id = c.attempt_id
                AND e.kind IN ('ACTION_ACCEPTED', 'ACTION_REFUSED')
                AND e.number = c.ordinal)
        FOR UPDATE OF c SKIP LOCKED) AS x
    LIMIT $2
),
offered AS (
    UPDATE call_action AS c
    SET offered_at = $3
    FROM pending AS p
    WHERE c.campaign_id = p.campaign_id
      AND c.attempt_id = p.attempt_id
      AND c.ordinal = p.ordinal
)
SELECT p.campaign_id, p.attempt_id, p.ordinal, p.kind, p.trunk_id, p.e164, p.caller,
       (SELECT a.text_id FROM call_attempt AS a
        WHERE a.campaign_id = p.campaign_id AND a.attempt_id = p.attempt_id),
       (SELECT e.call FROM call_event AS e
        WHERE e.campaign_id = p.campaign_id AND e.attempt_id = p.attempt_id AND e.call IS NOT NULL
        ORDER BY e.at, e.event_key
        LIMIT 1)
FROM pending AS p
ORDER BY p.campaign_id, p.attempt_id, p.ordinal;

-- name: ListHangUpsOwed
-- Live attempts of a campaign that was canceled with HANG_UP and that nobody has
-- ordered to hang up yet.
--
-- $1 campaign_id, $2 limit
SELECT l.campaign_id, l.attempt_id
FROM campaign AS c
JOIN number_lock AS l ON l.campaign_id = c.campaign_id
WHERE c.campaign_id = $1
  AND c.state = 'CANCELING'
  AND c.cancel_mode = 'HANG_UP'
  AND NOT EXISTS (
      SELECT FROM call_event AS e
      WHERE e.campaign_id = l.campaign_id
        AND e.attempt_id = l.attempt_id
        AND e.kind = 'HANG_UP_ORDERED')
ORDER BY l.attempt_id
LIMIT $2;
