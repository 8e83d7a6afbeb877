-- oldest program: 0009
-- Which nodes there are, for people, and for a migrator that must not take the
-- schema away from under one.

CREATE TABLE node (
    node            text         PRIMARY KEY CHECK (node <> ''),  -- As leases name it.
    roles           text[]       NOT NULL,
    build           text         NOT NULL,
    -- The newest migration that its program knows.
    program         integer      NOT NULL,
    -- Of the database's clock, like a lease.
    started_at      timestamptz  NOT NULL,
    heard_at        timestamptz  NOT NULL,
    -- How late events come, in the life of whom is called; null: it hears of none.
    callback_lag_ms bigint,
    -- Its machine's calendar against the database's; negative: behind.
    clock_ahead_ms  bigint       NOT NULL
) WITH (fillfactor = 20);
COMMENT ON TABLE node IS 'The nodes of the service, as each says of itself every second.';

CREATE VIEW reporting.nodes AS
SELECT n.node,
       CASE WHEN n.heard_at > clock_timestamp() - interval '5 s' THEN 'UP' ELSE 'SILENT' END
           AS state,
       n.roles,
       l.pacing_group AS lease,
       l.epoch AS lease_epoch,
       n.build,
       n.program AS newest_migration,
       n.started_at,
       n.heard_at,
       n.callback_lag_ms / 1000.0::double precision AS callback_lag_s,
       n.clock_ahead_ms / 1000.0::double precision AS clock_ahead_s
FROM public.node AS n
LEFT JOIN public.pacer_lease AS l
    ON l.holder = n.node AND l.expires_at > clock_timestamp();

COMMENT ON VIEW reporting.nodes IS
    'One row for each node of the service, and for each that was killed within the last day. '
    'Times are of the database''s clock.';
COMMENT ON COLUMN reporting.nodes.node IS 'Its name: the host, the process, and eight digits.';
COMMENT ON COLUMN reporting.nodes.state IS
    'UP, or SILENT if nothing was heard of it for five seconds: killed, frozen, or cut off.';
COMMENT ON COLUMN reporting.nodes.roles IS 'What it does: api, scheduler, receiver.';
COMMENT ON COLUMN reporting.nodes.lease IS
    'The pacing group whose lease it holds: it sends the calls; null: none.';
COMMENT ON COLUMN reporting.nodes.lease_epoch IS 'Of that lease; grows with each change of holder.';
COMMENT ON COLUMN reporting.nodes.build IS 'The version of its program.';
COMMENT ON COLUMN reporting.nodes.newest_migration IS
    'The newest migration that its program knows; it may be below that of the schema for as long '
    'as an upgrade takes.';
COMMENT ON COLUMN reporting.nodes.started_at IS 'Since when it runs.';
COMMENT ON COLUMN reporting.nodes.heard_at IS 'When it said so last.';
COMMENT ON COLUMN reporting.nodes.callback_lag_s IS
    'How late events come to it, as whoever is called lives through it; null: it receives none.';
COMMENT ON COLUMN reporting.nodes.clock_ahead_s IS
    'How far its machine''s clock is ahead of the database''s. It goes by the database''s; but '
    'certificates are judged by the machine''s, and so is its log.';

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tocsin_analyst') THEN
        GRANT SELECT ON reporting.nodes TO tocsin_analyst;
    END IF;
END
$$;
