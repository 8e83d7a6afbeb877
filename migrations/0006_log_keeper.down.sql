ALTER TABLE call_attempt DROP COLUMN log_keeper;
