-- oldest program: 0006
-- Who has the whole log of an attempt in memory, and need not read it back.

-- Unset: the log is empty. 0: nobody has it. Else the store that has (its
-- keeper() in db/fact_cache.h): whoever is another and adds to the log writes 0
-- in the same transaction. What is there already is nobody's; a constant default
-- rewrites no row.
ALTER TABLE call_attempt ADD COLUMN log_keeper bigint DEFAULT 0;
ALTER TABLE call_attempt ALTER COLUMN log_keeper DROP DEFAULT;
