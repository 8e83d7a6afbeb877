-- The values that fact_kind and action_kind gained stay: one cannot be taken out of a
-- type.
COMMENT ON TABLE call_action IS 'Plays, cancels and hang-ups that were decided.';
DROP VIEW reporting.call_attempts;
ALTER TABLE call_attempt DROP COLUMN put_through_at;
ALTER TABLE campaign DROP COLUMN operator_number, DROP COLUMN operator_region;

CREATE VIEW reporting.call_attempts AS
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

COMMENT ON VIEW reporting.call_attempts IS
    'One row for each try to reach somebody. '
    'How it ended, how much was heard and who answered are three columns.';
COMMENT ON COLUMN reporting.call_attempts.campaign_id IS 'The campaign.';
COMMENT ON COLUMN reporting.call_attempts.attempt_id IS 'The attempt; unique within the campaign.';
COMMENT ON COLUMN reporting.call_attempts.recipient_id IS
    'The person rung. Others who share the number: attempt_people.';
COMMENT ON COLUMN reporting.call_attempts.people IS 'How many people this one call serves.';
COMMENT ON COLUMN reporting.call_attempts.attempt_no IS
    'The how-manyth attempt for the person rung, from 1.';
COMMENT ON COLUMN reporting.call_attempts.sends IS
    'Create-call requests made for it; more than one only if earlier ones reached nobody. '
    'See sends.';
COMMENT ON COLUMN reporting.call_attempts.trunk IS 'The trunk that carried it.';
COMMENT ON COLUMN reporting.call_attempts.caller_number IS
    'The number called from, E.164; null before the first send.';
COMMENT ON COLUMN reporting.call_attempts.number IS 'The number rung, E.164 in full.';
COMMENT ON COLUMN reporting.call_attempts.state IS
    'PLANNED, DIALING, UNRESOLVED (may have been placed, cannot tell) or ENDED.';
COMMENT ON COLUMN reporting.call_attempts.planned_at IS 'When the person was taken from the queue.';
COMMENT ON COLUMN reporting.call_attempts.intended_at IS
    'When the intent to send was committed, for the last send.';
COMMENT ON COLUMN reporting.call_attempts.sent_at IS 'When the last create-call request left.';
COMMENT ON COLUMN reporting.call_attempts.ringing_at IS
    'When it rang; null where the provider does not tell.';
COMMENT ON COLUMN reporting.call_attempts.answered_at IS
    'When it was answered, by the provider''s clock.';
COMMENT ON COLUMN reporting.call_attempts.ended_at IS
    'When it ended, by the provider''s clock, or when that was concluded.';
COMMENT ON COLUMN reporting.call_attempts.setup_s IS 'Seconds from the send to the answer.';
COMMENT ON COLUMN reporting.call_attempts.talk_s IS
    'Seconds from the answer to the end, from the provider''s times only.';
COMMENT ON COLUMN reporting.call_attempts.seizure IS
    'The provider took the call: it accepted the request, or an event proves it.';
COMMENT ON COLUMN reporting.call_attempts.disposition IS
    'How it ended: ANSWERED, BUSY, NO_ANSWER, DECLINED, INVALID_NUMBER, UNREACHABLE, '
    'NETWORK_BLOCKED, CONGESTION, CONFIG_ERROR, PROVIDER_ERROR, CANCELED or LOST.';
COMMENT ON COLUMN reporting.call_attempts.disposition_source IS
    'OBSERVED: the provider said so. INFERRED: concluded from its silence about a reason.';
COMMENT ON COLUMN reporting.call_attempts.provider_code IS
    'The provider''s raw code of the end; 0 if it gave none.';
COMMENT ON COLUMN reporting.call_attempts.provider_subcode IS
    'The provider''s raw subcode of the end; 0 if it gave none.';
COMMENT ON COLUMN reporting.call_attempts.provider_reason IS 'The provider''s words about the end.';
COMMENT ON COLUMN reporting.call_attempts.provider_call IS 'The provider''s id of the call.';
COMMENT ON COLUMN reporting.call_attempts.delivery IS
    'How much of the message was played while connected: NONE, PARTIAL, FULL (one '
    'uninterrupted copy) or UNKNOWN.';
COMMENT ON COLUMN reporting.call_attempts.heard_ms IS 'Of the longest copy, in milliseconds.';
COMMENT ON COLUMN reporting.call_attempts.answered_by IS
    'HUMAN: a key was pressed. MACHINE: a detector said so. UNKNOWN: answered, and no more '
    'is known. NOBODY: not answered.';
COMMENT ON COLUMN reporting.call_attempts.informed IS 'Heard in full or acknowledged.';
COMMENT ON COLUMN reporting.call_attempts.acknowledged_at IS
    'When the key that confirms was pressed, after the message had said who calls.';
COMMENT ON COLUMN reporting.call_attempts.refused_at IS 'When the key that refuses was pressed.';
COMMENT ON COLUMN reporting.call_attempts.opted_out_at IS
    'When the key that opts out was pressed for the second time.';
COMMENT ON COLUMN reporting.call_attempts.asked_operator_at IS
    'When the key for an operator was pressed.';
COMMENT ON COLUMN reporting.call_attempts.revision IS
    'How often late facts changed the row after the attempt had ended.';
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

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tocsin_analyst') THEN
        GRANT SELECT ON reporting.call_attempts TO tocsin_analyst;
    END IF;
END
$$;
