-- What the report shows. Each reads the reporting schema only, so that it can be
-- printed and asked again by hand; $1 is the campaign's id.

-- name: ReportCampaign
SELECT name, state, started_at, ended_at, people, duplicates, refused_rows, eligible, attempts,
       sends
FROM reporting.campaign_outcomes
WHERE campaign_id = $1;

-- name: ReportOutcomes
SELECT coalesce(outcome, 'open') AS outcome, count(*) AS people,
       round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS percent
FROM reporting.recipient_outcomes
WHERE campaign_id = $1
GROUP BY 1
ORDER BY 2 DESC, 1;

-- name: ReportNotReached
SELECT not_reached_reason AS reason, count(*) AS people
FROM reporting.recipient_outcomes
WHERE campaign_id = $1
  AND outcome = 'NOT_REACHED'
GROUP BY 1
ORDER BY 2 DESC, 1;

-- name: ReportDispositions
SELECT disposition, disposition_source AS source, count(*) AS attempts,
       count(*) FILTER (WHERE delivery = 'FULL') AS heard_in_full,
       round(avg(talk_s)::numeric, 1) AS talk_s_mean
FROM reporting.call_attempts
WHERE campaign_id = $1
  AND state = 'ENDED'
GROUP BY 1, 2
ORDER BY 3 DESC, 1;

-- name: ReportAcknowledgement
SELECT c.acknowledged,
       round(100.0 * c.acknowledged / nullif(c.eligible, 0), 2) AS percent_of_eligible,
       round(100.0 * c.acknowledged / nullif(c.people_answered, 0), 2) AS percent_of_answered,
       t.p50 AS time_to_acknowledge_s_p50, t.p90 AS time_to_acknowledge_s_p90,
       t.p99 AS time_to_acknowledge_s_p99
FROM reporting.campaign_outcomes AS c
CROSS JOIN LATERAL (
    SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY a.time_to_acknowledge_s)::numeric, 1)
               AS p50,
           round(percentile_cont(0.9) WITHIN GROUP (ORDER BY a.time_to_acknowledge_s)::numeric, 1)
               AS p90,
           round(percentile_cont(0.99) WITHIN GROUP (ORDER BY a.time_to_acknowledge_s)::numeric, 1)
               AS p99
    FROM reporting.acknowledgements AS a
    WHERE a.campaign_id = c.campaign_id) AS t
WHERE c.campaign_id = $1;

-- name: ReportAttemptsPerPerson
SELECT attempts_made, count(*) AS people,
       count(*) FILTER (WHERE acknowledged_at IS NOT NULL) AS acknowledged
FROM reporting.recipient_outcomes
WHERE campaign_id = $1
GROUP BY 1
ORDER BY 1;

-- name: ReportPace
SELECT count(*) AS sent, min(sent_at) AS first_sent_at, max(sent_at) AS last_sent_at,
       round((count(*) / nullif(extract(epoch FROM max(sent_at) - min(sent_at)), 0))::numeric, 2)
           AS sent_per_s_mean,
       max(in_second) AS sent_in_busiest_second,
       max(trunk_calls_per_second) AS limit_per_s
FROM (SELECT sent_at, trunk_calls_per_second,
             count(*) OVER (ORDER BY sent_at
                            RANGE BETWEEN interval '999999 microseconds' PRECEDING
                                      AND CURRENT ROW) AS in_second
      FROM reporting.sends
      WHERE campaign_id = $1) AS s;

-- name: RunAudit
-- A row for each broken promise. $1 campaign_id or null: all of them
SELECT promise, campaign_id, recipient_id, attempt_id, finding
FROM reporting.audit($1)
LIMIT 1000;
