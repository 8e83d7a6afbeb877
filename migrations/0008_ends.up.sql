-- oldest program: 0008
-- What GA tells besides: why a call ended (SIP, Q.850, and what it amounts to),
-- when a play really began, and create-calls that were sent again under their id.

-- New values must not be used as such by the transaction that adds them: below,
-- they are compared as text.
ALTER TYPE fact_kind ADD VALUE IF NOT EXISTS 'CREATE_REPEATED' AFTER 'CREATE_UNKNOWN';
ALTER TYPE fact_kind ADD VALUE IF NOT EXISTS 'PLAY_STARTED' BEFORE 'PLAY_ENDED';

CREATE TYPE end_cause AS ENUM
    ('NORMAL', 'ENDED_BY_APPLICATION', 'BUSY', 'NO_ANSWER', 'UNREACHABLE', 'CANCELLED', 'BLOCKED',
     'DECLINED_OR_LIMITED', 'DECLINED', 'INVALID_NUMBER', 'CONFIGURATION', 'CONGESTION',
     'PROVIDER_ERROR', 'THROTTLED', 'MONTHLY_LIMIT', 'STALE');
COMMENT ON TYPE end_cause IS
    'What a provider''s codes at the end of a call amount to (core/end_cause.h).';

ALTER TABLE call_event
    ADD COLUMN sip integer NOT NULL DEFAULT 0,   -- 0: not told; likewise the next.
    ADD COLUMN q850 integer NOT NULL DEFAULT 0,
    ADD COLUMN cause end_cause;                  -- Of ENDED, where the dialect tells.
ALTER TABLE call_attempt
    ADD COLUMN sip integer NOT NULL DEFAULT 0,
    ADD COLUMN q850 integer NOT NULL DEFAULT 0,
    ADD COLUMN cause end_cause;

CREATE OR REPLACE VIEW reporting.call_attempts AS
SELECT a.campaign_id,
       a.attempt_id,
       a.recipient_id,
       a.people,
       a.attempt_no,
       a.sends - a.not_sent AS sends,
       t.name AS trunk,
       a.caller AS caller_number,
       a.number,
       a.state::text AS state,
       a.planned_at,
       a.intended_at,
       a.sent_at,
       a.ringing_at,
       a.answered_at,
       a.ended_at,
       extract(epoch FROM a.answered_at - a.sent_at)::double precision AS setup_s,
       CASE WHEN a.disposition_source = 'OBSERVED'
            THEN extract(epoch FROM a.ended_at - a.answered_at)::double precision END AS talk_s,
       a.seizure,
       a.disposition::text AS disposition,
       a.disposition_source::text AS disposition_source,
       a.code AS provider_code,
       a.subcode AS provider_subcode,
       a.reason AS provider_reason,
       a.provider_call,
       CASE WHEN a.state = 'ENDED' THEN a.delivery::text END AS delivery,
       CASE WHEN a.state = 'ENDED' THEN a.heard_ms END AS heard_ms,
       CASE WHEN a.state = 'ENDED' THEN a.answered_by::text END AS answered_by,
       CASE WHEN a.state = 'ENDED'
            THEN a.delivery = 'FULL' OR a.acknowledged_at IS NOT NULL END AS informed,
       a.acknowledged_at,
       a.refused_at,
       a.opted_out_at,
       a.asked_operator_at,
       a.revision,
       nullif(a.sip, 0) AS provider_sip,
       nullif(a.q850, 0) AS provider_q850,
       a.cause::text AS cause,
       CASE WHEN a.state = 'ENDED'
            THEN coalesce(a.cause = 'DECLINED_OR_LIMITED' AND a.disposition = 'DECLINED', false)
       END AS ambiguous
FROM public.call_attempt AS a
JOIN public.trunk AS t ON t.trunk_id = a.trunk_id;
COMMENT ON COLUMN reporting.call_attempts.provider_sip IS
    'The SIP status of the far end at the end of the call; null if it was not told.';
COMMENT ON COLUMN reporting.call_attempts.provider_q850 IS
    'The Q.850 cause at the end of the call; null if it was not told.';
COMMENT ON COLUMN reporting.call_attempts.cause IS
    'What the provider''s codes amount to, before what we know ourselves makes it the '
    'disposition: NORMAL, BUSY, DECLINED_OR_LIMITED (603), ...; null where the dialect tells none.';
COMMENT ON COLUMN reporting.call_attempts.ambiguous IS
    'True if the disposition may be another: a 603 that we read as DECLINED may also be our '
    'caller number''s limit of calls, or a network that blocks without saying so.';

CREATE OR REPLACE VIEW reporting.sends AS
SELECT e.campaign_id,
       e.attempt_id,
       CASE WHEN e.kind::text = 'CREATE_REPEATED' THEN a.sends ELSE e.number END AS send_no,
       e.at AS sent_at,
       substr(e.kind::text, 8) AS result,
       e.code AS provider_code,
       a.number,
       t.name AS trunk,
       t.calls_per_second AS trunk_calls_per_second
FROM public.call_event AS e
JOIN public.call_attempt AS a ON a.campaign_id = e.campaign_id AND a.attempt_id = e.attempt_id
JOIN public.trunk AS t ON t.trunk_id = a.trunk_id
-- A send that a crash interrupted has the time of its intent, not its own.
WHERE e.kind::text IN ('CREATE_ACCEPTED', 'CREATE_REFUSED', 'CREATE_THROTTLED', 'CREATE_UNKNOWN',
                       'CREATE_REPEATED')
  AND NOT (e.kind = 'CREATE_UNKNOWN' AND e.text IS NOT DISTINCT FROM 'interrupted');
COMMENT ON COLUMN reporting.sends.result IS
    'ACCEPTED, REFUSED, THROTTLED, UNKNOWN (no answer), or REPEATED: one that had been UNKNOWN '
    'was sent again under its id, which places no second call.';
COMMENT ON COLUMN reporting.sends.send_no IS
    'The how-manyth request of the attempt, from 1; a repetition has that of what it repeats.';

CREATE VIEW reporting.caller_numbers AS
SELECT t.name AS trunk,
       a.caller AS caller_number,
       count(*) AS attempts,
       count(*) FILTER (WHERE a.seizure) AS seizures,
       count(*) FILTER (WHERE a.disposition = 'ANSWERED') AS answered,
       count(*) FILTER (WHERE s.is_603) AS refused_603,
       count(*) FILTER (WHERE s.is_603 AND a.disposition = 'NETWORK_BLOCKED') AS blocked,
       count(*) FILTER (WHERE s.is_603 AND a.disposition = 'CONGESTION') AS over_own_limit,
       count(*) FILTER (WHERE s.is_603 AND a.disposition = 'DECLINED') AS ambiguous,
       count(*) FILTER (WHERE s.is_603)::double precision
           / nullif(count(*) FILTER (WHERE a.seizure), 0) AS refused_603_of_seizures,
       max(a.ended_at) FILTER (WHERE s.is_603) AS last_603_at
FROM public.call_attempt AS a
JOIN public.trunk AS t ON t.trunk_id = a.trunk_id
CROSS JOIN LATERAL (
    SELECT coalesce(a.cause IN ('BLOCKED', 'DECLINED_OR_LIMITED')
                    AND a.disposition <> 'ANSWERED', false) AS is_603) AS s
WHERE a.state = 'ENDED'
  AND a.caller IS NOT NULL
GROUP BY t.name, a.caller;

COMMENT ON VIEW reporting.caller_numbers IS
    'One row for each caller number of a trunk: how its calls fared, and how often they were '
    'refused with 603. A number that networks block, or that has more calls than it may have, '
    'shows here first.';
COMMENT ON COLUMN reporting.caller_numbers.trunk IS 'The trunk.';
COMMENT ON COLUMN reporting.caller_numbers.caller_number IS
    'The number called from, E.164 in full.';
COMMENT ON COLUMN reporting.caller_numbers.attempts IS 'Ended attempts from it.';
COMMENT ON COLUMN reporting.caller_numbers.seizures IS 'Of them the provider took.';
COMMENT ON COLUMN reporting.caller_numbers.answered IS 'Of them were answered.';
COMMENT ON COLUMN reporting.caller_numbers.refused_603 IS
    'Of them ended with 603, whatever it meant.';
COMMENT ON COLUMN reporting.caller_numbers.blocked IS '603 in which a network said that it blocks.';
COMMENT ON COLUMN reporting.caller_numbers.over_own_limit IS
    '603 while our calls on this number were at their limit: lower the limit, or have the '
    'provider raise its own.';
COMMENT ON COLUMN reporting.caller_numbers.ambiguous IS
    '603 that we read as a person who declined, and that may mean either of the others.';
COMMENT ON COLUMN reporting.caller_numbers.refused_603_of_seizures IS 'refused_603 / seizures.';
COMMENT ON COLUMN reporting.caller_numbers.last_603_at IS 'When the last of them ended.';

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tocsin_analyst') THEN
        GRANT SELECT ON reporting.caller_numbers TO tocsin_analyst;
    END IF;
END
$$;
