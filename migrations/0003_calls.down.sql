DROP TABLE acknowledgement, call_action, call_event, number_lock, call_group_member, call_attempt,
    due_queue;
DROP SEQUENCE attempt_id_seq;
