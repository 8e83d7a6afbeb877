-- Campaigns, their commands and their end.

-- name: InsertCampaign
-- A draft. The id is made by the caller (time and random bits); one that is
-- taken inserts nothing, and the caller makes another.
--
-- $1 campaign_id, $2 tenant_id, $3 trunk name, $4.. the specification in the
-- order of the columns (time_scale is the trunk's), $43 created_at
INSERT INTO campaign
    (campaign_id, tenant_id, trunk_id, name, purpose, priority, audio_uri, prompt_id, keys,
     identity_ends_ms, plays, pause_ms, wait_for_key_ms, replays_max, ring_limit_ms, call_limit_ms,
     ack_required, ack_scope, ack_retry_after_ms, unconfirmed_answers_max, attempts_max, backoff,
     retry_busy_ms, retry_no_answer_ms, retry_unreachable_ms, retry_declined_ms,
     retry_congestion_ms, retry_provider_error_ms, retry_lost_ms, calls_per_second, concurrent_max,
     window_open_minute, window_close_minute, time_zone, expires_after_ms, default_region,
     synthetic, operator_number, operator_region, text_languages, text_templates, text_language,
     time_scale, state, state_reason, created_at)
SELECT $1, $2, t.trunk_id, $4, $5, $6, $7, $8, $9,
       $10, $11, $12, $13, $14, $15, $16,
       $17, $18::ack_scope, $19, $20, $21, $22,
       $23, $24, $25, $26,
       $27, $28, $29, $30, $31,
       $32, $33, $34, $35, $36,
       $37, $38, $39, $40, $41, $42,
       t.time_scale, 'DRAFT', '', $43
FROM trunk AS t
WHERE t.name = $3
ON CONFLICT (campaign_id) DO NOTHING
RETURNING campaign_id;

-- name: ReadCampaigns
-- Whole campaigns by id; what ReadCampaign() in db/campaign_rows.cc expects.
--
-- $1 campaign_ids bigint[]
SELECT c.campaign_id, c.tenant_id, t.name, c.name, c.purpose, c.priority, c.audio_uri,
       coalesce(c.prompt_id, 0), c.keys, c.identity_ends_ms, c.plays, c.pause_ms,
       c.wait_for_key_ms, c.replays_max, c.ring_limit_ms, c.call_limit_ms, c.ack_required,
       c.ack_scope, c.ack_retry_after_ms, c.unconfirmed_answers_max, c.attempts_max, c.backoff,
       c.retry_busy_ms, c.retry_no_answer_ms, c.retry_unreachable_ms, c.retry_declined_ms,
       c.retry_congestion_ms, c.retry_provider_error_ms, c.retry_lost_ms, c.calls_per_second,
       c.concurrent_max, c.window_open_minute, c.window_close_minute, c.time_zone,
       c.expires_after_ms, c.default_region, c.synthetic, c.operator_number,
       c.operator_region, c.text_languages, c.text_templates, c.text_language,
       c.time_scale, c.state, c.state_reason,
       c.cancel_mode, c.created_at, c.started_at, c.expires_at, c.ended_at
FROM campaign AS c
JOIN trunk AS t ON t.trunk_id = c.trunk_id
WHERE c.campaign_id = any($1::bigint[])
ORDER BY c.campaign_id DESC;

-- name: ReadCampaignStates
-- Where campaigns stand, for a batch of facts; the rest of them never changes.
--
-- $1 campaign_ids bigint[]
SELECT campaign_id, state, state_reason, cancel_mode, started_at, expires_at, ended_at
FROM campaign
WHERE campaign_id = any($1::bigint[]);

-- name: LockCampaign
-- For a command or the end: waits for intents and imports in flight, which hold
-- it FOR SHARE, and stops new ones.
--
-- $1 campaign_id
SELECT state, tenant_id FROM campaign WHERE campaign_id = $1 FOR UPDATE;

-- name: ShareCampaign
-- For an import or anything else that a command must wait for.
--
-- $1 campaign_id
SELECT state, tenant_id FROM campaign WHERE campaign_id = $1 FOR SHARE;

-- name: ShareCampaigns
-- The same for a batch of intents, in key order.
--
-- $1 campaign_ids bigint[]
SELECT campaign_id, state
FROM campaign
WHERE campaign_id = any($1::bigint[])
ORDER BY campaign_id
FOR SHARE;

-- name: MoveCampaign
-- $1 campaign_id, $2 expected state, $3 new state, $4 reason, $5 cancel mode or
-- null (keeps), $6 started_at or null (keeps), $7 expires_at or null (keeps),
-- $8 ended_at or null
UPDATE campaign
SET state = $3::campaign_state,
    state_reason = $4,
    cancel_mode = coalesce($5::cancel_mode, cancel_mode),
    started_at = coalesce($6::timestamptz, started_at),
    expires_at = coalesce($7::timestamptz, expires_at),
    ended_at = $8::timestamptz
WHERE campaign_id = $1
  AND state = $2::campaign_state;

-- name: ListCampaignIds
-- A page, newest first.
--
-- $1 tenant_id, $2 campaign_id before which to go on, $3 page size
SELECT campaign_id
FROM campaign
WHERE tenant_id = $1
  AND campaign_id < $2
ORDER BY campaign_id DESC
LIMIT $3;

-- name: HasRecipients
-- $1 campaign_id
SELECT EXISTS (SELECT FROM recipient WHERE campaign_id = $1);

-- name: HasOpenImport
-- $1 campaign_id
SELECT EXISTS (SELECT FROM import WHERE campaign_id = $1 AND finished_at IS NULL);

-- name: HasOpenWork
-- Whether somebody of the campaign is waiting, planned or being rung.
--
-- $1 campaign_id
SELECT EXISTS (SELECT FROM due_queue WHERE campaign_id = $1)
    OR EXISTS (SELECT FROM call_attempt WHERE campaign_id = $1 AND ended_at IS NULL);

-- name: HasUnfinishedPeople
-- The last word before a campaign ends: one look at everybody, so that whoever
-- moves from a call to the queue meanwhile is seen in one place or the other.
--
-- $1 campaign_id
SELECT EXISTS (SELECT FROM recipient WHERE campaign_id = $1 AND outcome IS NULL);

-- name: DistinctTimeZones
-- $1 campaign_id
SELECT DISTINCT time_zone FROM recipient WHERE campaign_id = $1;

-- name: EnqueueEverybody
-- The first try of everybody, at one time.
--
-- $1 campaign_id, $2 due_at
INSERT INTO due_queue
    (campaign_id, recipient_id, priority, due_at, number, number_index, text_id)
SELECT campaign_id, recipient_id, priority, $2, numbers[1], 0, text_id
FROM recipient
WHERE campaign_id = $1
  AND outcome IS NULL
ORDER BY recipient_id;

-- name: EnqueueZone
-- The first try of everybody in one time zone.
--
-- $1 campaign_id, $2 due_at, $3 time_zone
INSERT INTO due_queue
    (campaign_id, recipient_id, priority, due_at, number, number_index, text_id)
SELECT campaign_id, recipient_id, priority, $2, numbers[1], 0, text_id
FROM recipient
WHERE campaign_id = $1
  AND time_zone = $3
  AND outcome IS NULL
ORDER BY recipient_id;

-- name: ConcludeZone
-- The outcome of everybody in one time zone whose window does not open before
-- the campaign expires.
--
-- $1 campaign_id, $2 time_zone, $3 outcome, $4 reason, $5 now
UPDATE recipient
SET outcome = $3::outcome,
    outcome_reason = $4,
    concluded_at = $5
WHERE campaign_id = $1
  AND time_zone = $2
  AND outcome IS NULL;

-- name: ConcludeUntouched
-- The outcome of people who were never due: a draft was canceled.
--
-- $1 campaign_id, $2 outcome, $3 reason, $4 now, $5 limit
UPDATE recipient
SET outcome = $2::outcome,
    outcome_reason = $3,
    concluded_at = $4
WHERE campaign_id = $1
  AND recipient_id = any(array(
      SELECT r.recipient_id
      FROM recipient AS r
      WHERE r.campaign_id = $1
        AND r.outcome IS NULL
        AND NOT EXISTS (SELECT FROM due_queue AS d
                        WHERE d.campaign_id = $1 AND d.recipient_id = r.recipient_id)
        AND NOT EXISTS (SELECT FROM call_attempt AS a
                        WHERE a.campaign_id = $1 AND a.recipient_id = r.recipient_id
                          AND a.ended_at IS NULL)
        AND NOT EXISTS (SELECT FROM call_group_member AS g
                        WHERE g.campaign_id = $1 AND g.recipient_id = r.recipient_id
                          AND g.ended_at IS NULL)
      ORDER BY r.recipient_id
      LIMIT $5
      FOR UPDATE OF r))
  AND outcome IS NULL;

-- name: AddAuditTrail
-- $1 tenant_id, $2 campaign_id, $3 now, $4 actor, $5 action, $6 detail
INSERT INTO audit_trail (tenant_id, campaign_id, at, actor, action, detail)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: FindApiRequest
-- $1 tenant_id, $2 request_id
SELECT fingerprint, method, campaign_id, coalesce(import_id, 0), state_then, state_reason_then
FROM api_request
WHERE tenant_id = $1
  AND request_id = $2;

-- name: InsertApiRequest
-- Two that ask the same at once: the second one fails on the key, is repeated
-- and finds the first one's answer.
--
-- $1 tenant_id, $2 request_id, $3 fingerprint, $4 method, $5 campaign_id,
-- $6 import_id or null, $7 state or null, $8 state_reason or null, $9 now
INSERT INTO api_request
    (tenant_id, request_id, fingerprint, method, campaign_id, import_id, state_then,
     state_reason_then, requested_at)
VALUES ($1, $2, $3, $4, $5, $6, $7::campaign_state, $8, $9)
ON CONFLICT (tenant_id, request_id) DO NOTHING;

-- name: Notify
-- Wakes whoever listens, when this transaction commits. The same channel twice
-- in a transaction is one notification.
--
-- $1 channel
SELECT pg_notify('tocsin', $1);

-- name: AnalyzeRecipients
-- After a list has been taken in: the planner must not believe that it is empty.
ANALYZE recipient;

-- name: AnalyzeDueQueue
ANALYZE due_queue;
