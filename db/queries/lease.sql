-- The pacer's lease: the only statements that read the database's clock. Nodes'
-- clocks may disagree about when a lease ends; the database's cannot with itself.

-- name: AcquirePacerLease
-- Takes or renews the lease if it is free, expired or ours; no row if somebody
-- else holds it. The epoch grows with each change of holder.
--
-- $1 pacing_group, $2 node, $3 length in ms
INSERT INTO pacer_lease AS l (pacing_group, holder, epoch, expires_at)
VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
ON CONFLICT (pacing_group) DO UPDATE
SET holder = excluded.holder,
    epoch = l.epoch + CASE WHEN l.holder = excluded.holder THEN 0 ELSE 1 END,
    expires_at = excluded.expires_at
WHERE l.holder = excluded.holder
   OR l.expires_at <= clock_timestamp()
RETURNING epoch;

-- name: ReadPacerLease
-- $1 pacing_group
SELECT holder, epoch,
       greatest(0, extract(epoch FROM expires_at - clock_timestamp()) * 1000)::bigint
FROM pacer_lease
WHERE pacing_group = $1;

-- name: StepOverEpochs
-- After a restore: epochs that were handed out after the backup are not handed out
-- again.
--
-- $1 by how many
UPDATE pacer_lease
SET holder = '',
    epoch = epoch + $1;

-- name: ReleasePacerLease
-- Ours to give up only while the epoch is ours. Whoever waits for it is told.
--
-- $1 pacing_group, $2 node, $3 epoch
WITH released AS (
    UPDATE pacer_lease
    SET holder = '',
        expires_at = clock_timestamp()
    WHERE pacing_group = $1
      AND holder = $2
      AND epoch = $3
    RETURNING epoch
)
SELECT pg_notify('tocsin', 'lease') FROM released;
