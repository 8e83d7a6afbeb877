-- oldest program: 0009
-- Who asks for an operator is put through to one.

-- New values must not be used as such by the transaction that adds them.
ALTER TYPE fact_kind ADD VALUE IF NOT EXISTS 'JOINED' BEFORE 'OTHER_EVENT';
ALTER TYPE fact_kind ADD VALUE IF NOT EXISTS 'TRANSFERRED' BEFORE 'OTHER_EVENT';
ALTER TYPE fact_kind ADD VALUE IF NOT EXISTS 'TRANSFER_FAILED' BEFORE 'OTHER_EVENT';
ALTER TYPE action_kind ADD VALUE IF NOT EXISTS 'TRANSFER' BEFORE 'HANG_UP';
ALTER TYPE action_kind ADD VALUE IF NOT EXISTS 'LEAVE' BEFORE 'HANG_UP';

ALTER TABLE campaign
    -- To whom; null: to nobody, that somebody asked is noted.
    ADD COLUMN operator_number phone_e164,
    ADD COLUMN operator_region text NOT NULL DEFAULT '';  -- ISO 3166; empty: unknown.
-- When an operator was there.
ALTER TABLE call_attempt ADD COLUMN put_through_at timestamptz;

COMMENT ON TABLE call_action IS
    'Plays, cancels, transfers, leaving and hang-ups that were decided.';

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
       END AS ambiguous,
       a.put_through_at
FROM public.call_attempt AS a
JOIN public.trunk AS t ON t.trunk_id = a.trunk_id;
COMMENT ON COLUMN reporting.call_attempts.put_through_at IS
    'When an operator was there for the person who had asked for one; null if nobody was.';
