-- planned -> dialing: the linearization point of every call.

-- name: LockLease
-- The pacer's lease against being taken over, and against a second batch of
-- intents of the same group: caps are counted and used under it. Reads no clock;
-- an expired lease that nobody took is still ours by its epoch. Whoever has been
-- succeeded locks nothing, and so cannot hold up its successor.
--
-- $1 pacing_group, $2 epoch
SELECT epoch FROM pacer_lease WHERE pacing_group = $1 AND epoch = $2 FOR NO KEY UPDATE;

-- name: ReadIntended
-- The people whom planned attempts serve, and whether they still need a call.
--
-- $1 campaign_ids bigint[], $2 recipient_ids bigint[]
SELECT r.campaign_id, r.recipient_id, r.outcome IS NOT NULL
FROM unnest($1::bigint[], $2::bigint[]) AS key (campaign_id, recipient_id)
CROSS JOIN LATERAL (
    SELECT p.campaign_id, p.recipient_id, p.outcome
    FROM recipient AS p
    WHERE p.campaign_id = key.campaign_id
      AND p.recipient_id = key.recipient_id
    OFFSET 0) AS r;

-- name: FindSuppressed
-- Which of the numbers must not be rung, and whose word that is.
--
-- $1 tenant_ids bigint[], $2 purposes text[], $3 numbers text[]
SELECT v.tenant_id, v.purpose, v.number, s.source
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS v (tenant_id, purpose, number)
CROSS JOIN LATERAL (
    SELECT w.source
    FROM suppression AS w
    WHERE w.tenant_id = v.tenant_id
      AND w.number = v.number
      AND w.purpose IN (v.purpose, '*')
    LIMIT 1) AS s;

-- name: FindLockedNumbers
-- $1 numbers text[]
SELECT e164 FROM number_lock WHERE e164 = any($1::text[]);

-- name: CountLive
-- Live attempts of a trunk by caller number and campaign, for the caps.
--
-- $1 trunk_id
SELECT caller, campaign_id, count(*) FROM number_lock WHERE trunk_id = $1 GROUP BY 1, 2;

-- name: LockNumbers
-- In the order of the numbers, so that two who want the same never wait for each
-- other in a circle. Whoever does not come back was faster elsewhere.
--
-- $1 numbers text[], $2 campaign_ids bigint[], $3 attempt_ids bigint[],
-- $4 callers text[], $5 trunk_id, $6 now
INSERT INTO number_lock (e164, campaign_id, attempt_id, trunk_id, caller, taken_at)
SELECT number, campaign_id, attempt_id, $5, caller, $6
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[])
    AS v (number, campaign_id, attempt_id, caller)
ORDER BY number
ON CONFLICT (e164) DO NOTHING
RETURNING campaign_id, attempt_id;

-- name: Intend
-- An attempt that was never sent before has an empty log, which the store that
-- sends it now knows whole.
--
-- $1 campaign_ids bigint[], $2 attempt_ids bigint[], $3 callers text[],
-- $4 pacing_group, $5 epoch, $6 now, $7 trunk_id, $8 log_keeper
UPDATE call_attempt AS a
SET state = 'DIALING',
    caller = v.caller,
    pacing_group = $4,
    intent_epoch = $5,
    intended_at = $6,
    trunk_id = $7,
    sends = a.sends + 1,
    retry_send_at = NULL,
    log_keeper = coalesce(a.log_keeper, $8)
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS v (campaign_id, attempt_id, caller)
WHERE a.campaign_id = v.campaign_id
  AND a.attempt_id = v.attempt_id
  AND a.state = 'PLANNED';

-- name: AddTrunkSends
-- $1 trunk_id, $2 sends
INSERT INTO trunk_sends (trunk_id, sends)
VALUES ($1, greatest($2::bigint, 0))
ON CONFLICT (trunk_id) DO UPDATE
SET sends = greatest(trunk_sends.sends + $2, 0);

-- name: ReadTrunkSends
-- $1 trunk_id
SELECT coalesce((SELECT sends FROM trunk_sends WHERE trunk_id = $1), 0);
