-- oldest program: 0003
-- Who is to be rung next, every attempt to reach somebody, and the log of what
-- is known of each.

-- People who wait for their next call: narrow, because a claim deletes from it
-- what it takes. Nobody is in it who has an outcome or an open attempt.
CREATE TABLE due_queue (
    campaign_id   bigint       NOT NULL,
    recipient_id  bigint       NOT NULL,
    priority      smallint     NOT NULL,
    due_at        timestamptz  NOT NULL,
    number        text         NOT NULL,  -- The one to be rung: people who share it share a call.
    number_index  smallint     NOT NULL,  -- Into the person's numbers, from 0.
    PRIMARY KEY (campaign_id, recipient_id)
) PARTITION BY RANGE (campaign_id);
COMMENT ON TABLE due_queue IS 'People who wait for their next call.';
CREATE TABLE due_queue_default PARTITION OF due_queue DEFAULT
    WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
-- The order of claims.
CREATE INDEX due_queue_order ON due_queue (campaign_id, priority, due_at, recipient_id);
-- Those who share a number. Made last: between indexes that cost the same, which
-- those of an empty table do, the planner takes the youngest.
CREATE INDEX due_queue_number ON due_queue (campaign_id, number);

CREATE SEQUENCE attempt_id_seq CACHE 20;

-- One try to reach somebody. Results are written when it ends, and a key that
-- counts when it is pressed; everything between is in the log alone.
CREATE TABLE call_attempt (
    campaign_id    bigint         NOT NULL,
    attempt_id     bigint         NOT NULL DEFAULT nextval('attempt_id_seq'),
    -- The person rung; call_group_member has those who ride along.
    recipient_id   bigint         NOT NULL,
    people         smallint       NOT NULL CHECK (people >= 1),
    trunk_id       bigint         NOT NULL,
    number         text           NOT NULL,  -- E.164.
    number_index   smallint       NOT NULL CHECK (number_index >= 0),
    attempt_no     smallint       NOT NULL CHECK (attempt_no >= 1),  -- For the person, from 1.
    state          attempt_state  NOT NULL,
    claim_epoch    bigint         NOT NULL,  -- Of the pacer that holds it while planned.
    planned_at     timestamptz    NOT NULL,
    -- The intent to send, committed before the send.
    caller         text,
    pacing_group   text,
    intent_epoch   bigint,
    intended_at    timestamptz,
    sends          smallint       NOT NULL DEFAULT 0 CHECK (sends >= 0),      -- Intents committed.
    not_sent       smallint       NOT NULL DEFAULT 0 CHECK (not_sent >= 0),   -- Of them never left.
    retry_send_at  timestamptz,              -- Given back: not before.

    -- What the facts say (core/fold.h).
    provider_call  text,
    seizure        boolean        NOT NULL DEFAULT false,
    sent_at        timestamptz,
    ringing_at     timestamptz,
    answered_at    timestamptz,
    ended_at       timestamptz,
    disposition    disposition,
    disposition_source  disposition_source,
    code           integer        NOT NULL DEFAULT 0,
    subcode        integer        NOT NULL DEFAULT 0,
    reason         text           NOT NULL DEFAULT '',
    delivery       delivery       NOT NULL DEFAULT 'NONE',
    heard_ms       bigint         NOT NULL DEFAULT 0,
    answered_by    answered_by    NOT NULL DEFAULT 'NOBODY',
    acknowledged_at     timestamptz,
    refused_at          timestamptz,
    opted_out_at        timestamptz,
    asked_operator_at   timestamptz,
    revision       integer        NOT NULL DEFAULT 0,  -- Times its end was changed afterwards.
    PRIMARY KEY (campaign_id, attempt_id),
    CONSTRAINT call_attempt_end CHECK
        ((state = 'ENDED') = (ended_at IS NOT NULL)
     AND (state = 'ENDED') = (disposition IS NOT NULL)
     AND (state = 'ENDED') = (disposition_source IS NOT NULL)),
    CONSTRAINT call_attempt_intent CHECK
        (state NOT IN ('DIALING', 'UNRESOLVED')
         OR (sends >= 1 AND caller IS NOT NULL AND intended_at IS NOT NULL
             AND intent_epoch IS NOT NULL AND pacing_group IS NOT NULL)),
    CONSTRAINT call_attempt_sends CHECK (not_sent <= sends)
) PARTITION BY RANGE (campaign_id);
COMMENT ON TABLE call_attempt IS 'One try to reach somebody.';
CREATE TABLE call_attempt_default PARTITION OF call_attempt DEFAULT
    WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05,
          autovacuum_vacuum_threshold = 5000);
-- The promise of the whole system, kept by the database and not by care: one
-- person has at most one attempt that is not over. By ended_at, not by state, so
-- that planned -> dialing stays a heap-only update.
CREATE UNIQUE INDEX call_attempt_one_open ON call_attempt (campaign_id, recipient_id)
    WHERE ended_at IS NULL;

-- People served by somebody else's attempt: they share number and message.
CREATE TABLE call_group_member (
    campaign_id   bigint    NOT NULL,
    attempt_id    bigint    NOT NULL,
    recipient_id  bigint    NOT NULL,
    number_index  smallint  NOT NULL CHECK (number_index >= 0),  -- Into that person's numbers.
    ended_at      timestamptz,
    PRIMARY KEY (campaign_id, attempt_id, recipient_id)
) PARTITION BY RANGE (campaign_id);
COMMENT ON TABLE call_group_member IS
    'People served by the attempt of somebody who shares their number.';
CREATE TABLE call_group_member_default PARTITION OF call_group_member DEFAULT
    WITH (fillfactor = 80);
CREATE UNIQUE INDEX call_group_member_one_open ON call_group_member (campaign_id, recipient_id)
    WHERE ended_at IS NULL;

-- A row for each live attempt (dialing or unresolved): no number is rung twice
-- at once, over all campaigns and tenants. Also what concurrency caps count.
CREATE TABLE number_lock (
    e164         phone_e164   PRIMARY KEY,
    campaign_id  bigint       NOT NULL,
    attempt_id   bigint       NOT NULL,
    trunk_id     bigint       NOT NULL,
    caller       text         NOT NULL,
    taken_at     timestamptz  NOT NULL,
    CONSTRAINT number_lock_one_per_attempt UNIQUE (campaign_id, attempt_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE number_lock IS 'The numbers that are being rung, one row for each live attempt.';
CREATE INDEX number_lock_trunk ON number_lock (trunk_id, caller);

-- The append-only log: everything said about an attempt is a function of the set
-- of its rows. The key tells a fact told twice from two facts; a second index
-- would nearly halve the speed of the whole, so there is none.
CREATE TABLE call_event (
    campaign_id  bigint       NOT NULL,
    attempt_id   bigint       NOT NULL,
    -- The provider's event id, a hash of the canonical event, or KIND/number.
    event_key    text         NOT NULL,
    kind         fact_kind    NOT NULL,
    at           timestamptz  NOT NULL,  -- When it happened.
    received_at  timestamptz  NOT NULL,  -- When we learned or decided it.
    number       integer      NOT NULL,
    code         integer      NOT NULL,
    subcode      integer      NOT NULL,
    tone         text,                   -- One of 0-9 * # a-d.
    call         text,                   -- The provider's id.
    text         text,                   -- The provider's words.
    raw          text,                   -- The event as received.
    PRIMARY KEY (campaign_id, attempt_id, event_key)
) PARTITION BY RANGE (campaign_id);
COMMENT ON TABLE call_event IS 'The append-only log of what is known about attempts.';
CREATE TABLE call_event_default PARTITION OF call_event DEFAULT;

-- What was decided to be done to a call. Whoever inserts it sends it.
CREATE TABLE call_action (
    campaign_id  bigint       NOT NULL,
    attempt_id   bigint       NOT NULL,
    ordinal      integer      NOT NULL CHECK (ordinal >= 1),
    kind         action_kind  NOT NULL,
    decided_at   timestamptz  NOT NULL,
    offered_at   timestamptz,            -- When a sweep gave it to somebody again.
    PRIMARY KEY (campaign_id, attempt_id, ordinal)
) PARTITION BY RANGE (campaign_id);
COMMENT ON TABLE call_action IS 'Plays, cancels and hang-ups that were decided.';
CREATE TABLE call_action_default PARTITION OF call_action DEFAULT WITH (fillfactor = 90);

-- The first acknowledgement of each person: a key that counted.
CREATE TABLE acknowledgement (
    campaign_id      bigint       NOT NULL,
    recipient_id     bigint       NOT NULL,
    attempt_id       bigint       NOT NULL,
    number           text         NOT NULL,  -- Where it was pressed.
    tone             text         NOT NULL,
    acknowledged_at  timestamptz  NOT NULL,  -- The provider's time.
    offset_ms        bigint       NOT NULL,  -- Since the first copy of the message began.
    message_version  text         NOT NULL,  -- Which recording: "prompt:7" or "uri".
    recorded_at      timestamptz  NOT NULL,
    revision         integer      NOT NULL DEFAULT 0,  -- Times late facts corrected it.
    PRIMARY KEY (campaign_id, recipient_id)
) PARTITION BY RANGE (campaign_id);
COMMENT ON TABLE acknowledgement IS 'Who confirmed, when, in which attempt.';
CREATE TABLE acknowledgement_default PARTITION OF acknowledgement DEFAULT;
