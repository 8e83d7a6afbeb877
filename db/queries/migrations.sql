-- The migrator's own books.

-- name: CreateSchemaMigration
-- What has been applied. Not a migration itself: it must be there before the first.
CREATE TABLE IF NOT EXISTS schema_migration (
    number      integer      PRIMARY KEY,
    name        text         NOT NULL,
    checksum    text         NOT NULL,
    applied_at  timestamptz  NOT NULL
);

-- name: LockMigrations
-- One migrator at a time, until its session ends. $1 any constant of ours.
SELECT pg_advisory_lock($1);

-- name: ListMigrations
SELECT number, name, checksum, applied_at FROM schema_migration ORDER BY number;

-- name: RecordMigration
-- $1 number, $2 name, $3 checksum, $4 now
INSERT INTO schema_migration (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4);

-- name: ForgetMigration
-- $1 number
DELETE FROM schema_migration WHERE number = $1;
