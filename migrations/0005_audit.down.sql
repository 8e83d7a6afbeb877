DROP FUNCTION reporting.audit(bigint);
