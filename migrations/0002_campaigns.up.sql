-- oldest program: 0002
-- Campaigns, the people in them, where the lists came from, and who is never
-- to be rung.
--
-- Tables that grow with people or calls are keyed by (campaign_id, ...) and
-- partitioned by ranges of it: a campaign_id begins with its creation time, so a
-- range is a span of time and can be dropped as a whole. Each has one default
-- partition for now. To add a range later: detach the default partition, create
-- PARTITION OF x FOR VALUES FROM (a) TO (b) where a = milliseconds since 1970
-- << 16, and move or leave the rows. They have no foreign keys: a check for each
-- row of a list costs more than the row; the code inserts parents first and
-- reporting.audit() looks for orphans.

CREATE TABLE campaign (
    -- Creation time in ms since 1970 << 16, plus 16 random bits.
    campaign_id              bigint  PRIMARY KEY CHECK (campaign_id > 0),
    tenant_id                bigint  NOT NULL REFERENCES tenant,
    trunk_id                 bigint  NOT NULL REFERENCES trunk,
    name                     text    NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    -- What opting out is for, beside tenant and number.
    purpose                  text    NOT NULL CHECK (char_length(purpose) BETWEEN 1 AND 64),
    priority                 smallint NOT NULL CHECK (priority BETWEEN 0 AND 9),  -- Higher first.

    -- The message: a URL of it, or a prompt of ours.
    audio_uri                text    NOT NULL,
    prompt_id                bigint  REFERENCES prompt,
    -- What keys mean, as "1=ACKNOWLEDGE".
    keys                     text[]  NOT NULL,
    -- A key counts only if pressed this long after the first copy began.
    identity_ends_ms         bigint  NOT NULL CHECK (identity_ends_ms >= 0),
    plays                    integer NOT NULL CHECK (plays BETWEEN 1 AND 5),
    pause_ms                 bigint  NOT NULL CHECK (pause_ms >= 0),
    wait_for_key_ms          bigint  NOT NULL CHECK (wait_for_key_ms >= 0),
    replays_max              integer NOT NULL CHECK (replays_max >= 0),
    ring_limit_ms            bigint  NOT NULL CHECK (ring_limit_ms > 0),
    call_limit_ms            bigint  NOT NULL CHECK (call_limit_ms > 0),

    -- What counts as done.
    ack_required             boolean NOT NULL,
    ack_scope                ack_scope NOT NULL,
    ack_retry_after_ms       bigint  NOT NULL CHECK (ack_retry_after_ms >= 0),
    unconfirmed_answers_max  integer NOT NULL CHECK (unconfirmed_answers_max >= 1),

    -- How often, and how long to wait after which disposition.
    attempts_max             integer NOT NULL CHECK (attempts_max BETWEEN 1 AND 20),
    backoff                  double precision NOT NULL CHECK (backoff >= 1),
    retry_busy_ms            bigint  NOT NULL CHECK (retry_busy_ms >= 0),
    retry_no_answer_ms       bigint  NOT NULL CHECK (retry_no_answer_ms >= 0),
    retry_unreachable_ms     bigint  NOT NULL CHECK (retry_unreachable_ms >= 0),
    retry_declined_ms        bigint  NOT NULL CHECK (retry_declined_ms >= 0),
    retry_congestion_ms      bigint  NOT NULL CHECK (retry_congestion_ms >= 0),
    retry_provider_error_ms  bigint  NOT NULL CHECK (retry_provider_error_ms >= 0),
    retry_lost_ms            bigint  NOT NULL CHECK (retry_lost_ms >= 0),

    -- Of this campaign alone; 0: the trunk's own.
    calls_per_second         double precision NOT NULL CHECK (calls_per_second >= 0),
    concurrent_max           integer NOT NULL CHECK (concurrent_max >= 0),
    -- Hours in which people may be rung, minutes after midnight on their clock.
    window_open_minute       integer NOT NULL CHECK (window_open_minute BETWEEN 0 AND 1440),
    window_close_minute      integer NOT NULL CHECK (window_close_minute BETWEEN 0 AND 1440),
    time_zone                text    NOT NULL,  -- IANA; for recipients without one.
    expires_after_ms         bigint  NOT NULL CHECK (expires_after_ms > 0),
    default_region           text    NOT NULL,  -- ISO 3166; national formats are read as of here.
    synthetic                boolean NOT NULL,  -- Rehearsal numbers: a local trunk only.
    -- Of the trunk at creation; fixed, so that folding stays a function of facts.
    time_scale               double precision NOT NULL CHECK (time_scale >= 1),

    state                    campaign_state NOT NULL,
    state_reason             text    NOT NULL,
    cancel_mode              cancel_mode,
    created_at               timestamptz NOT NULL,
    started_at               timestamptz,
    expires_at               timestamptz,
    ended_at                 timestamptz,

    CONSTRAINT campaign_window_is_open CHECK (window_open_minute < window_close_minute),
    CONSTRAINT campaign_one_message CHECK ((audio_uri = '') = (prompt_id IS NOT NULL)),
    CONSTRAINT campaign_started_expires CHECK ((started_at IS NULL) = (expires_at IS NULL)),
    CONSTRAINT campaign_running_started
        CHECK (started_at IS NOT NULL OR state NOT IN ('RUNNING', 'PAUSED', 'COMPLETED')),
    CONSTRAINT campaign_ended CHECK ((state IN ('COMPLETED', 'CANCELED')) = (ended_at IS NOT NULL)),
    CONSTRAINT campaign_cancel_mode
        CHECK (state NOT IN ('CANCELING', 'CANCELED') OR cancel_mode IS NOT NULL)
) WITH (fillfactor = 50);
COMMENT ON TABLE campaign IS 'What is said, to whom, when and how fast; and where it stands.';
CREATE INDEX campaign_of_tenant ON campaign (tenant_id, campaign_id DESC);
-- Serves ListActiveCampaigns: the few that are not over, among all there ever were.
CREATE INDEX campaign_active ON campaign (campaign_id)
    WHERE state IN ('RUNNING', 'CANCELING', 'PAUSED');

-- Deltas of each batch, spread over shards so that writers on several
-- connections never wait for one another. A counter is the sum over its shards.
CREATE TABLE campaign_counter (
    campaign_id  bigint    NOT NULL,
    key          text      NOT NULL,
    shard        smallint  NOT NULL,
    value        bigint    NOT NULL,
    PRIMARY KEY (campaign_id, key, shard)
) PARTITION BY RANGE (campaign_id);
COMMENT ON TABLE campaign_counter IS 'Counters of a campaign; each is the sum over its shards.';
CREATE TABLE campaign_counter_default PARTITION OF campaign_counter DEFAULT
    WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE SEQUENCE recipient_id_seq CACHE 100;

CREATE TABLE recipient (
    campaign_id       bigint    NOT NULL,
    recipient_id      bigint    NOT NULL DEFAULT nextval('recipient_id_seq'),
    person_key        text      NOT NULL CHECK (person_key <> ''),  -- The submitter's.
    name              text      NOT NULL,
    -- E.164, in the person's order.
    numbers           text[]    NOT NULL CHECK (cardinality(numbers) BETWEEN 1 AND 5),
    time_zone         text      NOT NULL,  -- IANA; empty: the campaign's.
    language          text      NOT NULL,  -- BCP 47; empty: the campaign's.
    priority          smallint  NOT NULL CHECK (priority BETWEEN 0 AND 9),  -- Higher first.
    import_id         bigint    NOT NULL,
    line              bigint    NOT NULL,  -- In the submitter's file.
    -- Why a number is not rung (again), a letter for each: . I S G.
    marks             text      NOT NULL,
    mark_reason       text      NOT NULL DEFAULT '',
    -- The ended attempts in the order of their ends (EncodeTriedCall).
    history           text[]    NOT NULL DEFAULT '{}',
    attempts_made     smallint  NOT NULL DEFAULT 0,
    first_attempt_at  timestamptz,
    last_caller       text,                -- Whom the previous call came from.
    -- What became of the person; null until that is known.
    outcome           outcome,
    outcome_reason    text      NOT NULL DEFAULT '',
    served_by_attempt_id  bigint,          -- The attempt that decided the outcome.
    concluded_at      timestamptz,
    revision          integer   NOT NULL DEFAULT 0,  -- Times the outcome was changed afterwards.
    PRIMARY KEY (campaign_id, recipient_id),
    CONSTRAINT recipient_marks CHECK (marks ~ '^[.ISG]+$' AND length(marks) = cardinality(numbers)),
    CONSTRAINT recipient_concluded CHECK ((outcome IS NULL) = (concluded_at IS NULL))
) PARTITION BY RANGE (campaign_id);
COMMENT ON TABLE recipient IS 'A person in a campaign.';
CREATE TABLE recipient_default PARTITION OF recipient DEFAULT WITH (fillfactor = 80);
-- A list sent twice adds nobody twice. The predicate holds for every row and is
-- there for the planner: a plan made while the table was empty must not take this
-- index for looking people up by campaign and id.
CREATE UNIQUE INDEX recipient_once ON recipient (campaign_id, person_key) WHERE person_key <> '';

CREATE TABLE import (
    import_id    bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    campaign_id  bigint  NOT NULL,
    tenant_id    bigint  NOT NULL,
    begun_at     timestamptz NOT NULL,
    finished_at  timestamptz              -- Null: more batches may come.
);
COMMENT ON TABLE import IS 'A list handed in, batch by batch.';
CREATE INDEX import_open ON import (campaign_id) WHERE finished_at IS NULL;

-- A batch that was taken; sent again it is answered from here.
CREATE TABLE import_batch (
    import_id   bigint  NOT NULL REFERENCES import,
    batch_no    bigint  NOT NULL CHECK (batch_no >= 1),
    accepted    bigint  NOT NULL CHECK (accepted >= 0),
    duplicates  bigint  NOT NULL CHECK (duplicates >= 0),
    refused     bigint  NOT NULL CHECK (refused >= 0),
    PRIMARY KEY (import_id, batch_no)
);
COMMENT ON TABLE import_batch IS 'Batches of an import that were taken, with what came of them.';

CREATE SEQUENCE refused_row_id_seq;

CREATE TABLE refused_row (
    campaign_id     bigint  NOT NULL,
    refused_row_id  bigint  NOT NULL DEFAULT nextval('refused_row_id_seq'),
    import_id       bigint  NOT NULL,
    batch_no        bigint  NOT NULL,
    line            bigint  NOT NULL,
    person_key      text    NOT NULL,
    field           text    NOT NULL,  -- Empty: the row as a whole.
    reason          text    NOT NULL,  -- A constant: DUPLICATE_PERSON, INVALID_NUMBER, ...
    detail          text    NOT NULL,  -- Never quotes a number.
    PRIMARY KEY (campaign_id, refused_row_id)
) PARTITION BY RANGE (campaign_id);
COMMENT ON TABLE refused_row IS 'Submitted rows that were not taken, and why.';
CREATE TABLE refused_row_default PARTITION OF refused_row DEFAULT;
-- Serves the answer to a batch sent again.
CREATE INDEX refused_row_of_batch ON refused_row (import_id, batch_no);

-- Numbers that a tenant never rings for a purpose; "*" is every purpose.
CREATE TABLE suppression (
    tenant_id    bigint      NOT NULL REFERENCES tenant,
    number       phone_e164  NOT NULL,
    purpose      text        NOT NULL,
    source       text        NOT NULL,  -- "opt_out", or who listed it.
    campaign_id  bigint,                -- Of an opt-out by key.
    attempt_id   bigint,
    added_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, number, purpose)
);
COMMENT ON TABLE suppression IS 'Numbers that a tenant never rings for a purpose.';
