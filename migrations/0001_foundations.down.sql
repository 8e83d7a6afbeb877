DROP TABLE audit_trail, pacer_lease, operation, api_request, prompt, trunk_sends,
    trunk_caller_number, trunk, tenant;
DROP DOMAIN phone_e164;
DROP TYPE action_kind, fact_kind, outcome, answered_by, delivery, disposition_source, disposition,
    attempt_state, ack_scope, cancel_mode, campaign_state;
