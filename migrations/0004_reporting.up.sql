-- oldest program: 0004
-- The schema "reporting": public, documented, stable. Columns are added, never
-- renamed. Times are timestamptz; lengths are in seconds (_s) or milliseconds
-- (_ms) of the caller's own clock, which on a rehearsal endpoint runs faster.
--
-- Telephone numbers stand in full here: analysts need them to act on a result.
-- Who may read this schema may read numbers; nothing else may copy them on.

CREATE SCHEMA reporting;
COMMENT ON SCHEMA reporting IS
    'Outcomes of campaigns for analysts. Public API: columns are added, never renamed.';

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
       a.revision
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

CREATE VIEW reporting.attempt_people AS
SELECT campaign_id, attempt_id, recipient_id, true AS rung FROM public.call_attempt
UNION ALL
SELECT campaign_id, attempt_id, recipient_id, false FROM public.call_group_member;

COMMENT ON VIEW reporting.attempt_people IS
    'Who was served by which attempt: people who share a number and the message share a call.';
COMMENT ON COLUMN reporting.attempt_people.campaign_id IS 'The campaign.';
COMMENT ON COLUMN reporting.attempt_people.attempt_id IS 'The attempt.';
COMMENT ON COLUMN reporting.attempt_people.recipient_id IS 'A person whom it served.';
COMMENT ON COLUMN reporting.attempt_people.rung IS
    'True for the person rung, false for those who share the number.';

CREATE VIEW reporting.sends AS
SELECT e.campaign_id,
       e.attempt_id,
       e.number AS send_no,
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
WHERE e.kind IN ('CREATE_ACCEPTED', 'CREATE_REFUSED', 'CREATE_THROTTLED', 'CREATE_UNKNOWN')
  AND NOT (e.kind = 'CREATE_UNKNOWN' AND e.text IS NOT DISTINCT FROM 'interrupted');

COMMENT ON VIEW reporting.sends IS
    'One row for each create-call request with the time at which it left: '
    'what rates are judged by.';
COMMENT ON COLUMN reporting.sends.campaign_id IS 'The campaign.';
COMMENT ON COLUMN reporting.sends.attempt_id IS 'The attempt that it was made for.';
COMMENT ON COLUMN reporting.sends.send_no IS 'The how-manyth request of the attempt, from 1.';
COMMENT ON COLUMN reporting.sends.sent_at IS 'Just before its first byte left.';
COMMENT ON COLUMN reporting.sends.result IS 'ACCEPTED, REFUSED, THROTTLED or UNKNOWN (no answer).';
COMMENT ON COLUMN reporting.sends.provider_code IS 'The HTTP status of a refusal; else 0.';
COMMENT ON COLUMN reporting.sends.number IS 'The number asked for, E.164 in full.';
COMMENT ON COLUMN reporting.sends.trunk IS 'The trunk.';
COMMENT ON COLUMN reporting.sends.trunk_calls_per_second IS
    'The trunk''s limit in any rolling second, as it is configured now.';

CREATE VIEW reporting.acknowledgements AS
SELECT k.campaign_id,
       k.recipient_id,
       r.person_key,
       k.attempt_id,
       a.attempt_no,
       k.recipient_id = a.recipient_id AS rung,
       k.number,
       k.tone AS key,
       k.acknowledged_at,
       k.offset_ms,
       k.message_version,
       extract(epoch FROM k.acknowledged_at - c.started_at)::double precision
           AS time_to_acknowledge_s
FROM public.acknowledgement AS k
JOIN public.recipient AS r ON r.campaign_id = k.campaign_id AND r.recipient_id = k.recipient_id
JOIN public.call_attempt AS a ON a.campaign_id = k.campaign_id AND a.attempt_id = k.attempt_id
JOIN public.campaign AS c ON c.campaign_id = k.campaign_id;

COMMENT ON VIEW reporting.acknowledgements IS
    'One row for each person who confirmed, with the first confirmation.';
COMMENT ON COLUMN reporting.acknowledgements.campaign_id IS 'The campaign.';
COMMENT ON COLUMN reporting.acknowledgements.recipient_id IS 'The person confirmed.';
COMMENT ON COLUMN reporting.acknowledgements.person_key IS 'The submitter''s key of the person.';
COMMENT ON COLUMN reporting.acknowledgements.attempt_id IS
    'The attempt in which the key was pressed.';
COMMENT ON COLUMN reporting.acknowledgements.attempt_no IS
    'The how-manyth attempt that was for the person rung.';
COMMENT ON COLUMN reporting.acknowledgements.rung IS
    'False if the person shares the number with the one who was rung.';
COMMENT ON COLUMN reporting.acknowledgements.number IS
    'The number where the key was pressed, E.164 in full.';
COMMENT ON COLUMN reporting.acknowledgements.key IS 'The key.';
COMMENT ON COLUMN reporting.acknowledgements.acknowledged_at IS 'When, by the provider''s clock.';
COMMENT ON COLUMN reporting.acknowledgements.offset_ms IS
    'Milliseconds since the first copy of the message began.';
COMMENT ON COLUMN reporting.acknowledgements.message_version IS
    'Which recording was played: prompt:<id>, or uri for the campaign''s own URL.';
COMMENT ON COLUMN reporting.acknowledgements.time_to_acknowledge_s IS
    'Seconds since the campaign''s start.';

CREATE VIEW reporting.recipient_outcomes AS
SELECT r.campaign_id,
       r.recipient_id,
       r.person_key,
       r.name,
       r.numbers,
       r.time_zone,
       r.language,
       r.priority,
       r.outcome::text AS outcome,
       r.outcome_reason,
       CASE WHEN r.outcome = 'NOT_REACHED' THEN r.outcome_reason END AS not_reached_reason,
       r.served_by_attempt_id,
       r.attempts_made,
       r.first_attempt_at,
       array_to_string(r.history, ' ') LIKE '%/ANSWERED/%' AS answered,
       array_to_string(r.history, ' ') LIKE '%/FULL/%' OR k.recipient_id IS NOT NULL AS informed,
       k.acknowledged_at,
       extract(epoch FROM r.first_attempt_at - c.started_at)::double precision
           AS time_to_first_attempt_s,
       extract(epoch FROM k.acknowledged_at - c.started_at)::double precision
           AS time_to_acknowledge_s,
       r.concluded_at,
       r.revision
FROM public.recipient AS r
JOIN public.campaign AS c ON c.campaign_id = r.campaign_id
LEFT JOIN public.acknowledgement AS k
    ON k.campaign_id = r.campaign_id AND k.recipient_id = r.recipient_id;

COMMENT ON VIEW reporting.recipient_outcomes IS
    'One row for each person of a campaign, with exactly one outcome once the campaign is over.';
COMMENT ON COLUMN reporting.recipient_outcomes.campaign_id IS 'The campaign.';
COMMENT ON COLUMN reporting.recipient_outcomes.recipient_id IS
    'The person; unique within the campaign.';
COMMENT ON COLUMN reporting.recipient_outcomes.person_key IS 'The submitter''s key of the person.';
COMMENT ON COLUMN reporting.recipient_outcomes.name IS 'The name as submitted.';
COMMENT ON COLUMN reporting.recipient_outcomes.numbers IS
    'The numbers in the order in which they are tried, E.164 in full.';
COMMENT ON COLUMN reporting.recipient_outcomes.time_zone IS 'IANA name; empty: the campaign''s.';
COMMENT ON COLUMN reporting.recipient_outcomes.language IS 'BCP 47; empty: the campaign''s.';
COMMENT ON COLUMN reporting.recipient_outcomes.priority IS '0 to 9; higher is rung first.';
COMMENT ON COLUMN reporting.recipient_outcomes.outcome IS
    'CONFIRMED, DELIVERED_UNCONFIRMED, PARTIAL, NOT_REACHED, REFUSED, OPTED_OUT, '
    'NO_USABLE_NUMBER, SUPPRESSED, EXPIRED, CANCELED or UNKNOWN; null while the campaign '
    'runs.';
COMMENT ON COLUMN reporting.recipient_outcomes.outcome_reason IS
    'Why that outcome, where it needs a reason.';
COMMENT ON COLUMN reporting.recipient_outcomes.not_reached_reason IS
    'For NOT_REACHED: the first that applies over all attempts.';
COMMENT ON COLUMN reporting.recipient_outcomes.served_by_attempt_id IS
    'The attempt that the outcome rests on, perhaps made to somebody with the same number; '
    'null if there was none.';
COMMENT ON COLUMN reporting.recipient_outcomes.attempts_made IS
    'Ended attempts that served the person.';
COMMENT ON COLUMN reporting.recipient_outcomes.first_attempt_at IS
    'When the first of them was sent.';
COMMENT ON COLUMN reporting.recipient_outcomes.answered IS
    'Whether any was answered, by whomever or whatever.';
COMMENT ON COLUMN reporting.recipient_outcomes.informed IS
    'Whether the message was heard in full once, or acknowledged.';
COMMENT ON COLUMN reporting.recipient_outcomes.acknowledged_at IS
    'When the person was confirmed; null if never.';
COMMENT ON COLUMN reporting.recipient_outcomes.time_to_first_attempt_s IS
    'Seconds from the campaign''s start to the first attempt.';
COMMENT ON COLUMN reporting.recipient_outcomes.time_to_acknowledge_s IS
    'Seconds from the campaign''s start to the acknowledgement.';
COMMENT ON COLUMN reporting.recipient_outcomes.concluded_at IS 'When the outcome was known.';
COMMENT ON COLUMN reporting.recipient_outcomes.revision IS
    'How often late facts changed the outcome afterwards.';

CREATE VIEW reporting.campaign_outcomes AS
SELECT c.campaign_id,
       c.tenant_id,
       c.name,
       c.purpose,
       t.name AS trunk,
       c.state::text AS state,
       c.state_reason,
       c.created_at,
       c.started_at,
       c.expires_at,
       c.ended_at,
       p.people,
       f.duplicates,
       f.refused_rows,
       p.people - p.suppressed - p.no_usable_number AS eligible,
       p.people - p.open AS done,
       p.open,
       p.confirmed,
       p.delivered_unconfirmed,
       p.partial,
       p.not_reached,
       p.refused,
       p.opted_out,
       p.no_usable_number,
       p.suppressed,
       p.expired,
       p.canceled,
       p.unknown,
       k.acknowledged,
       p.people_attempted,
       p.people_answered,
       a.attempts,
       a.sends,
       a.seizures,
       a.answered_attempts,
       a.acknowledged_attempts,
       round(a.answered_attempts::numeric / nullif(a.seizures, 0), 4) AS answer_seizure_ratio,
       round(k.acknowledged::numeric
             / nullif(p.people - p.suppressed - p.no_usable_number, 0), 4)
           AS acknowledged_of_eligible,
       round(k.acknowledged::numeric / nullif(p.people_answered, 0), 4)
           AS acknowledged_of_answered_people,
       round(a.acknowledged_attempts::numeric / nullif(a.answered_attempts, 0), 4)
           AS acknowledged_of_answered_attempts
FROM public.campaign AS c
JOIN public.trunk AS t ON t.trunk_id = c.trunk_id
CROSS JOIN LATERAL (
    SELECT count(*) AS people,
           count(*) FILTER (WHERE r.outcome IS NULL) AS open,
           count(*) FILTER (WHERE r.outcome = 'CONFIRMED') AS confirmed,
           count(*) FILTER (WHERE r.outcome = 'DELIVERED_UNCONFIRMED') AS delivered_unconfirmed,
           count(*) FILTER (WHERE r.outcome = 'PARTIAL') AS partial,
           count(*) FILTER (WHERE r.outcome = 'NOT_REACHED') AS not_reached,
           count(*) FILTER (WHERE r.outcome = 'REFUSED') AS refused,
           count(*) FILTER (WHERE r.outcome = 'OPTED_OUT') AS opted_out,
           count(*) FILTER (WHERE r.outcome = 'NO_USABLE_NUMBER') AS no_usable_number,
           count(*) FILTER (WHERE r.outcome = 'SUPPRESSED') AS suppressed,
           count(*) FILTER (WHERE r.outcome = 'EXPIRED') AS expired,
           count(*) FILTER (WHERE r.outcome = 'CANCELED') AS canceled,
           count(*) FILTER (WHERE r.outcome = 'UNKNOWN') AS unknown,
           count(*) FILTER (WHERE r.attempts_made > 0) AS people_attempted,
           count(*) FILTER (WHERE array_to_string(r.history, ' ') LIKE '%/ANSWERED/%')
               AS people_answered
    FROM public.recipient AS r
    WHERE r.campaign_id = c.campaign_id) AS p
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE x.reason = 'DUPLICATE_PERSON') AS duplicates,
           count(*) FILTER (WHERE x.reason <> 'DUPLICATE_PERSON') AS refused_rows
    FROM public.refused_row AS x
    WHERE x.campaign_id = c.campaign_id) AS f
CROSS JOIN LATERAL (
    SELECT count(*) AS acknowledged
    FROM public.acknowledgement AS y
    WHERE y.campaign_id = c.campaign_id) AS k
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE z.state = 'ENDED') AS attempts,
           coalesce(sum(z.sends - z.not_sent), 0) AS sends,
           count(*) FILTER (WHERE z.seizure) AS seizures,
           count(*) FILTER (WHERE z.disposition = 'ANSWERED') AS answered_attempts,
           count(*) FILTER (WHERE z.acknowledged_at IS NOT NULL) AS acknowledged_attempts
    FROM public.call_attempt AS z
    WHERE z.campaign_id = c.campaign_id) AS a;

COMMENT ON VIEW reporting.campaign_outcomes IS
    'One row for each campaign, counted from its people and attempts '
    '(not from the running counters).';
COMMENT ON COLUMN reporting.campaign_outcomes.campaign_id IS
    'The campaign; later ones have greater ids.';
COMMENT ON COLUMN reporting.campaign_outcomes.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN reporting.campaign_outcomes.name IS 'Its name.';
COMMENT ON COLUMN reporting.campaign_outcomes.purpose IS 'What opting out of it is for.';
COMMENT ON COLUMN reporting.campaign_outcomes.trunk IS 'The trunk that carries its calls.';
COMMENT ON COLUMN reporting.campaign_outcomes.state IS
    'DRAFT, RUNNING, PAUSED, CANCELING, COMPLETED or CANCELED.';
COMMENT ON COLUMN reporting.campaign_outcomes.state_reason IS
    'Why it stands there: what the operator said or the breaker found.';
COMMENT ON COLUMN reporting.campaign_outcomes.created_at IS 'When it was created.';
COMMENT ON COLUMN reporting.campaign_outcomes.started_at IS
    'When it was started; times to first attempt and acknowledgement count from here.';
COMMENT ON COLUMN reporting.campaign_outcomes.expires_at IS 'Nobody is rung later than this.';
COMMENT ON COLUMN reporting.campaign_outcomes.ended_at IS 'When it was completed or canceled.';
COMMENT ON COLUMN reporting.campaign_outcomes.people IS 'People accepted.';
COMMENT ON COLUMN reporting.campaign_outcomes.duplicates IS
    'Rows refused because their person_key was there already.';
COMMENT ON COLUMN reporting.campaign_outcomes.refused_rows IS 'Rows refused for another reason.';
COMMENT ON COLUMN reporting.campaign_outcomes.eligible IS
    'People less SUPPRESSED and NO_USABLE_NUMBER.';
COMMENT ON COLUMN reporting.campaign_outcomes.done IS 'People with an outcome.';
COMMENT ON COLUMN reporting.campaign_outcomes.open IS 'People without one as yet.';
COMMENT ON COLUMN reporting.campaign_outcomes.confirmed IS 'People who acknowledged.';
COMMENT ON COLUMN reporting.campaign_outcomes.delivered_unconfirmed IS
    'People whose call played the message in full, without a key. A voicemail may have taken '
    'it.';
COMMENT ON COLUMN reporting.campaign_outcomes.partial IS
    'People whose call played part of the message.';
COMMENT ON COLUMN reporting.campaign_outcomes.not_reached IS 'People whom no call reached.';
COMMENT ON COLUMN reporting.campaign_outcomes.refused IS 'People who pressed the key that refuses.';
COMMENT ON COLUMN reporting.campaign_outcomes.opted_out IS
    'People who pressed the key that opts out, twice.';
COMMENT ON COLUMN reporting.campaign_outcomes.no_usable_number IS
    'People without a number that may be dialed.';
COMMENT ON COLUMN reporting.campaign_outcomes.suppressed IS
    'People whose number is on a suppression list.';
COMMENT ON COLUMN reporting.campaign_outcomes.expired IS
    'People whom the campaign''s end overtook.';
COMMENT ON COLUMN reporting.campaign_outcomes.canceled IS 'People whom a cancel overtook.';
COMMENT ON COLUMN reporting.campaign_outcomes.unknown IS
    'People of whose calls nobody can tell what became.';
COMMENT ON COLUMN reporting.campaign_outcomes.acknowledged IS
    'People with an acknowledgement, those of a running campaign included.';
COMMENT ON COLUMN reporting.campaign_outcomes.people_attempted IS
    'People served by at least one ended attempt.';
COMMENT ON COLUMN reporting.campaign_outcomes.people_answered IS
    'People with at least one answered attempt.';
COMMENT ON COLUMN reporting.campaign_outcomes.attempts IS 'Ended attempts.';
COMMENT ON COLUMN reporting.campaign_outcomes.sends IS 'Create-call requests that left.';
COMMENT ON COLUMN reporting.campaign_outcomes.seizures IS 'Attempts that the provider took.';
COMMENT ON COLUMN reporting.campaign_outcomes.answered_attempts IS
    'Attempts answered, by machines too.';
COMMENT ON COLUMN reporting.campaign_outcomes.acknowledged_attempts IS
    'Attempts in which somebody acknowledged.';
COMMENT ON COLUMN reporting.campaign_outcomes.answer_seizure_ratio IS
    'ASR: answered attempts / seizures; machines are answers.';
COMMENT ON COLUMN reporting.campaign_outcomes.acknowledged_of_eligible IS
    'Acknowledged people / eligible people.';
COMMENT ON COLUMN reporting.campaign_outcomes.acknowledged_of_answered_people IS
    'Acknowledged people / people with an answered attempt.';
COMMENT ON COLUMN reporting.campaign_outcomes.acknowledged_of_answered_attempts IS
    'Attempts with an acknowledgement / answered attempts.';

-- Read-only access for analysts. The role belongs to the whole cluster, not to
-- this database: it is made if it is missing and we may, and never dropped.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tocsin_analyst') THEN
        CREATE ROLE tocsin_analyst NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;  -- Made at this moment by another.
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'role tocsin_analyst is missing and may not be created; grants are skipped';
END
$$;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tocsin_analyst') THEN
        GRANT USAGE ON SCHEMA reporting TO tocsin_analyst;
        GRANT SELECT ON ALL TABLES IN SCHEMA reporting TO tocsin_analyst;
    END IF;
END
$$;
