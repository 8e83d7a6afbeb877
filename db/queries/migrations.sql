-- The migrator's own books.

-- name: CreateSchemaMigration
-- What has been applied. Not a migration itself: it must be there before the first.
CREATE TABLE IF NOT EXISTS schema_migration (
    number      integer      PRIMARY KEY,
    name        text         NOT NULL,
    checksum    text         NOT NULL,
    applied_at  timestamptz  NOT NULL
);

-- name: AddOldestProgram
-- The books of programs of before 0010 lack it: null is "nobody knows".
ALTER TABLE schema_migration ADD COLUMN IF NOT EXISTS oldest_program integer;

-- name: HasTable
-- $1 name
SELECT to_regclass($1) IS NOT NULL;

-- name: LockMigrations
-- One migrator at a time, until its session ends. $1 any constant of ours.
SELECT pg_advisory_lock($1);

-- name: ListMigrations
-- Of books with and without the column for the oldest program.
SELECT number, name, checksum, applied_at, (to_jsonb(m) ->> 'oldest_program')::integer
FROM schema_migration AS m
ORDER BY number;

-- name: ListPrograms
-- What the nodes that run now know of the schema.
SELECT node, build, newest_migration FROM reporting.nodes WHERE state = 'UP' ORDER BY node;

-- name: RecordMigration
-- $1 number, $2 name, $3 checksum, $4 now, $5 oldest_program
INSERT INTO schema_migration (number, name, checksum, applied_at, oldest_program)
VALUES ($1, $2, $3, $4, $5);

-- name: ForgetMigration
-- $1 number
DELETE FROM schema_migration WHERE number = $1;
