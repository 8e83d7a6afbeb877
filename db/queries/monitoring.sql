-- What an operator's page shows of the database: asked every few seconds, whatever
-- is going on, so each part is bounded.

-- name: ReadBacklog
-- For each trunk: live attempts, those of unknown fate and since when, and the
-- people of running campaigns who are due and since when. Of these at most 10,000
-- are counted for each campaign and priority: beyond that the number says "many".
-- And how far the campaigns that are not over have come.
--
-- $1 now
SELECT t.trunk_id, t.name, live.calls, live.unresolved, live.unresolved_since,
       coalesce(due.people, 0), due.due_since,
       coalesce(done.people, 0), coalesce(done.ended, 0), coalesce(done.acknowledged, 0)
FROM trunk AS t
CROSS JOIN LATERAL (
    SELECT count(*) AS calls,
           count(*) FILTER (WHERE a.state = 'UNRESOLVED') AS unresolved,
           min(a.intended_at) FILTER (WHERE a.state = 'UNRESOLVED') AS unresolved_since
    FROM number_lock AS l
    CROSS JOIN LATERAL (
        SELECT c.state, c.intended_at
        FROM call_attempt AS c
        WHERE c.campaign_id = l.campaign_id
          AND c.attempt_id = l.attempt_id
        OFFSET 0) AS a
    WHERE l.trunk_id = t.trunk_id) AS live
CROSS JOIN LATERAL (
    SELECT count(*) AS people, min(d.due_at) AS due_since
    FROM campaign AS c
    CROSS JOIN generate_series(0, 9) AS p (priority)
    CROSS JOIN LATERAL (
        SELECT w.due_at
        FROM due_queue AS w
        WHERE w.campaign_id = c.campaign_id
          AND w.priority = p.priority
          AND w.due_at <= $1
        ORDER BY w.due_at
        LIMIT 10000) AS d
    WHERE c.trunk_id = t.trunk_id
      AND c.state = 'RUNNING') AS due
CROSS JOIN LATERAL (
    SELECT sum(n.value) FILTER (WHERE n.key = 'people') AS people,
           sum(n.value) FILTER (WHERE n.key LIKE 'outcome:%') AS ended,
           sum(n.value) FILTER (WHERE n.key = 'acknowledged') AS acknowledged
    FROM campaign AS c
    CROSS JOIN LATERAL (
        SELECT m.key, m.value
        FROM campaign_counter AS m
        WHERE m.campaign_id = c.campaign_id
        OFFSET 0) AS n
    WHERE c.trunk_id = t.trunk_id
      AND c.state IN ('RUNNING', 'CANCELING', 'PAUSED')) AS done
ORDER BY t.name;

-- name: Ping
SELECT 1;
