-- What nodes tell of themselves, and who asks for it.

-- name: NoteNode
-- A sign of life, and the answer is the database's time: the one clock of all
-- nodes. Forgets a few of those that have been silent for a day.
--
-- $1 node, $2 roles text[], $3 build, $4 program, $5 callback_lag_ms, $6 clock_ahead_ms
WITH forgotten AS (
    DELETE FROM node
    WHERE node = any(array(
        SELECT node FROM node
        WHERE heard_at < clock_timestamp() - interval '1 day'
          AND node <> $1
        LIMIT 10
        FOR UPDATE SKIP LOCKED))
)
INSERT INTO node AS n
    (node, roles, build, program, started_at, heard_at, callback_lag_ms, clock_ahead_ms)
VALUES ($1, $2, $3, $4, clock_timestamp(), clock_timestamp(), $5, $6)
ON CONFLICT (node) DO UPDATE
SET heard_at = excluded.heard_at,
    callback_lag_ms = excluded.callback_lag_ms,
    clock_ahead_ms = excluded.clock_ahead_ms
RETURNING clock_timestamp();

-- name: ForgetNode
-- It has ended in order.
--
-- $1 node
DELETE FROM node WHERE node = $1;

-- name: ListNodes
SELECT node, state = 'UP', roles, coalesce(lease, ''), coalesce(lease_epoch, 0), build,
       newest_migration, started_at, heard_at, (callback_lag_s * 1000)::bigint,
       (clock_ahead_s * 1000)::bigint
FROM reporting.nodes
ORDER BY started_at, node;
